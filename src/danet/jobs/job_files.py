"""The first stage of DVC: ``python -m danet.jobs.job_files``.

It writes settings and code of each job to a small file of its own, on which the job's stage depends, and
rewrites only those that have changed; so DVC makes again what Snakemake would make again. Before that it
stops where DVC's lists are those of another params.yaml or, as Snakemake does, where the data are another
copy than the one that is named; and it restores the format of params.yaml.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from danet.data.obtaining.obtainable import refuse_other_data
from danet.errors import UserError
from danet.files import write_text
from danet.jobs.job import jobs_of
from danet.settings import Plan, load_plan
from danet.settings.dvc_lists import require_lists
from danet.settings.params_format import restore_format
from danet.settings.reading import load_every_plan

FOLDER = Path("workflow/dvc/jobs")


def write_job_files(plans: Iterable[Plan], folder: Path = FOLDER) -> None:
    """Write ``<profile>/<recipe>/<job>.json``, of data sets ``<profile>/<job>.json``, where they change.

    A profile is left out whose own data set lacks its list of classes.
    """
    for plan in plans:
        if any(name in plan.unresolved for name in plan.experiments):
            continue
        for job in jobs_of(plan):
            path = folder / f"{job.place(plan)}.json"
            _write_if_changed(path, {"settings": job.settings, "code": job.code()})


def _write_if_changed(path: Path, basis: dict[str, Any]) -> None:
    text = json.dumps(basis, indent=2) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def main() -> None:
    """Run the stage; an error that the user can fix ends with its message and no traceback."""
    try:
        plans = load_every_plan()
        restore_format()
        require_lists(plans)
        refuse_other_data(load_plan())
        write_job_files(plans)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

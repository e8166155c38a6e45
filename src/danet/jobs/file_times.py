"""What Snakemake is told of by times of files, whichever engine has made what is there.

Copies, checkouts and DVC leave times that say nothing, and Snakemake's own records are of no use once
DVC has made a result. So before Snakemake looks, times are made to say what ``danet status`` does.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from danet.jobs.status import statuses
from danet.settings import Plan

LONG_AGO = (1, 1)


def tell_snakemake(plan: Plan, folder: Path) -> None:
    """Make times of files fit the state of all jobs.

    Args:
        plan: the jobs.
        folder: has a folder for each job, which is among the job's inputs for Snakemake: newer than all
            outputs where the result is stale, and older than all where it is current. Current outputs
            are made newer than their other inputs, and so are the files of Snakemake's benchmarks, which
            it counts among them.
    """
    made_with: dict[Path, tuple[Path, ...]] = {}  # all outputs of the job that makes a file
    for status in statuses(plan):
        job = status.job
        _set_time(folder / job.place(plan), status.state != "current")
        made_with |= dict.fromkeys(job.outputs, job.outputs)
        if status.state == "current":
            kind, _, rest = (job.benchmark or job.name).partition("-")
            results = plan.paths.root.parent if job.note else plan.paths.root
            benchmark = results / "benchmarks" / kind / f"{rest}.tsv"
            inputs = [path for needed in job.inputs for path in made_with.get(needed, (needed,))]
            _renew([*job.outputs, *([benchmark] if benchmark.exists() else [])], inputs)


def _set_time(folder: Path, stale: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder, None if stale else LONG_AGO)


def _renew(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    newest = max((path.stat().st_mtime_ns for path in inputs if path.exists()), default=0)
    if any(path.stat().st_mtime_ns < newest for path in outputs):
        for path in outputs:
            os.utime(path)

"""What Snakemake and DVC would run in the project of the current folder, after each of some edits.

Many questions in one process, since an engine takes a second to import. Standard input: a JSON list of
edits, each the content of files by path; they are taken back afterwards. Edits of src/danet count as the code
of this project, and are not run. Standard output: for each edit, by engine and job, its command and outputs.

    python engine_plans.py planned      what would run
    python engine_plans.py everything   all that the report needs, whether it would run or not
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from dvc.repo import Repo
from networkx import ancestors, descendants
from snakemake.api import SnakemakeApi
from snakemake.jobs import Job
from snakemake.settings.types import DAGSettings, OutputSettings, Quietness, ResourceSettings

from danet import code_digest
from danet.files import write_text
from danet.jobs.job_files import write_job_files
from danet.jobs.status import statuses
from danet.settings import Plan, load_plan, load_plans
from danet.settings.dvc_lists import LISTS_FILE, lists_text
from danet.settings.reading import load_every_plan

NAMES = {
    "download": "download-{dataset}",
    "prepare": "prepare-{dataset}",
    "train": "train-{experiment}-seed{seed}",
    "table": "table-{table}",
    "report": "report",
}
SEVERAL = {"evaluate": "evaluate-{experiment}-seed{seed}-{part}", "figures": "figure-{part}"}
"""Rules whose jobs make several results, by the beginnings of their names."""
Jobs = dict[str, tuple[str, list[str]]]
"""Command and outputs, by the name of the job."""


def planned_by_snakemake(plan: Plan, everything: bool) -> Jobs:
    settings = DAGSettings(targets={"report"}, forceall=everything)
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        workflow = api.workflow(ResourceSettings(cores=1), snakefile=Path("Snakefile"))
        workflow.dag(settings).execute_workflow(executor="dryrun", updated_files=[])
        jobs = workflow._workflow.dag._needrun
        made = {name: planned for job in jobs for name, planned in _parts(job)}
    # A command that makes several results keeps those that are current.
    current = {} if everything else {found.job.name for found in statuses(plan) if found.state == "current"}
    return {name: planned for name, planned in made.items() if name not in current}


def _parts(job: Job) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """What a job of Snakemake makes, each with the command that makes it alone, which is a stage of DVC's."""
    command, outputs = _command(job.shellcmd), sorted(map(str, job.output))
    kind = next((kind for kind in SEVERAL if job.rule.name.startswith(f"{kind}_")), None)
    if kind is None:
        yield NAMES[job.rule.name].format(**job.wildcards_dict), (command, outputs)
        return
    parts = {Path(path).stem for path in outputs}  # protocols or figures
    for part in parts:
        others = "|".join(parts - {part}) or "no other"
        alone = re.sub(rf" (--protocol )?\b({others})\b", "", command)
        name = SEVERAL[kind].format(part=part, **job.wildcards_dict)
        yield name, (alone, [path for path in outputs if Path(path).stem == part])


class Dvc:
    """The pipeline of one profile and recipe, read once: that takes seconds."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.repo = plan, Repo()
        self.graph = self.repo.index.graph
        (last,) = [stage for stage in self.graph if getattr(stage, "name", "") == "all"]
        self.stages = [stage for stage in descendants(self.graph, last) if stage.name != "settings"]

    def planned(self, everything: bool) -> Jobs:
        with self.repo.lock:
            changed = [stage for stage in self.stages if everything or stage.status()]
        after = {stage for one in changed for stage in ancestors(self.graph, one)}
        return {
            _job_of(stage.name, self.plan): (
                _command(stage.cmd if isinstance(stage.cmd, str) else stage.cmd[-1]),
                sorted(str(Path(out.fs_path).relative_to(Path.cwd())) for out in stage.outs),
            )
            for stage in self.stages
            if stage in changed or stage in after
        }


def _job_of(stage: str, plan: Plan) -> str:
    """``train@demo-released_code-fcn_r50-seed1`` as ``train-fcn_r50-seed1``."""
    kind, _, key = stage.partition("@")
    rest = key.removeprefix(plan.profile).removeprefix(f"-{plan.recipe}")
    return kind + rest


def _command(text: str) -> str:
    """Without its log, and without what only one of the engines says."""
    return " ".join(
        text.split("&>")[0].split("2>&1")[0].partition(" --gpus")[0].partition(" --proc")[0].split()
    )


def answers(everything: bool) -> Iterator[dict[str, Jobs]]:
    """Does what a user does: the edit, then whatever the first stage of DVC asks for."""
    pipelines: dict[tuple[str, ...], Dvc] = {}
    for edit in json.load(sys.stdin):
        with edited(edit):
            lists, plan = lists_text(load_every_plan()), load_plan()
            if LISTS_FILE.read_text() != lists:
                write_text(LISTS_FILE, lists)
            write_job_files(load_plans(profile=plan.profile))
            choice = (plan.profile, plan.recipe, lists)
            if choice not in pipelines:
                pipelines[choice] = Dvc(plan)
            yield {
                "snakemake": planned_by_snakemake(plan, everything),
                "dvc": pipelines[choice].planned(everything),
            }


@contextmanager
def edited(files: Mapping[str, str]) -> Iterator[None]:
    """Files of the project with another content."""
    before = {path: Path(path).read_text() for path in files}
    for path, content in files.items():
        write_text(Path(path), content)
    for remembered in (code_digest._tree, code_digest._digest_of_module, code_digest._digest_of_data):
        remembered.cache_clear()
    code_digest._imports.cache_clear()
    try:
        yield
    finally:
        for path, content in before.items():
            write_text(Path(path), content)


if __name__ == "__main__":
    code_digest.PACKAGE = Path("src/danet").absolute()
    with redirect_stdout(sys.stderr):
        result = list(answers(everything=sys.argv[1] == "everything"))
    json.dump(result, sys.stdout)

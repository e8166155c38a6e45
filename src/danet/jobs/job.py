"""The jobs of a plan, each with its inputs and outputs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from danet.data.obtaining.receipt import read_receipt
from danet.data.releases.layout import SPLITS
from danet.errors import UserError
from danet.files import read_json
from danet.jobs import code
from danet.paths import ResultPaths
from danet.runs.config import differing_facts, read_config
from danet.runs.record import read_record
from danet.settings import Dataset, Experiment, FigureName, Plan, TableName
from danet.settings.job_facts import (
    Facts,
    data_facts,
    evaluation_facts,
    figure_facts,
    report_facts,
    table_facts,
    training_facts,
)

WITH_CLAIMS: tuple[TableName, ...] = ("table1", "table2")
"""Tables by which the paper makes claims; their rows are compared image by image."""


@dataclass(frozen=True)
class Job:
    """One command of the workflow that makes results."""

    name: str
    """Such as ``train-fcn_r50-seed1``, ``evaluate-fcn_r50-seed1-ss``, ``table-table1``, ``report``."""
    command: str
    """What makes it again."""
    settings: Facts
    """Of all settings that can change its result."""
    code: Callable[[], code.Digests]
    """Digests of all code that can change its result."""
    inputs: tuple[Path, ...]
    """Files that its result depends on."""
    outputs: tuple[Path, ...]
    """Files that it makes."""
    recorded: Callable[[], bool] | None = None
    """Whether the outputs themselves say that they were made with these settings and inputs."""
    note: Path | None = None
    """Where it is noted what made the outputs, if not with the results of one recipe: data sets are the
    same under all."""
    benchmark: str | None = None
    """Name of Snakemake's benchmark, where one of its jobs does several of these; None: as ``name``."""

    def note_in(self, paths: ResultPaths) -> Path:
        """Where it is noted what made the outputs, given where the plan's results are."""
        return self.note or paths.made(self.name)

    def place(self, plan: Plan) -> Path:
        """``<profile>/<recipe>/<name>``, without the recipe where the job is the same under all."""
        return Path(plan.profile, *([] if self.note else [plan.recipe]), self.name)


def download_job(dataset: Dataset) -> Job:
    return Job(
        name=f"download-{dataset.name}",
        command=f"danet download {dataset.command}",
        settings=data_facts(dataset),
        code=lambda: code.of_download(dataset),
        inputs=(),
        outputs=(dataset.paths.receipt,),
        recorded=lambda: _is_obtained(dataset),
        note=dataset.paths.made("download"),
    )


def _is_obtained(dataset: Dataset) -> bool:
    """Whether the tree is of the kind that is asked for, generated scenes or not."""
    try:
        return (read_receipt(dataset).how == "generated") == (dataset.generated is not None)
    except UserError:
        return False


def prepare_job(dataset: Dataset) -> Job:
    names = ("images.npy", "labels.npy", "index.json")
    return Job(
        name=f"prepare-{dataset.name}",
        command=f"danet prepare {dataset.command}",
        settings=data_facts(dataset),
        code=lambda: code.of_preparation(dataset),
        inputs=(dataset.paths.receipt,),
        outputs=tuple(dataset.paths.prepared(split) / name for split in SPLITS for name in names),
        recorded=lambda: True,  # each split is complete or not there
        note=dataset.paths.made("prepare"),
    )


def training_job(plan: Plan, experiment_id: str, seed: int) -> Job:
    experiment = plan.experiment(experiment_id)
    run = plan.paths.run(experiment.id, seed)
    return Job(
        name=f"train-{experiment.id}-seed{seed}",
        command=f"danet train --experiment {experiment.id} --seed {seed} {plan.options}",
        settings=training_facts(plan, experiment.id, seed),
        code=lambda: code.of_training(experiment.model, plan.dataset(experiment.dataset)),
        inputs=(plan.dataset(experiment.dataset).paths.prepared("train") / "index.json",),
        outputs=(run.config, run.record, run.final, run.metrics),
        recorded=lambda: _run_is_recorded(plan, experiment, seed),
    )


def _run_is_recorded(plan: Plan, experiment: Experiment, seed: int) -> bool:
    """Whether there is a finished run of these settings and data, whatever version made it."""
    run, data = plan.paths.run(experiment.id, seed), plan.dataset(experiment.dataset).paths
    try:
        config, record = read_config(run.config), read_record(run.record)
        index = json.loads((data.prepared("train") / "index.json").read_text(encoding="utf-8"))
    except (UserError, OSError, ValueError):
        return False
    same_data = record.imported is not None or record.data.digest == index.get("digest")
    return run.final.exists() and same_data and not differing_facts(config.experiment, experiment)


def evaluation_job(plan: Plan, experiment_id: str, seed: int, protocol: str) -> Job:
    experiment = plan.experiment(experiment_id)
    return Job(
        name=f"evaluate-{experiment.id}-seed{seed}-{protocol}",
        command=f"danet evaluate --experiment {experiment.id} --seed {seed} --protocol {protocol}"
        f" {plan.options}",
        settings=evaluation_facts(plan, experiment.id, protocol),
        code=lambda: code.of_evaluation(experiment.model, plan.dataset(experiment.dataset)),
        inputs=(
            plan.dataset(experiment.dataset).paths.prepared("val") / "index.json",
            plan.paths.run(experiment.id, seed).record,
        ),
        outputs=(plan.paths.evaluation(experiment.id, seed, protocol),),
        benchmark=f"evaluate-{experiment.id}-seed{seed}",
    )


def table_job(plan: Plan, name: TableName) -> Job:
    rows = plan.table(name).evaluations
    return Job(
        name=f"table-{name}",
        command=f"danet table {name} {plan.options}",
        settings=table_facts(plan, name),
        code=code.of_table,
        inputs=(
            *(
                path
                for row in rows
                for seed in plan.seeds
                for path in (
                    plan.paths.evaluation(row.experiment, seed, row.protocol),
                    plan.paths.run(row.experiment, seed).record,
                )
            ),
            *_counts(plan, name),
            *_entered(plan, name),
        ),
        outputs=tuple(plan.paths.table(name, suffix) for suffix in ("tex", "csv", "md")),
    )


def _counts(plan: Plan, name: TableName) -> list[Path]:
    """Counts of single images, which the claims of a table are read from."""
    rows = plan.table(name).evaluations if name in WITH_CLAIMS else ()
    return [
        plan.paths.image_counts(row.experiment, seed, row.protocol) for row in rows for seed in plan.seeds
    ]


def _entered(plan: Plan, name: TableName) -> tuple[Path, ...]:
    """What the evaluation server reported, once it has."""
    file = plan.paths.server_results
    return (file,) if name == "table3" and file.exists() else ()


def figure_job(plan: Plan, name: FigureName) -> Job:
    shown = plan.figure(name).experiments
    networks = (plan.paths.run(experiment, plan.seeds[0]).record for experiment in shown)
    return Job(
        name=f"figure-{name}",
        command=f"danet figure {name} {plan.options}",
        settings=figure_facts(plan, name),
        code=lambda: code.of_figure(name, [plan.experiment(experiment).model for experiment in shown]),
        inputs=(plan.dataset_of_figure(name).paths.prepared("val") / "index.json", *networks),
        outputs=tuple(plan.paths.figure(name, suffix) for suffix in ("pdf", "png", "json")),
    )


def report_job(plan: Plan) -> Job:
    runs = [plan.paths.run(name, seed) for name in plan.experiments for seed in plan.seeds]
    evaluations = [
        plan.paths.evaluation(row.experiment, seed, row.protocol)
        for row in plan.evaluations
        for seed in plan.seeds
    ]
    return Job(
        name="report",
        command=f"danet report {plan.options}",
        settings=report_facts(plan) | _accepted(plan),
        code=code.of_report,
        inputs=(
            *(plan.paths.table(name, "csv") for name in plan.tables),
            *(plan.paths.figure(name, "json") for name in plan.figures),
            *evaluations,
            *(path for run in runs for path in (run.record, run.metrics)),
        ),
        outputs=(plan.paths.report,),
    )


def _accepted(plan: Plan) -> Facts:
    """When results were accepted, by job: the report shows it. Nothing where none was."""
    found = {}
    for job in _jobs_before_report(plan):
        try:
            accepted = read_json(job.note_in(plan.paths))["accepted"]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if accepted:
            found[job.name] = [acceptance["at"] for acceptance in accepted]
    return {"accepted": found} if found else {}


def jobs_of(plan: Plan) -> Iterator[Job]:
    """All that make results of a plan, each after those that it needs."""
    yield from _jobs_before_report(plan)
    yield report_job(plan)


def _jobs_before_report(plan: Plan) -> Iterator[Job]:
    for dataset in map(plan.dataset, plan.datasets):
        yield download_job(dataset)
        yield prepare_job(dataset)
    for seed in plan.seeds:
        for experiment in plan.experiments:
            yield training_job(plan, experiment, seed)
    for seed in plan.seeds:
        for row in plan.evaluations:
            yield evaluation_job(plan, row.experiment, seed, row.protocol)
    yield from (table_job(plan, name) for name in plan.tables)
    yield from (figure_job(plan, name) for name in plan.figures)

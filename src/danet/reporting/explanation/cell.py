"""One cell of a table: the files and settings that it comes from."""

from collections.abc import Iterator

import numpy as np

from danet.errors import SettingsError
from danet.paths import RunPaths
from danet.reporting.explanation.causes import Case, Cause, causes
from danet.reporting.tables.captions import describe_protocol, used_data
from danet.reporting.tables.published import PublishedRow, published_rows
from danet.reporting.tables.scores import Score, evaluation_of, over_seeds, run_of
from danet.reporting.tables.server_scores import server_iou
from danet.runs.config import read_config
from danet.runs.evaluation_file import EvaluationRecord
from danet.runs.network_file import load_network
from danet.settings import Evaluation, Plan, TableName, nearest

TOLERANCE = 0.5
"""Percentage points by which nominally equal runs differ: mmsegmentation's of DANet lie within 0.5 of each
other, the authors' own within 1 (issue 52)."""
MARKS = {True: "[x]", False: "[ ]", None: "[?]"}


def explain(plan: Plan, cell: str, paper: Plan) -> Iterator[str]:
    """Say where a cell comes from, line by line.

    Args:
        plan: the profile and recipe whose table it is.
        cell: ``<table>.<experiment>``, or ``<table>.<experiment>.<protocol>`` where it has several.
        paper: the profile ``paper`` under the same recipe, to compare settings with.

    Raises:
        SettingsError: there is no such cell.
        MissingDataError: its run or its evaluation has not been made.
        BadDataError: a file of it is damaged, or of other settings.
    """
    table, rows = _find(plan, cell)
    if table == "table3":
        yield from _explain_server(plan)
        return
    for number, row in enumerate(rows):
        if number:
            yield ""
        yield from _explain(plan, table, row, paper)


def _find(plan: Plan, cell: str) -> tuple[TableName, list[Evaluation]]:
    table, _, rest = cell.partition(".")
    experiment, _, protocol = rest.partition(".")
    if table not in plan.all_tables:
        raise SettingsError(f'there is no table "{table}"; {nearest(table, sorted(plan.all_tables))}')
    evaluations = plan.all_tables[table].evaluations  # type: ignore[index]
    rows = [row for row in evaluations if row.experiment == experiment and protocol in ("", row.protocol)]
    if not rows and table != "table3":
        cells = [f"{table}.{row.experiment}.{row.protocol}" for row in evaluations]
        raise SettingsError(f"{cell} is no cell of ours; {nearest(cell, cells)}", f"cells: {' '.join(cells)}")
    return table, rows  # type: ignore[return-value]


def _explain_server(plan: Plan) -> Iterator[str]:
    values = server_iou(plan)
    if values is None:
        yield "table3: server, until what the evaluation server reports is entered"
        yield f"  -> snakemake submission, upload {plan.paths.submission}, then danet submit --enter FILE"
        return
    stated = plan.table("table3").server_iou is not None
    mean = sum(values.values()) / len(values)
    yield f"table3: mean IoU {mean:.1f} over {len(values)} classes, as the evaluation server reported"
    yield f"  from    {'tables.table3.server_iou in params.yaml' if stated else plan.paths.server_results}"


def _explain(plan: Plan, table: TableName, row: Evaluation, paper: Plan) -> Iterator[str]:
    records = [evaluation_of(plan, row, seed) for seed in plan.seeds]
    published = _published(table, row)
    experiment = plan.experiment(row.experiment)
    score = over_seeds([record.miou for record in records])
    if published.classes and experiment.model.classes == published.classes - 1:
        score = score.with_background(published.classes)
    yield _headline(table, row, score, published)
    for seed, record in zip(plan.seeds, records, strict=True):
        yield from _provenance(plan, row, seed, record)
    if published.miou is None or score.mean >= published.miou - TOLERANCE:
        return
    seed, record = plan.seeds[0], records[0]
    run = plan.paths.run(row.experiment, seed)
    case = Case(
        trained=read_config(run.config).experiment,
        stated=paper.experiment(row.experiment),
        run=run_of(plan, row.experiment, seed),
        evaluation=record,
        protocol=experiment.protocol(row.protocol),
        row=published,
        scales=_scales(run),
    )
    yield ""
    yield f"more than {TOLERANCE} below the paper; the usual causes ([x] applies, [?] cannot be told):"
    found = causes(case)
    width = max(len(cause.name) for cause in found)
    yield from (_line(cause, width) for cause in found)


def _scales(run: RunPaths) -> dict[str, float]:
    """Alpha and beta of the trained network."""
    network, _ = load_network(run.final, run.command)
    ends = ((name.rpartition(".")[2], parameter) for name, parameter in network.named_parameters())
    return {end: parameter.item() for end, parameter in ends if end in ("alpha", "beta")}


def _published(table: TableName, row: Evaluation) -> PublishedRow:
    rows = [published for published in published_rows(table) if published.experiment == row.experiment]
    fitting = [published for published in rows if published.protocol in (None, row.protocol)]
    return fitting[0] if fitting else PublishedRow(method=row.experiment)


def _headline(table: TableName, row: Evaluation, score: Score, published: PublishedRow) -> str:
    ours = f"{table}.{row.experiment}.{row.protocol}: {score.mean:.2f}"
    ours += f" ± {score.deviation:.2f}" if score.deviation is not None else ""
    if published.miou is None:
        return f"{ours}; the paper has no such row"
    return f"{ours}; the paper {published.miou:.2f}, a difference of {score.mean - published.miou:+.2f}"


def _provenance(plan: Plan, row: Evaluation, seed: int, record: EvaluationRecord) -> Iterator[str]:
    experiment, paths = plan.experiment(row.experiment), plan.paths
    run = run_of(plan, row.experiment, seed)
    made = f"imported from {run.imported.file}" if run.imported else f"{run.steps:,} steps on {run.device}"
    yield f"  run         {paths.run(row.experiment, seed).root}, {made}"
    yield f"  commit      {run.short_commit or 'unknown'}"
    images = f", {run.data.images} images" if run.data.images else ""
    yield f"  data        {used_data(plan, experiment)}{images}, digest {run.data.digest}"
    yield f"  protocol    {row.protocol}: {describe_protocol(experiment.protocol(row.protocol))}"
    yield f"  evaluation  {paths.evaluation(row.experiment, seed, row.protocol)}"
    confusion = np.array(record.confusion)
    occurring = int((confusion.sum(axis=1) > 0).sum())
    scored = f"{record.images} images, " if record.images else ""
    yield (
        f"  confusion   {len(confusion)} x {len(confusion)} classes, {scored}{confusion.sum():,} pixels of"
        f" {occurring} classes; mIoU {100 * record.miou:.2f}, pixel accuracy"
        f" {100 * record.pixel_accuracy:.2f}"
    )
    if (interval := record.miou_interval) is not None:
        yield (
            f"  interval    mIoU {100 * interval.low:.2f} to {100 * interval.high:.2f}, {interval.level:.0%}"
            f" of {interval.resamples} draws of {interval.units} images or blocks of images"
        )


def _line(cause: Cause, width: int) -> str:
    return f"  {MARKS[cause.applies]} {cause.name:<{width}}  {cause.evidence}"

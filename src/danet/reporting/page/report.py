"""One page with everything that a profile produced, readable offline.

Input: all files below results/<profile>/<recipe>/, and the receipts of the profile's data sets.
Output: results/<profile>/<recipe>/report.html.
"""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from statistics import fmean

import jinja2
from PIL import Image

from danet.data.obtaining.receipt import read_receipt
from danet.errors import MissingDataError
from danet.files import read_json, write_text
from danet.jobs.job import jobs_of
from danet.jobs.made import acceptances
from danet.reporting.page.curves import draw_curves, draw_validation
from danet.reporting.page.finished_runs import FinishedRun, read_runs
from danet.reporting.tables.assembly import read_table
from danet.reporting.tables.captions import comparable, used_backbones, used_data
from danet.reporting.tables.cells import alignments, cells
from danet.reporting.tables.claim_cells import CLAIM_HEADINGS, claim_cells
from danet.reporting.tables.paper_table import PaperTable
from danet.settings import Dataset, FigureName, Plan

FIGURE_WIDTH = 1400
"""Pixels to which figures are reduced in the page."""
MANY_CLASSES = 30
"""Lists of more classes are folded."""

Facts = dict[str, object]
"""What the template prints of one thing."""


def write_report(plan: Plan) -> Path:
    """Write the report of the plan's profile and recipe.

    Raises:
        MissingDataError: a run, an evaluation or a figure of the plan has not been made yet.
        BadDataError: a file of it is damaged, or of other settings.
    """
    runs = read_runs(plan)
    experiments = [plan.experiment(name) for name in plan.experiments]
    datasets = [plan.dataset(name) for name in plan.datasets]
    validation = draw_validation(runs)
    page = _template().render(
        plan=plan,
        comparable=comparable(plan, experiments),
        backbones=used_backbones(experiments),
        datasets=[_dataset(plan, dataset, runs) for dataset in datasets],
        environments=environments(runs),
        tables=[_table(read_table(plan, name)) for name in plan.tables],
        figures=[_figure(plan, name) for name in plan.figures],
        curves=_data_uri("image/svg+xml", draw_curves(runs).encode()),
        validation=validation and _data_uri("image/svg+xml", validation.encode()),
        looks=next(
            (line["validation"] for run in runs for line in run.metrics if "validation" in line), None
        ),
        runs=[_run(run) for run in runs],
        class_scores=[_class_scores(dataset, runs) for dataset in datasets],
        many_classes=MANY_CLASSES,
        accepted=[
            {"job": job.name, "at": acceptance.at, "although": acceptance.instead_of}
            for job, acceptance in acceptances(plan.paths, jobs_of(plan))
        ],
    )
    write_text(plan.paths.report, page)
    return plan.paths.report


def environments(runs: Sequence[FinishedRun]) -> list[Facts]:
    """Where the runs ran: distinct commits, devices and versions, each with the number of its runs."""
    counts = Counter((_commit(run), run.record.device, run.record.threads, _versions(run)) for run in runs)
    return [
        {"runs": count, "commit": commit, "device": device, "threads": threads, "versions": versions}
        for (commit, device, threads, versions), count in counts.items()
    ]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(
        files("danet.reporting.page").joinpath("report.html").read_text(encoding="utf-8")
    )


def _dataset(plan: Plan, dataset: Dataset, runs: Sequence[FinishedRun]) -> Facts:
    """A data set in a line: what it is, how it came, how many images."""
    receipt = read_receipt(dataset) if dataset.paths.receipt.exists() else None
    experiment = next(e for e in map(plan.experiment, plan.experiments) if e.dataset == dataset.name)
    digests = {run.record.data.digest for run in runs if run.record.data.dataset == dataset.name}
    return {
        "title": used_data(plan, experiment),
        "how": receipt.how if receipt else "unknown",
        "images": receipt.images if receipt else {},
        "archives": [archive.name for archive in receipt.archives] if receipt else [],
        "classes": len(dataset.labels.names),
        "digests": sorted(digest[:12] for digest in digests),
    }


def _table(table: PaperTable) -> Facts:
    return {
        "name": table.name,
        "number": table.number,
        "caption": table.caption,
        "headings": list(zip(table.headings, alignments(table.rows), strict=True)),
        "wide": table.wide,
        "rows": cells(table.rows, table.decimals, table.breaks),
        "breaks": table.breaks,
        "claim_headings": CLAIM_HEADINGS,
        "claims": claim_cells(table.claims, table.decimals),
        "notes": table.notes,
    }


def _figure(plan: Plan, name: FigureName) -> Facts:
    try:
        shown = read_json(plan.paths.figure(name, "json"))
        source = _data_uri("image/webp", _compact(plan.paths.figure(name, "png")))
    except FileNotFoundError as error:
        remedy = f"danet figure {name} {plan.options}"
        raise MissingDataError(f"{error.filename} not found", remedy) from None
    number = name.removeprefix("figure")
    return {"name": name, "number": number, "caption": shown["caption"], "source": source}


def _compact(picture: Path) -> bytes:
    """A PNG as WebP, which takes a tenth of the room in the page."""
    with Image.open(picture) as image:
        height = round(image.height * min(1.0, FIGURE_WIDTH / image.width))
        shown = image.convert("RGB").resize((min(image.width, FIGURE_WIDTH), height))
    stream = io.BytesIO()
    shown.save(stream, "WEBP", quality=88, method=6)
    return stream.getvalue()


def _run(run: FinishedRun) -> Facts:
    """A line of the table of runs."""
    record = run.record
    return {
        **record.model_dump(include={"experiment", "seed", "backbone", "steps", "device"}),
        "minutes": f"{record.seconds / 60:.1f}",
        "parameters": f"{record.parameters / 1e6:.2f}",
        "loss": f"{run.metrics[-1]['loss']:.3f}" if run.metrics else "–",
        "miou": {name: f"{100 * found.miou:.2f}" for name, found in run.evaluations.items()},
        "random": len(record.not_loaded),
        "resumed": ", ".join(map(str, record.resumed_at)) or "–",
        "digest": record.settings_digest[:8],
        "commit": _commit(run),
    }


def _commit(run: FinishedRun) -> str:
    return run.record.short_commit or "–"


def _versions(run: FinishedRun) -> str:
    return ", ".join(f"{name} {version}" for name, version in run.record.versions.items())


def _class_scores(dataset: Dataset, runs: Sequence[FinishedRun]) -> Facts:
    """IoU by class and evaluation, the mean over seeds; without classes that the ground truth lacks."""
    columns: dict[str, list[dict[str, float | None]]] = {}
    for run in runs:
        if run.record.data.dataset == dataset.name:
            for protocol, evaluation in run.evaluations.items():
                columns.setdefault(f"{run.record.experiment} {protocol}", []).append(evaluation.iou)
    names = dataset.labels.names
    rows = [(name, [_mean([iou.get(name) for iou in found]) for found in columns.values()]) for name in names]
    occurring = [(name, values) for name, values in rows if any(value is not None for value in values)]
    return {
        "dataset": dataset.name,
        "title": dataset.title,
        "columns": list(columns),
        "rows": occurring,
        "absent": len(rows) - len(occurring),
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

"""One page with everything that a profile produced, readable offline.

Input: all files of the profile below results/<profile>/, and the receipts of its data sets.
Output: results/<profile>/report.html.
"""

import base64
import io
from importlib.resources import files
from pathlib import Path
from statistics import fmean
from typing import Any

import jinja2
from PIL import Image

from danet.data.label_maps import label_map
from danet.errors import MissingDataError
from danet.files import read_json, write_text
from danet.reporting.captions import comparable, used_backbones, used_data
from danet.reporting.cells import alignments, cells
from danet.reporting.curves import draw_curves
from danet.reporting.runs import FinishedRun, read_runs
from danet.reporting.table import Table
from danet.reporting.tables import read_table
from danet.settings import (
    Params,
    active_profile,
    active_recipe,
    dataset_of,
    dataset_paths,
    plan,
    result_paths,
)

FIGURE_WIDTH = 1400
"""Pixels to which figures are reduced in the page."""
MANY_CLASSES = 30
"""Lists of more classes are folded."""


def write_report(params: Params) -> Path:
    """Write the report of the active profile.

    Raises:
        MissingDataError: a run, evaluation or figure of the profile is not there yet.
        BadDataError: a file of it is damaged, or of other settings.
    """
    runs = read_runs(params)
    page = _template().render(
        params=params,
        profile=active_profile(params),
        experiments=plan(params).experiments,
        comparable=comparable(params, plan(params).experiments),
        backbones=used_backbones(params, plan(params).experiments),
        datasets=[_dataset(params, name, runs) for name in plan(params).datasets],
        environments=environments(runs),
        tables=[_table(read_table(params, name)) for name in active_profile(params).tables],
        figures=[_figure(params, name) for name in active_profile(params).figures],
        curves=_data_uri("image/svg+xml", draw_curves(runs).encode()),
        runs=[_run(run) for run in runs],
        class_scores=[_class_scores(params, name, runs) for name in plan(params).datasets],
        many_classes=MANY_CLASSES,
    )
    write_text(result_paths(params).report, page)
    return result_paths(params).report


def environments(runs: list[FinishedRun]) -> list[dict[str, Any]]:
    """Where the runs ran: distinct commits, devices and versions, each with the number of its runs."""
    counts: dict[tuple, int] = {}
    for run in runs:
        versions = ", ".join(f"{name} {version}" for name, version in run.facts["versions"].items())
        key = (run.commit, run.facts["device"], run.facts["threads"], versions)
        counts[key] = counts.get(key, 0) + 1
    return [
        {"runs": count, "commit": commit, "device": device, "threads": threads, "versions": versions}
        for (commit, device, threads, versions), count in counts.items()
    ]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(
        files("danet.reporting").joinpath("report.html").read_text(encoding="utf-8")
    )


def _dataset(params: Params, name: str, runs: list[FinishedRun]) -> dict[str, Any]:
    """A data set in a line: what it is, how it came, how many images."""
    receipt_path = dataset_paths(params, name).receipt
    receipt = read_json(receipt_path) if receipt_path.exists() else {}
    experiment = next(e for e in plan(params).experiments if dataset_of(params, e) == name)
    digests = {run.facts["data"]["digest"] for run in runs if run.facts["data"]["dataset"] == name}
    return {
        "title": used_data(params, experiment),
        "how": receipt.get("how", "unknown"),
        "images": receipt.get("images", {}),
        "archives": [archive["name"] for archive in receipt.get("archives", [])],
        "classes": len(label_map(name, active_recipe(params).context_classes).names),
        "digests": sorted(digest[:12] for digest in digests),
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "number": table.number,
        "caption": table.caption,
        "headings": list(zip(table.frame.columns, alignments(table.frame), strict=True)),
        "wide": table.wide,
        "rows": cells(table.frame, table.decimals),
        "breaks": table.breaks,
        "notes": table.notes,
    }


def _figure(params: Params, name: str) -> dict[str, Any]:
    paths = result_paths(params)
    picture = paths.figure(name, "png")
    try:
        shown = read_json(paths.figure(name, "json"))
        source = _data_uri("image/webp", _compact(picture))
    except FileNotFoundError as error:
        raise MissingDataError(
            f"{error.filename} is not here", f"danet figure {name} --profile {params.profile}"
        ) from None
    return {
        "name": name,
        "number": name.removeprefix("figure"),
        "caption": shown["caption"],
        "source": source,
    }


def _compact(picture: Path) -> bytes:
    """A PNG as WebP, which takes a tenth of the room in the page."""
    with Image.open(picture) as image:
        height = round(image.height * min(1.0, FIGURE_WIDTH / image.width))
        shown = image.convert("RGB").resize((min(image.width, FIGURE_WIDTH), height))
    stream = io.BytesIO()
    shown.save(stream, "WEBP", quality=88, method=6)
    return stream.getvalue()


def _run(run: FinishedRun) -> dict[str, Any]:
    """A line of the table of runs."""
    return {
        **{key: run.facts[key] for key in ("experiment", "seed", "backbone", "steps", "device")},
        "minutes": f"{run.facts['seconds'] / 60:.1f}",
        "parameters": f"{run.facts['parameters'] / 1e6:.2f}",
        "loss": f"{run.metrics[-1]['loss']:.3f}" if run.metrics else "–",
        "miou": {name: f"{100 * found['miou']:.2f}" for name, found in run.evaluations.items()},
        "random": len(run.facts["not_loaded"]),
        "resumed": ", ".join(map(str, run.facts["resumed_at"])) or "–",
        "digest": run.facts["settings_digest"][:8],
        "commit": run.commit,
    }


def _class_scores(params: Params, dataset: str, runs: list[FinishedRun]) -> dict[str, Any]:
    """IoU by class and evaluation, the mean over seeds; classes that never occur are left out."""
    columns: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        if run.facts["data"]["dataset"] == dataset:
            for protocol, evaluation in run.evaluations.items():
                columns.setdefault(f"{run.facts['experiment']} {protocol}", []).append(evaluation["iou"])
    names = label_map(dataset, active_recipe(params).context_classes).names
    rows = [(name, [_mean([iou.get(name) for iou in found]) for found in columns.values()]) for name in names]
    occurring = [(name, values) for name, values in rows if any(value is not None for value in values)]
    return {
        "dataset": dataset,
        "title": params.datasets[dataset].title,
        "columns": list(columns),
        "rows": occurring,
        "absent": len(rows) - len(occurring),
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

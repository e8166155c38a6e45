"""The settings that decide the result of each job, as plain values: a job is made again when they change."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from danet.files import file_digest, read_json, write_json
from danet.settings.names import DatasetName, FigureName, TableName
from danet.settings.params import AbsentClasses, Evaluation
from danet.settings.plan import Dataset, Plan

Facts = dict[str, Any]
"""Plain values, of a shape that depends on the kind of job."""
DataCommand = Literal["download", "prepare"]


def data_facts(dataset: Dataset) -> Facts:
    """Of obtaining and preparing a data set; the same under all recipes."""
    return {
        "generated": dataset.generated and dataset.generated.model_dump(mode="json"),
        "folders": dataset.folders and dataset.folders.model_dump(mode="json"),
    }


def note_data(command: DataCommand, dataset: Dataset) -> None:
    """Note with which settings a data set was obtained or prepared, and from what, once that is done."""
    note = {"settings": data_facts(dataset), "receipt": _receipt_digest(dataset)}
    write_json(dataset.paths.made(command), note)


def data_made_otherwise(command: DataCommand, dataset: Dataset) -> bool:
    """Whether a data set was obtained or prepared with other settings; False where that was not noted."""
    note = _read_note(command, dataset)
    return note is not None and note["settings"] != data_facts(dataset)


def data_is_current(command: DataCommand, dataset: Dataset) -> bool:
    """Whether a data set was obtained or prepared with these settings, and is still there.

    A copy of the user's, which a variable names, is looked at again each time.
    """
    note, receipt = _read_note(command, dataset), dataset.paths.receipt
    now = {"settings": data_facts(dataset), "receipt": _receipt_digest(dataset)}
    if note != now or not receipt.exists():
        return False
    if command == "prepare":
        folders = [dataset.paths.prepared(split) for split in ("train", "val")]
        names = ("images.npy", "labels.npy", "index.json")
        return all((folder / name).exists() for folder in folders for name in names)
    if dataset.generated is None and os.environ.get(dataset.folder_variable or ""):
        return False
    return Path(read_json(receipt)["root"]).is_dir()


def _read_note(command: DataCommand, dataset: Dataset) -> Facts | None:
    """None where there is none, or none that can be read."""
    try:
        note = read_json(dataset.paths.made(command))
        return {"settings": note["settings"], "receipt": note["receipt"]}
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _receipt_digest(dataset: Dataset) -> str | None:
    receipt = dataset.paths.receipt
    return file_digest(receipt) if receipt.exists() else None


def training_facts(plan: Plan, experiment: str, seed: int) -> Facts:
    return plan.experiment(experiment).training_facts() | {"seed": seed}


def evaluation_facts(plan: Plan, experiment: str, protocol: str) -> Facts:
    return plan.experiment(experiment).protocol(protocol).facts()


def table_facts(plan: Plan, name: TableName) -> Facts:
    table = plan.table(name)
    titles = _titles(plan, (plan.dataset_of(experiment).name for experiment in table.experiments))
    return table.model_dump(mode="json") | {
        "seeds": list(plan.seeds),
        "titles": titles,
        "absent_classes": _absent_classes(plan, table.evaluations),
    }


def figure_facts(plan: Plan, name: FigureName) -> Facts:
    titles = _titles(plan, [plan.dataset_of_figure(name).name])
    return plan.figure(name).model_dump(mode="json") | {"seed": plan.seeds[0], "titles": titles}


def report_facts(plan: Plan) -> Facts:
    return {
        "description": plan.description,
        "seeds": list(plan.seeds),
        "experiments": list(plan.experiments),
        "evaluations": [row.model_dump(mode="json") for row in plan.evaluations],
        "absent_classes": _absent_classes(plan, plan.evaluations),
        "tables": list(plan.tables),
        "figures": list(plan.figures),
        "titles": _titles(plan, plan.datasets),
    }


def _absent_classes(plan: Plan, rows: Iterable[Evaluation]) -> dict[str, AbsentClasses]:
    """By data set and protocol."""
    scored = ((plan.experiment(row.experiment), row.protocol) for row in rows)
    return {f"{of.dataset} {protocol}": of.protocol(protocol).absent_classes for of, protocol in scored}


def _titles(plan: Plan, datasets: Iterable[DatasetName]) -> dict[DatasetName, str]:
    return {name: plan.dataset(name).title for name in datasets}

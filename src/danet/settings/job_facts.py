"""The settings that decide the result of each job, as plain values: a job is made again when they change."""

from collections.abc import Iterable
from typing import Any

from danet.settings.names import DatasetName, FigureName, TableName
from danet.settings.params import AbsentClasses, Evaluation
from danet.settings.plan import Dataset, Plan

Facts = dict[str, Any]
"""Plain values, of a shape that depends on the kind of job."""


def data_facts(dataset: Dataset) -> Facts:
    """Of obtaining and preparing a data set; the same under all recipes."""
    return {
        "generated": dataset.generated and dataset.generated.model_dump(mode="json"),
        "folders": dataset.folders and dataset.folders.model_dump(mode="json"),
    }


def training_facts(plan: Plan, experiment: str, seed: int) -> Facts:
    return plan.experiment(experiment).training_facts() | {"seed": seed}


def evaluation_facts(plan: Plan, experiment: str, protocol: str) -> Facts:
    blocks = plan.dataset_of(experiment).blocks
    facts = plan.experiment(experiment).protocol(protocol).facts()
    return facts | ({"blocks": blocks.model_dump(mode="json")} if blocks else {})


def table_facts(plan: Plan, name: TableName) -> Facts:
    table = plan.table(name)
    titles = _titles(plan, (plan.dataset_of(experiment).name for experiment in table.experiments))
    return table.model_dump(mode="json") | {
        "seeds": list(plan.seeds),
        "titles": titles,
        "absent_classes": _absent_classes(plan, table.evaluations),
        "verdicts": plan.verdicts.model_dump(mode="json"),
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
        "verdicts": plan.verdicts.model_dump(mode="json"),
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

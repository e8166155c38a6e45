"""A training in MLflow's terms: name, tags, params, description, and the names of its metrics."""

from collections.abc import Mapping
from typing import Any

from danet.runs.evaluation_file import EvaluationRecord, ProtocolRecord
from danet.runs.metrics import MetricsLine
from danet.settings import Experiment, Plan, describe_protocol
from danet.tracking.training_file import TrackedTraining

ATTENTION_WEIGHTS = ("alpha", "beta")


def run_name(experiment: Experiment, seed: int) -> str:
    """The id of a training within its profile."""
    return f"{experiment.id}-seed{seed}-{experiment.recipe}"


def tags(plan: Plan, experiment: Experiment, seed: int, training: TrackedTraining) -> dict[str, str]:
    """What runs are filtered and grouped by in MLflow's compare view, and where they come from."""
    origin = {
        "device": training.device,
        "commit": training.commit,
        "files_changed": ("yes" if training.dirty else "no") if training.commit else "",
        "mlflow.user": training.user,
        "mlflow.source.name": training.command,
        "mlflow.source.git.commit": training.commit,
    }
    return {name: value for name, value in origin.items() if value} | {
        "table": " ".join(_rows(plan, experiment)),
        "experiment": experiment.id,
        "dataset": experiment.dataset,
        "classes": str(experiment.model.classes),
        "recipe": experiment.recipe,
        "profile": plan.profile,
        "backbone": experiment.model.backbone,
        "attention": "+".join(experiment.model.attention) or "none",
        "seed": str(seed),
        "settings_digest": experiment.training_digest(seed),
        "training": training.key,
        "folder": training.folder,
        "threads": str(training.threads),
        **{f"version.{package}": version for package, version in training.versions.items()},
        "mlflow.note.content": description(plan, experiment, seed),
        "mlflow.source.type": "LOCAL",
    }


def description(plan: Plan, experiment: Experiment, seed: int) -> str:
    """Markdown at the head of the run's page: table, row, recipe and profile."""
    model, stated = experiment.model, experiment.stands_in_for
    head = f"{model.head} ({' and '.join(model.attention)})" if model.attention else model.head
    lines = [
        f"**{experiment.id}, seed {seed}**: {head} on {model.backbone}, data set {experiment.dataset}",
        *(f"{table}: {', '.join(rows)}" for table, rows in _rows(plan, experiment).items()),
        f"recipe {experiment.recipe}",
        f"profile {plan.profile}: {plan.description}",
    ]
    if stated.dataset:
        lines.append(f"{experiment.dataset} stands in for {stated.dataset}")
    if stated.backbone:
        lines.append(f"{model.backbone} stands in for {stated.backbone}")
    return "\n- ".join(lines)


def params(experiment: Experiment, seed: int) -> dict[str, str]:
    """All settings of a training: ``training.crop_size`` and so on."""
    return _flat(experiment.model_dump(mode="json", exclude={"protocols"})) | {"seed": str(seed)}


def training_metrics(line: MetricsLine) -> dict[str, float]:
    """A line of metrics.jsonl; ``loss`` comes last, so that a step which has it has all."""
    metrics = {key: line[key] for key in ("learning_rate", "images_per_second")}
    if "peak_memory_bytes" in line:
        metrics["peak_memory_bytes"] = line["peak_memory_bytes"]
    for name in ATTENTION_WEIGHTS:
        weights = line.get(name, {})
        # By one name in all networks that have one such module, so that a chart can compare them.
        metrics |= {name if len(weights) == 1 else f"{name}.{key}": value for key, value in weights.items()}
    if "validation" in line:
        look = line["validation"]
        metrics[f"while_training.{look['protocol']}.miou"] = look["miou"]
    metrics |= {f"loss.{output}": loss for output, loss in line["losses"].items()}
    return metrics | {"loss": line["loss"]}


def evaluation_metrics(evaluation: EvaluationRecord) -> dict[str, float]:
    """The scores of an evaluation: ``ss.miou`` and so on."""
    protocol = evaluation.protocol.name
    return {f"{protocol}.miou": evaluation.miou, f"{protocol}.pixel_accuracy": evaluation.pixel_accuracy}


def protocol_words(protocol: ProtocolRecord) -> str:
    """How a score was made, in words; empty where its file does not say."""
    try:
        return describe_protocol(protocol.settings())
    except ValueError:
        return ""


def class_table(evaluation: EvaluationRecord) -> str:
    """IoU by class as CSV: as metrics they would fill the chart view."""
    values = (f'"{name}",{"" if iou is None else iou}' for name, iou in evaluation.iou.items())
    return "\n".join(["class,iou", *values]) + "\n"


def _rows(plan: Plan, experiment: Experiment) -> dict[str, list[str]]:
    """Rows of the plan's tables that show an experiment, from 1, with their protocols."""
    found = {
        table: [
            f"row {number} ({row.protocol})"
            for number, row in enumerate(plan.table(table).evaluations, start=1)
            if row.experiment == experiment.id
        ]
        for table in plan.tables
    }
    return {table: rows for table, rows in found.items() if rows}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as MLflow's flat params."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        inner = _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: str(value)}
        flat.update(inner)
    return flat

"""How fast earlier trainings of the profile went, from the files that they left."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import yaml
from pydantic import ValidationError

from danet.files import read_json
from danet.settings import Experiment, Params, result_paths
from danet.training.records import read_metrics


@dataclass(frozen=True)
class EarlierRun:
    """A finished training."""

    experiment: Experiment
    """Its settings, which may not be those of today."""
    device: str
    """Where it ran."""
    images_per_second: float
    """The median over its log lines, the first of which, with its warm-up, is left out."""


def earlier_runs(params: Params) -> list[EarlierRun]:
    """Every finished training below results/<profile>/runs; what cannot be read is no help and left out."""
    records = sorted((result_paths(params).root / "runs").glob("*/seed*/run.json"))
    return [run for record in records for run in _read(record)]


def _read(record: Path) -> Iterator[EarlierRun]:
    try:
        values = yaml.safe_load((record.parent / "config.yaml").read_text(encoding="utf-8"))
        values.pop("seed")
        # By way of JSON, since in strict mode only JSON lists become tuples.
        experiment = Experiment.model_validate_json(json.dumps(values))
        device = read_json(record)["device"]
        rates = [line["images_per_second"] for line in read_metrics(record.parent / "metrics.jsonl")]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ValidationError, yaml.YAMLError):
        return
    if rates:
        yield EarlierRun(experiment, device, median(rates[1:] or rates))

"""How fast earlier trainings of the profile went, from the files that they left."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from danet.errors import UserError
from danet.paths import ResultPaths, RunPaths
from danet.runs.config import read_config
from danet.runs.metrics import read_metrics
from danet.runs.record import read_record
from danet.settings import Experiment


@dataclass(frozen=True)
class EarlierRun:
    """A finished training."""

    experiment: Experiment
    """Its settings, which may not be those of today."""
    device: str
    """Where it ran."""
    images_per_second: float
    """The median over its log lines, the first of which, with its warm-up, is left out."""


def earlier_runs(paths: ResultPaths) -> list[EarlierRun]:
    """Every finished training of a profile and recipe; what cannot be read is no help and left out."""
    records = sorted(paths.root.glob("runs/*/seed*/run.json"))
    return [run for record in records for run in _read(RunPaths(record.parent))]


def _read(files: RunPaths) -> Iterator[EarlierRun]:
    try:
        experiment = read_config(files.config).experiment
        device = read_record(files.record).device
        rates = [line["images_per_second"] for line in read_metrics(files.metrics)]
    except (UserError, OSError, ValueError, LookupError, TypeError):
        return
    if rates:
        yield EarlierRun(experiment, device, median(rates[1:] or rates))

"""What our runs scored: evaluation files of all seeds, and the commits that they were made with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isclose
from statistics import fmean, stdev
from typing import Literal

import numpy as np

from danet.data.releases.manifest import expected_counts
from danet.errors import BadDataError
from danet.evaluation.averaged_classes import AveragedClasses
from danet.evaluation.confusion import iou_by_class, mean_iou
from danet.evaluation.equivalence import Spread, pooled_spread
from danet.runs.evaluation_file import EvaluationRecord, IntervalRecord, read_evaluation
from danet.runs.record import RunRecord, read_record
from danet.settings import Dataset, DatasetName, Evaluation, ExperimentName, Plan, ProtocolName


@dataclass(frozen=True)
class Score:
    """mIoU of one network under one protocol, in per cent, over all seeds."""

    mean: float
    deviation: float | None
    """Sample standard deviation; None with one seed."""
    background_factor: Fraction | None = None
    """What the mean over our classes is multiplied with, so that background counts as one more of IoU 0."""
    interval: tuple[float, float] | None = None
    """Where 95 % of the draws of the bootstrap over images lie; None with several seeds, or if not known."""
    values: tuple[float, ...] = ()
    """Of the single seeds."""

    def with_background(self, classes: int) -> "Score":
        """The mean over ``classes`` of which background, the last, is never predicted: 59/60 of ours.

        Source: the convention of EncNet's numbers on PASCAL Context (PyTorch-Encoding, issue 179).
        """
        factor = Fraction(classes - 1, classes)
        return replace(self._times(factor), background_factor=factor)

    @property
    def without_background(self) -> "Score":
        """The mean over our classes alone."""
        return self if self.background_factor is None else self._times(1 / self.background_factor)

    def _times(self, factor: Fraction) -> "Score":
        deviation = None if self.deviation is None else float(self.deviation * factor)
        low, high = self.interval or (0.0, 0.0)
        interval = self.interval and (float(low * factor), float(high * factor))
        values = tuple(float(value * factor) for value in self.values)
        return Score(float(self.mean * factor), deviation, interval=interval, values=values)


@dataclass(frozen=True)
class Scores:
    """Everything that a table takes from our runs."""

    of: dict[tuple[ExperimentName, ProtocolName], Score]
    """By experiment and protocol, in the order of the table's evaluations in params.yaml."""
    classes: dict[DatasetName, AveragedClasses]
    """By data set: the classes over which all its scores are averaged."""
    commits: tuple[str, ...] = ()
    """Versions of this project that the networks were trained with, as far as known."""
    deviations: tuple[str, ...] = ()
    """Where a split was not the whole release: ``trained on 80 images of CamVid, whose release has 367``;
    and where pretrained weights are not torchvision's."""

    @property
    def spread(self) -> Spread | None:
        """What the networks' seeds differ by; None with one seed."""
        networks: dict[ExperimentName, list[tuple[float, ...]]] = {}
        for (experiment, _), score in self.of.items():
            networks.setdefault(experiment, []).append(score.values)
        return pooled_spread(list(networks.values()))

    @property
    def protocols(self) -> list[ProtocolName]:
        """Each once."""
        return list(dict.fromkeys(protocol for _, protocol in self.of))


def over_seeds(miou: Sequence[float], interval: IntervalRecord | None = None) -> Score:
    """One score from the mIoU of each seed, 0 to 1, and the interval around it where there is one seed."""
    percent = [100 * value for value in miou]
    if len(percent) > 1:
        return Score(fmean(percent), stdev(percent), values=tuple(percent))
    around = interval and (100 * interval.low, 100 * interval.high)
    return Score(percent[0], None, interval=around, values=tuple(percent))


def read_scores(plan: Plan, evaluations: Sequence[Evaluation]) -> Scores:
    """Read the evaluations of all seeds.

    Raises:
        MissingDataError: one has not been made yet.
        BadDataError: one is damaged, was made with other settings than params.yaml now states, or is
            averaged over other classes than another one of its data set.
    """
    found = {
        (row.experiment, row.protocol): [evaluation_of(plan, row, seed) for seed in plan.seeds]
        for row in evaluations
    }
    runs = list(_finished_runs(plan, dict.fromkeys(row.experiment for row in evaluations)))
    commits = (run.short_commit for _, run in runs)
    others = (run.other_weights for _, run in runs)
    weights = (f"pretrained weights {name} in place of torchvision's" for name in others if name)
    trained = (_deviation(dataset, "train", run.data.images) for dataset, run in runs)
    evaluated = (
        _deviation(plan.dataset_of(experiment), "val", record.images)
        for (experiment, _), records in found.items()
        for record in records
    )
    return Scores(
        {
            key: over_seeds([record.miou for record in records], records[0].miou_interval)
            for key, records in found.items()
        },
        _averaged_classes(plan, found),
        tuple(dict.fromkeys(filter(None, commits))),
        tuple(dict.fromkeys(filter(None, (*weights, *trained, *evaluated)))),
    )


def evaluation_of(plan: Plan, row: Evaluation, seed: int) -> EvaluationRecord:
    """The evaluation of one seed, averaged as params.yaml now says; raises as ``read_scores`` does."""
    path = plan.paths.evaluation(row.experiment, seed, row.protocol)
    options = f"--experiment {row.experiment} --seed {seed} --protocol {row.protocol} {plan.options}"
    remedy = f"danet evaluate {options}"
    record = read_evaluation(path, remedy)
    protocol = plan.experiment(row.experiment).protocol(row.protocol)
    # A caption states the protocol of a column, so no cell may come from another one.
    differences = record.protocol.differences(protocol)
    if differences:
        raise BadDataError(
            f"{path} was made with another protocol than params.yaml states now: {', '.join(differences)}",
            remedy,
        )
    confusion = np.array(record.confusion)
    miou, iou = mean_iou(confusion, protocol.absent_classes), iou_by_class(confusion, record.iou)
    changes: dict[str, object] = {"miou": miou, "iou": iou}
    if not isclose(miou, record.miou):  # other classes are averaged now
        changes["miou_interval"] = None
    return record.model_copy(update=changes)


def run_of(plan: Plan, experiment: ExperimentName, seed: int) -> RunRecord:
    """The record of one training.

    Raises:
        MissingDataError: it has not finished.
        BadDataError: its record is damaged.
    """
    path = plan.paths.run(experiment, seed).record
    return read_record(path, f"danet train --experiment {experiment} --seed {seed} {plan.options}")


def _averaged_classes(
    plan: Plan, found: Mapping[tuple[ExperimentName, ProtocolName], Sequence[EvaluationRecord]]
) -> dict[DatasetName, AveragedClasses]:
    """By data set; what is averaged over different classes cannot be compared."""
    classes: dict[DatasetName, AveragedClasses] = {}
    for (name, protocol), records in found.items():
        experiment = plan.experiment(name)
        for seed, record in zip(plan.seeds, records, strict=True):
            own = AveragedClasses.of(record.iou, experiment.protocol(protocol).absent_classes)
            other = classes.setdefault(experiment.dataset, own)
            if own != other:
                raise BadDataError(
                    f"{plan.paths.evaluation(name, seed, protocol)} is averaged {own},"
                    f" but other scores of the table {other}:"
                    " their images, or their absent_classes in params.yaml, differ",
                    f"danet status {plan.options}",
                )
    return classes


def _finished_runs(plan: Plan, experiments: Iterable[ExperimentName]) -> Iterator[tuple[Dataset, RunRecord]]:
    """The data set and the record of all trainings that have left one; scores need none."""
    for experiment in experiments:
        for seed in plan.seeds:
            if plan.paths.run(experiment, seed).record.exists():
                yield plan.dataset_of(experiment), run_of(plan, experiment, seed)


def _deviation(dataset: Dataset, split: Literal["train", "val"], images: int | None) -> str:
    """What a reader has to know of a split that is not the whole release; nothing where it is."""
    if not images or dataset.generated or dataset.folders:
        return ""
    release = expected_counts(dataset.name)[split]
    if images == release:
        return ""
    done = "trained" if split == "train" else "evaluated"
    return f"{done} on {images:,} images of {dataset.title}, whose release has {release:,}"

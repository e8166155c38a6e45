"""The usual reasons for which a DANet does not reach the paper's number, and which of them a run shows.

They are what eight threads of the authors' repository came down to (issues 14, 27, 30, 41, 42, 44, 72, 84),
and what this project can replace by something smaller. Settings are compared with those that the profile
``paper`` states for the same experiment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from danet.data.releases.manifest import expected_counts
from danet.labels import RELEASES
from danet.reporting.tables.published import PublishedRow
from danet.runs.evaluation_file import EvaluationRecord
from danet.runs.record import RunRecord
from danet.settings import Experiment, Protocol, Training

NEAR_ZERO = 0.05
"""Of alpha and beta, which start at 0: below it a module adds next to nothing."""


@dataclass(frozen=True)
class Cause:
    """One reason, and whether it applies."""

    name: str
    applies: bool | None
    """None: it cannot be told."""
    evidence: str


@dataclass(frozen=True)
class Case:
    """All that is known of one cell."""

    trained: Experiment
    """As the run recorded it."""
    stated: Experiment
    """As the profile ``paper`` states it."""
    run: RunRecord
    evaluation: EvaluationRecord
    protocol: Protocol
    """Of the evaluation."""
    row: PublishedRow
    scales: Mapping[str, float]
    """Alpha and beta of the trained network, as far as it has them."""


def causes(case: Case) -> list[Cause]:
    """All causes in the order in which they are worth looking at."""
    return [
        _data(case),
        _backbone(case),
        _schedule(case),
        _pretrained(case),
        _setting(case, "global batch", "batch_size"),
        _learning_rate(case),
        _crop(case),
        _setting(case, "random scaling", "random_scale"),
        _multi_grid(case),
        *_attention(case),
        _classes(case),
        _scales(case),
        _validation(case),
    ]


def _data(case: Case) -> Cause:
    trained, stated, images = case.trained.dataset, case.stated.dataset, case.run.data.images
    release = expected_counts(stated)["train"] if stated in RELEASES else images
    smaller = bool(images) and images < release
    evidence = f"{images or 'an unknown number of'} images of {trained}"
    if trained != stated or smaller:
        evidence += f"; the paper {release:,} of {stated}"
    return Cause("other or fewer images", trained != stated or smaller, evidence)


def _backbone(case: Case) -> Cause:
    return _differs("another backbone", case.trained.model.backbone, case.stated.model.backbone)


def _schedule(case: Case) -> Cause:
    if case.run.imported is not None:
        return Cause("schedule not finished", None, "trained by others")
    done, planned = case.run.steps, _steps(case.trained.training, case.run.data.images)
    release = expected_counts(case.stated.dataset)["train"] if case.stated.dataset in RELEASES else 0
    wanted = _steps(case.stated.training, release)
    evidence = f"{done:,} steps of {planned:,} planned; the paper's schedule has {wanted:,}"
    return Cause("schedule not finished", done < min(planned, wanted) or planned < 0.95 * wanted, evidence)


def _steps(training: Training, images: int) -> int:
    return training.iterations or training.epochs * (images // training.batch_size)


def _pretrained(case: Case) -> Cause:
    name, pretrained, absent = "pretrained weights", case.trained.training.pretrained, case.run.not_loaded
    if case.run.imported is not None:
        return Cause(name, None, "trained by others")
    if pretrained == "none":
        return Cause(name, True, "none; the backbone began with random values")
    found = f"without {len(absent)} of the backbone's tensors" if absent else "all of them"
    return Cause(name, bool(absent), f"{pretrained}, {found}")


def _setting(case: Case, name: str, key: str) -> Cause:
    return _differs(name, getattr(case.trained.training, key), getattr(case.stated.training, key))


def _learning_rate(case: Case) -> Cause:
    def words(training: Training) -> str:
        return f"{training.learning_rate:g}, head times {training.head_learning_rate_factor:g}"

    return _differs("learning rates", words(case.trained.training), words(case.stated.training))


def _crop(case: Case) -> Cause:
    def words(training: Training) -> str:
        return f"{training.crop_size} of a shorter side of {training.short_side}"

    return _differs("crop", words(case.trained.training), words(case.stated.training))


def _multi_grid(case: Case) -> Cause:
    return _differs("multi-grid", case.trained.model.multi_grid, case.stated.model.multi_grid)


def _attention(case: Case) -> Iterator[Cause]:
    for symbol, value in case.scales.items():
        yield Cause(f"{symbol} still near 0", abs(value) < NEAR_ZERO, f"{value:.3f}")


def _classes(case: Case) -> Cause:
    known = len(case.evaluation.iou)
    occurring = sum(value is not None for value in case.evaluation.iou.values())
    name, classes = "class convention", case.row.classes
    if case.protocol.absent_classes == "zero" and occurring < known:
        return Cause(name, True, f"{known - occurring} of {known} classes never occur and count as 0")
    if classes is not None and classes - known == 1:
        return Cause(name, False, f"{known} classes, times {known}/{classes} as the paper counts background")
    if case.trained.model.classes != case.stated.model.classes:
        return Cause(name, True, f"{known} classes; the paper's profile {case.stated.model.classes}")
    return Cause(name, occurring < known, f"the mean is over {occurring} of {known} classes")


def _scales(case: Case) -> Cause:
    scales = len(case.protocol.scales)
    name, flip = "single scale", "on" if case.protocol.flip else "off"
    evidence = f"{scales} scale{'s' * (scales > 1)}, flip {flip}"
    if scales > 1 or case.row.protocol == "ss":
        return Cause(name, False, evidence)
    if case.row.protocol is None:
        return Cause(name, None, f"{evidence}; the paper does not say how its number was made")
    return Cause(name, True, evidence)


def _validation(case: Case) -> Cause:
    """A quick score during training is one of another protocol: smaller images, centre crops, no windows."""
    name = "not the paper's evaluation"
    stated = case.stated.protocols.get(case.evaluation.protocol.name)  # type: ignore[call-overload]
    if stated is None:
        return Cause(name, True, f"the protocol {case.evaluation.protocol.name} is none of the paper's")
    lines = case.evaluation.protocol.differences(stated)
    return Cause(name, bool(lines), "; ".join(lines) or "window, scales, flip and fusion as stated")


def _differs(name: str, trained: object, stated: object) -> Cause:
    if trained == stated:
        return Cause(name, False, _words(trained))
    return Cause(name, True, f"{_words(trained)}; the paper's profile {_words(stated)}")


def _words(value: object) -> str:
    if value is None:
        return "off"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)

"""How sure is a score, and a difference of two? Percentile bootstrap over the images of a split.

Images are drawn with replacement, as often as there are; the score of each draw comes from its summed
counts (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13). Two runs on the same images
are compared on the same draws. Images that are not independent, such as frames of a film, are drawn as
blocks. An interval is over images: it says nothing about other seeds.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from danet.errors import BadDataError, SettingsError
from danet.evaluation.confusion import iou_of, mean_of
from danet.runs.image_counts import ImageCounts
from danet.settings import AbsentClasses, BlockRule, nearest

LEVEL, RESAMPLES, SEED = 0.95, 2000, 0
"""Share of the draws that an interval holds, number of draws, and what they are drawn with."""

DRAWS_AT_ONCE = 250
"""A bound on memory."""


@dataclass(frozen=True)
class Interval:
    """A score, or the difference of two, as a share from 0 to 1, and how far it may be off."""

    value: float
    """On all images, each once."""
    low: float
    high: float
    level: float
    """Share of the draws between ``low`` and ``high``."""
    resamples: int
    """Number of draws."""
    units: int
    """Images or blocks of images that each draw takes."""

    @property
    def excludes_zero(self) -> bool:
        """Of a difference: whether its sign is beyond doubt at this level."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class _Sums:
    """What every score derives from: (..., K) int64 each."""

    intersection: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray

    def drawn(self, weights: np.ndarray) -> "_Sums":
        """From sums of U units, and how often each is drawn, (R, U), those of R draws."""
        return _Sums(*(weights @ part for part in (self.intersection, self.truth, self.predicted)))


_Score = Callable[[_Sums], np.ndarray]


def interval(
    counts: ImageCounts,
    score: str = "miou",
    absent_classes: AbsentClasses = "left_out",
    blocks: BlockRule | None = None,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """An interval around a score.

    Args:
        counts: of each image.
        score: ``miou``, ``pixel_accuracy`` or the name of a class, for its IoU.
        absent_classes: as in :func:`danet.evaluation.confusion.mean_iou`, in each draw by itself.
        blocks: which images are drawn together; None: each by itself.
        level: share of the draws that the interval holds.
        resamples: number of draws.
        seed: equal ones give equal draws.

    Raises:
        SettingsError: there is no such score.
        BadDataError: the name of an image does not say which clip it is from.
    """
    measure = _score(score, counts.header.classes, absent_classes)
    sums = _sums(counts, units_of(counts.header.images, blocks))
    return _interval(lambda weights: measure(sums.drawn(weights)), len(sums.truth), level, resamples, seed)


def paired_interval(
    counts: ImageCounts,
    other: ImageCounts,
    score: str = "miou",
    absent_classes: AbsentClasses = "left_out",
    blocks: BlockRule | None = None,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """An interval around the score of ``counts`` minus that of ``other``; arguments as for :func:`interval`.

    Raises:
        SettingsError: there is no such score.
        BadDataError: the two were not counted on the same images and classes.
    """
    mine, theirs = counts.header, other.header
    for what in ("dataset", "split", "data_digest", "images", "classes"):
        if getattr(mine, what) != getattr(theirs, what):
            raise BadDataError(
                f"{_named(counts)} and {_named(other)} cannot be compared image by image:"
                f" they differ in {what}",
                f"evaluate both on the same images: {_command(counts)}; {_command(other)}",
            )
    measure, units = _score(score, mine.classes, absent_classes), units_of(mine.images, blocks)
    first, second = _sums(counts, units), _sums(other, units)
    return _interval(
        lambda weights: measure(first.drawn(weights)) - measure(second.drawn(weights)),
        len(first.truth),
        level,
        resamples,
        seed,
    )


def units_of(images: Sequence[str], blocks: BlockRule | None) -> list[list[int]]:
    """Positions of the images that are drawn together.

    A clip is cut into as few blocks as ``length`` allows, all of nearly the same length.

    Raises:
        BadDataError: the name of an image does not say which clip it is from.
    """
    if blocks is None:
        return [[position] for position in range(len(images))]
    clips: dict[str, list[int]] = {}
    for position in sorted(range(len(images)), key=lambda position: images[position]):
        found = re.search(blocks.clip, images[position])
        if found is None or found[1] is None:
            raise BadDataError(
                f"the image {images[position]} is of no clip: nothing in its name fits {blocks.clip!r}",
                "correct the data set's blocks in params.yaml",
            )
        clips.setdefault(found[1], []).append(position)
    return [
        part.tolist()
        for clip in clips.values()
        for part in np.array_split(clip, -(-len(clip) // blocks.length))
    ]


def _sums(counts: ImageCounts, units: Sequence[Sequence[int]]) -> _Sums:
    classes = len(counts.header.classes)
    parts = np.zeros((3, len(units), classes), np.int64)
    for number, unit in enumerate(units):
        for position in unit:
            matrix = counts.matrix(position)
            parts[:, number] += np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return _Sums(*parts)


def _score(name: str, classes: Sequence[str], absent_classes: AbsentClasses) -> _Score:
    if name == "miou":
        return lambda sums: mean_of(iou_of(sums.intersection, sums.truth, sums.predicted), absent_classes)
    if name == "pixel_accuracy":
        return lambda sums: sums.intersection.sum(axis=-1) / np.maximum(sums.truth.sum(axis=-1), 1)
    if name in classes:
        index = list(classes).index(name)
        return lambda sums: iou_of(sums.intersection, sums.truth, sums.predicted)[..., index]
    known = nearest(name, sorted(["miou", "pixel_accuracy", *classes]))
    raise SettingsError(f'there is no score "{name}"; {known}')


def _interval(
    measure: Callable[[np.ndarray], np.ndarray], units: int, level: float, resamples: int, seed: int
) -> Interval:
    random = np.random.default_rng(seed)
    drawn = np.concatenate(
        [
            measure(random.multinomial(units, np.full(units, 1 / units), size=min(DRAWS_AT_ONCE, left)))
            for left in range(resamples, 0, -DRAWS_AT_ONCE)
        ]
    )
    # A class that is in no image of a draw has no IoU there.
    drawn = drawn[~np.isnan(drawn)]
    rest = (1 - level) / 2
    low, high = np.quantile(drawn, [rest, 1 - rest]) if len(drawn) else (np.nan, np.nan)
    value = float(measure(np.ones((1, units), np.int64))[0])
    return Interval(value, float(low), float(high), level, resamples, units)


def _named(counts: ImageCounts) -> str:
    header = counts.header
    return f"{header.experiment} seed {header.seed} {header.protocol.name}"


def _command(counts: ImageCounts) -> str:
    header = counts.header
    options = f"--experiment {header.experiment} --seed {header.seed} --protocol {header.protocol.name}"
    return f"danet evaluate {options}"

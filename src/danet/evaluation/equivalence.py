"""Is a mean over seeds the published number? Two one-sided tests of equivalence, and intervals.

Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987). A difference is equivalent to
none at a level of 5 % if its 90 % interval lies between minus and plus the margin. docs/verdicts.md says how
often the test is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from scipy.stats import t

Outcome = Literal["equivalent", "above", "below", "undecided"]


@dataclass(frozen=True)
class Spread:
    """How far runs that differ in the seed alone lie apart."""

    deviation: float
    """Standard deviation of one run."""
    freedom: int
    """Degrees of freedom of that estimate."""


@dataclass(frozen=True)
class Reading:
    """A difference from a published number, and what follows from its interval."""

    outcome: Outcome
    low: float
    high: float


def pooled_spread(networks: Sequence[Sequence[Sequence[float]]]) -> Spread | None:
    """The spread that all networks of a table share.

    Args:
        networks: by network, by protocol, the scores of its seeds. A network is counted once, however many
            protocols it is scored under, since its scores rise and fall together.

    Returns:
        None if no network has two seeds.
    """
    several = [protocols for protocols in networks if len(protocols[0]) > 1]
    freedoms = [len(protocols[0]) - 1 for protocols in several]
    if not several:
        return None
    squares = sum(
        freedom * float(np.var(protocols, axis=1, ddof=1).mean())
        for freedom, protocols in zip(freedoms, several, strict=True)
    )
    return Spread(sqrt(squares / sum(freedoms)), sum(freedoms))


def read_difference(
    difference: float, seeds: int, spread: Spread, margin: float, level: float, *, noisy: bool
) -> Reading:
    """Test a mean over seeds against a published number.

    Args:
        difference: the mean minus the number.
        seeds: runs behind the mean.
        spread: of one run.
        margin: differences up to here are of no interest.
        level: the chance that each outcome but ``undecided`` may have of being wrong.
        noisy: whether the number is one run's, with the same spread, or is taken as it stands.

    Returns:
        ``equivalent`` if the interval of 1 - 2 * level lies within the margin, ``above`` or ``below`` if it
        lies beyond it, else ``undecided``.
    """
    half = float(t.ppf(1 - level, spread.freedom)) * spread.deviation * sqrt(1 / seeds + noisy)
    low, high = difference - half, difference + half
    if -margin < low and high < margin:
        return Reading("equivalent", low, high)
    outcome: Outcome = "above" if low > margin else "below" if high < -margin else "undecided"
    return Reading(outcome, low, high)


def difference_interval(
    difference: float, seed_error: float, freedom: int, image_error: float, level: float = 0.95
) -> tuple[float, float]:
    """An interval around the difference of two means over seeds, over other seeds and other images.

    The two errors are independent, so their squares are added; the degrees of freedom of the sum are
    Welch's and Satterthwaite's, with no end to those of the images.

    Args:
        difference: of the means.
        seed_error: its standard error over seeds.
        freedom: degrees of freedom of ``seed_error``.
        image_error: its standard error over images.
        level: share of such intervals that hold the true difference.
    """
    error = sqrt(seed_error**2 + image_error**2)
    if seed_error == 0:
        half = float(t.ppf((1 + level) / 2, float("inf"))) * error
    else:
        half = float(t.ppf((1 + level) / 2, freedom * (error / seed_error) ** 4)) * error
    return difference - half, difference + half

"""The test of equivalence, against intervals by hand and a simulation of runs with a known spread."""

from math import sqrt
from statistics import stdev

import numpy as np
import pytest

from danet.evaluation.equivalence import Spread, difference_interval, pooled_spread, read_difference

KNOWN_RUNS = (78.94, 79.91, 79.5)
"""mIoU of three runs of one code: issue 52 of the authors' repository."""
MARGIN, LEVEL = 1.0, 0.05
SIMULATED = 2000


def test_spread_is_pooled_with_the_degrees_of_freedom_added() -> None:
    spread = pooled_spread([[(1.0, 2.0, 3.0)], [(5.0, 9.0)], [(7.0,)]])
    assert spread is not None
    # Squares 1 + 0 + 1 and 4 + 4 over 2 + 1 degrees of freedom.
    assert (spread.deviation, spread.freedom) == (pytest.approx(sqrt(10 / 3)), 3)
    assert pooled_spread([[(7.0,)]]) is None


def test_a_network_under_two_protocols_counts_once() -> None:
    spread = pooled_spread([[(1.0, 3.0), (10.0, 14.0)]])
    assert spread == Spread(pytest.approx(sqrt((2 + 8) / 2)), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("difference", "outcome"),
    [(0.0, "equivalent"), (0.6, "undecided"), (1.0, "undecided"), (1.7, "above"), (-1.7, "below")],
)
def test_outcome_follows_from_the_interval(difference: float, outcome: str) -> None:
    spread = Spread(0.5, 16)
    found = read_difference(difference, 3, spread, MARGIN, LEVEL, noisy=False)
    half = 1.7459 * 0.5 / sqrt(3)  # the 95 % quantile of t with 16 degrees of freedom, from a printed table
    assert (found.outcome, found.low, found.high) == (
        outcome,
        pytest.approx(difference - half, abs=1e-4),
        pytest.approx(difference + half, abs=1e-4),
    )


def test_a_noisy_number_widens_the_interval() -> None:
    fixed, noisy = (
        read_difference(0.2, 3, Spread(0.3, 4), MARGIN, LEVEL, noisy=noisy) for noisy in (False, True)
    )
    assert noisy.high - noisy.low == pytest.approx((fixed.high - fixed.low) * 2)  # sqrt(1/3 + 1) / sqrt(1/3)


def test_a_difference_that_is_no_number_is_undecided() -> None:
    assert read_difference(float("nan"), 3, Spread(0.3, 4), MARGIN, LEVEL, noisy=False).outcome == "undecided"


def simulated(offset: float, *, noisy: bool) -> dict[str, float]:
    """Share of each outcome for a network ``offset`` off, one of eight with three seeds each.

    The paper's number is the truth, or where ``noisy`` one run.
    """
    random = np.random.default_rng(14)
    deviation = stdev(KNOWN_RUNS)
    runs = random.normal(offset, deviation, (SIMULATED, 8, 3))
    numbers = random.normal(0, deviation, SIMULATED) * noisy
    outcomes = []
    for tables, number in zip(runs, numbers, strict=True):
        spread = pooled_spread([[scores] for scores in tables.tolist()])
        assert spread is not None
        difference = tables[0].mean() - number
        outcomes.append(read_difference(difference, 3, spread, MARGIN, LEVEL, noisy=noisy).outcome)
    return {name: outcomes.count(name) / SIMULATED for name in set(outcomes)}


def test_true_reproductions_are_accepted_and_others_are_not() -> None:
    assert simulated(0.0, noisy=False)["equivalent"] == pytest.approx(0.93, abs=0.02)
    assert "equivalent" not in simulated(2.0, noisy=False)
    assert simulated(2.0, noisy=False)["above"] == pytest.approx(0.96, abs=0.02)
    # On the margin itself the level holds, at both of its ends.
    assert simulated(1.0, noisy=False)["equivalent"] == pytest.approx(LEVEL, abs=0.015)
    assert simulated(1.0, noisy=False)["above"] == pytest.approx(LEVEL, abs=0.015)


def test_a_noisy_number_leaves_most_true_reproductions_undecided() -> None:
    shares = simulated(0.0, noisy=True)
    assert shares["undecided"] == pytest.approx(0.88, abs=0.02)
    assert shares["equivalent"] == pytest.approx(0.12, abs=0.02)


def test_a_bare_tolerance_rejects_true_reproductions() -> None:
    """Within 0.5 of the paper's number, which is one run: three seeds against one."""
    random, deviation = np.random.default_rng(14), stdev(KNOWN_RUNS)
    paper = random.normal(0, deviation, 100_000)
    rejected = [
        np.mean(abs(random.normal(0, deviation, (100_000, seeds)).mean(axis=1) - paper) > 0.5)
        for seeds in (3, 1)
    ]
    assert rejected == pytest.approx([0.38, 0.47], abs=0.01)


def test_interval_adds_the_errors_of_seeds_and_images() -> None:
    low, high = difference_interval(2.0, 0.0, 4, 1.0)
    assert (low, high) == pytest.approx((2 - 1.95996, 2 + 1.95996), abs=1e-4)
    low, high = difference_interval(2.0, 0.5, 4, 0.0)  # t with 4 degrees of freedom: 2.7764
    assert (low, high) == pytest.approx((2 - 2.7764 / 2, 2 + 2.7764 / 2), abs=1e-4)
    random = np.random.default_rng(0)
    seeds = random.normal(0, 0.5, (4000, 6))
    images = random.normal(0, 0.3, 4000)
    held = 0
    for runs, image in zip(seeds, images, strict=True):
        error = sqrt(runs.var(ddof=1) / 6)
        low, high = difference_interval(runs.mean() + image, error, 5, 0.3)
        held += low < 0 < high
    assert held / 4000 == pytest.approx(0.95, abs=0.015)

"""Bootstrap intervals against plain resampling, and against what theory says of their width."""

import numpy as np
import pytest
from made_counts import made_counts, random_matrices

from danet.errors import BadDataError, SettingsError
from danet.evaluation.confusion import iou, mean_iou, pixel_accuracy
from danet.evaluation.intervals import interval, paired_interval, units_of
from danet.settings import BlockRule

SCORES = {
    "miou": lambda confusion: mean_iou(confusion, "left_out"),
    "pixel_accuracy": pixel_accuracy,
    "class2": lambda confusion: iou(confusion)[2],
}


@pytest.fixture
def matrices() -> list[np.ndarray]:
    return random_matrices(np.random.default_rng(5), images=12, classes=6)


@pytest.mark.parametrize("score", SCORES)
def test_against_plain_resampling(matrices, score):
    """The same draws, each summed image by image and scored as a whole split is."""
    found = interval(made_counts(matrices), score, resamples=300, seed=9)
    random, drawn = np.random.default_rng(9), []
    for size in (250, 50):
        for times in random.multinomial(12, np.full(12, 1 / 12), size=size):
            drawn.append(SCORES[score](sum(n * matrix for n, matrix in zip(times, matrices, strict=True))))
    assert found.value == pytest.approx(SCORES[score](sum(matrices)), abs=1e-12)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=1e-12)
    assert (found.units, found.resamples, found.level) == (12, 300, 0.95)


def test_absent_classes_are_zeros_if_they_should_be(matrices):
    left_out, zero = (interval(made_counts(matrices), "miou", way) for way in ("left_out", "zero"))
    assert zero.value == pytest.approx(left_out.value * 5 / 6)
    assert zero.high < left_out.high


def test_the_same_twice_and_other_seeds_near(matrices):
    counts = made_counts(matrices)
    assert interval(counts) == interval(counts)
    other = interval(counts, seed=1)
    assert other.low == pytest.approx(interval(counts).low, abs=0.02)
    assert other != interval(counts)


def test_width_is_that_of_the_mean_of_independent_images():
    random = np.random.default_rng(6)
    accuracies = random.uniform(0.2, 1, 400)
    right = (10_000 * accuracies).astype(int)
    counts = made_counts([np.array([[n, 10_000 - n], [0, 1]]) for n in right])
    found = interval(counts, "pixel_accuracy")
    standard_error = accuracies.std(ddof=1) / 20
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * standard_error, rel=0.1)
    assert found.low < accuracies.mean() < found.high


def test_a_small_difference_on_the_same_images_is_seen(matrices):
    random = np.random.default_rng(7)
    matrices = random_matrices(random, images=60, classes=6)
    better = []
    for matrix in matrices:
        errors = matrix - np.diag(np.diag(matrix))
        moved = random.binomial(errors, 0.1)
        better.append(matrix - moved + np.diag(moved.sum(axis=1)))
    mine, theirs = made_counts(better), made_counts(matrices)
    paired = paired_interval(mine, theirs)
    assert paired.value == pytest.approx(interval(mine).value - interval(theirs).value)
    assert paired.excludes_zero
    assert paired.low > 0
    alone = interval(mine)
    assert paired.high - paired.low < (alone.high - alone.low) / 3
    turned = paired_interval(theirs, mine)
    assert (turned.low, turned.high) == pytest.approx((-paired.high, -paired.low))


def test_a_run_does_not_differ_from_itself(matrices):
    same = paired_interval(made_counts(matrices), made_counts(matrices))
    assert (same.low, same.value, same.high) == (0, 0, 0)
    assert not same.excludes_zero


def test_frames_of_a_film_are_blocks():
    names = [f"b_{frame:03}" for frame in (3, 1, 2, 5, 4)] + ["a_2", "a_1"]
    blocks = units_of(names, BlockRule(clip="^([^_]+)_", length=3))
    assert sorted([names[place] for place in block] for block in blocks) == [
        ["a_1", "a_2"],
        ["b_001", "b_002", "b_003"],
        ["b_004", "b_005"],
    ]


def test_equal_neighbours_widen_the_interval():
    """Ten times the same frame says no more than once."""
    matrices = random_matrices(np.random.default_rng(8), images=20, classes=6)
    repeated = [matrix for matrix in matrices for _ in range(10)]
    names = [f"{clip:02}_{frame}" for clip in range(20) for frame in range(10)]
    rule = BlockRule(clip="^([^_]+)_", length=10)
    alone, film = interval(made_counts(matrices)), interval(made_counts(repeated, names), blocks=rule)
    assert film.units == 20
    assert (film.low, film.high) == pytest.approx((alone.low, alone.high))
    naive = interval(made_counts(repeated, names))
    assert naive.high - naive.low < 0.5 * (film.high - film.low)


def test_what_cannot_be_compared(matrices):
    counts = made_counts(matrices)
    with pytest.raises(BadDataError, match=r"fcn_r50 seed 1 ss .* differ in data_digest\n  -> evaluate both"):
        paired_interval(counts, made_counts(matrices, digest="d2"))
    with pytest.raises(BadDataError, match="differ in images"):
        paired_interval(counts, made_counts(matrices[:-1]))
    with pytest.raises(SettingsError, match='no score "class9"'):
        interval(counts, "class9")
    with pytest.raises(BadDataError, match=r"image0 is of no clip.*\n  -> correct the data set's blocks"):
        interval(counts, blocks=BlockRule(clip="^(clip)_", length=2))

"""The paper's claims, read from counts of single images that are made up."""

from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from danet.errors import BadDataError
from danet.evaluation.intervals import Interval, paired_interval
from danet.jobs.job import WITH_CLAIMS
from danet.reporting.tables.claims import Claim, ReadClaim, claim_notes, claims_of, interval_of, read_claims
from danet.reporting.tables.published import published_rows
from danet.reporting.tables.scores import Scores, over_seeds
from danet.runs.evaluation_file import ProtocolRecord
from danet.runs.image_counts import CountsHeader, ImageCounts, SparseMatrix, write_image_counts
from danet.settings import ExperimentName, Plan, ProtocolName, TableName

IMAGES = 40
SHARES = {"fcn_r50": 60, "danet_r50_pam": 70, "danet_r50_cam": 50, "danet_r50": 70}
"""Right pixels of a hundred, in the mean."""


def counted(plan: Plan, experiment: str, seed: int, images: int = IMAGES) -> ImageCounts:
    """Images that differ much from each other, and alike for all networks; DANet's two as good."""
    hard = np.random.default_rng(1).integers(-20, 20, images)
    own = np.random.default_rng([seed, len(experiment)]).integers(-4, 4, images)
    matrices = []
    for right in SHARES[experiment] + hard + own:
        matrices.append(SparseMatrix.of(np.array([[right, 100 - right], [100 - right, right]])))
    header = CountsHeader(
        experiment=experiment,
        seed=seed,
        protocol=ProtocolRecord(name="ss"),
        dataset="cityscapes",
        split="val",
        data_digest="0123",
        classes=("road", "sky"),
        images=tuple(f"image{number}" for number in range(images)),
    )
    return ImageCounts(header, matrices)


def miou(counts: ImageCounts) -> float:
    total = counts.total()
    right = total[0, 0]
    return float(right / (total.sum() - right))  # both classes alike: right / (2 * 100 n - right)


@pytest.fixture
def counted_runs(settings: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Write the counts of Table 1's ResNet-50 rows; the plan and the scores that belong to them."""

    def make(seeds: tuple[int, ...]) -> tuple[Plan, Scores]:
        monkeypatch.chdir(tmp_path)
        plan = settings("paper", seeds=seeds)
        scores = {}
        for name in SHARES:
            runs = [counted(plan, name, seed) for seed in seeds]
            for run in runs:
                write_image_counts(plan.paths.image_counts(name, run.header.seed, "ss"), run)
            scores[ExperimentName(name), ProtocolName("ss")] = over_seeds([miou(run) for run in runs])
        return plan, Scores(scores, {})

    return make


def by_words(claims: list[ReadClaim]) -> dict[str, ReadClaim]:
    return {claim.words.removesuffix(", Res50"): claim for claim in claims}


def test_claims_are_the_papers() -> None:
    assert len(claims_of("table1")) == 10
    assert len(claims_of("table2")) == 3
    assert [name for name in get_args(TableName) if claims_of(name)] == list(WITH_CLAIMS)
    for name in ("table1", "table2"):
        known = {(row.experiment, row.protocol): row.miou for row in published_rows(name)}
        for claim in claims_of(name):
            assert (known[claim.better] or 0) > (known[claim.worse] or 0), claim.words


@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_each_outcome(counted_runs: Callable, seeds: tuple[int, ...]) -> None:
    plan, scores = counted_runs(seeds)
    claims = by_words(read_claims(plan, "table1", scores))
    assert {words: claim.outcome for words, claim in claims.items()} == {
        "PAM against FCN": "held",
        "CAM against FCN": "not held",
        "both against FCN": "held",
        "both against PAM": "undecided",
        "both against CAM": "held",
    }
    pam = claims["PAM against FCN"]
    assert pam.paper == pytest.approx(75.74 - 70.03)
    assert pam.interval is not None
    assert pam.interval[0] < pam.ours < pam.interval[1]


def test_interval_of_one_seed_is_the_paired_bootstraps(counted_runs: Callable) -> None:
    plan, scores = counted_runs((1,))
    pam = by_words(read_claims(plan, "table1", scores))["PAM against FCN"]
    found = paired_interval(counted(plan, "danet_r50_pam", 1), counted(plan, "fcn_r50", 1))
    assert pam.interval == pytest.approx((100 * found.low, 100 * found.high))
    assert pam.ours == pytest.approx(100 * found.value)


def around(half: float) -> Interval:
    return Interval(0.0, -half, half, 0.95, 2000, IMAGES)


def scores_of(**values: tuple[float, ...]) -> Scores:
    found = {}
    for name, of_seeds in values.items():
        experiment, _, protocol = name.rpartition("_")
        found[ExperimentName(experiment), ProtocolName(protocol)] = over_seeds([v / 100 for v in of_seeds])
    return Scores(found, {})


def test_several_seeds_add_their_error_to_the_images() -> None:
    scores = scores_of(a_ss=(70.0, 71.0, 72.0), b_ss=(60.0, 61.0, 62.0))
    claim = Claim("", (ExperimentName("a"), ProtocolName("ss")), (ExperimentName("b"), ProtocolName("ss")))
    low, high = interval_of(scores, claim, [around(0.0)] * 3) or (0.0, 0.0)
    half = 2.7764 * sqrt(2 / 3)  # t with 4 degrees of freedom, deviation 1
    assert (low, high) == pytest.approx((10 - half, 10 + half), abs=1e-3)
    wider = interval_of(scores, claim, [around(0.02)] * 3)
    assert wider is not None
    assert wider[1] - 10 > sqrt(0.02**2 * 100**2 + (1.96 * sqrt(2 / 3)) ** 2)


def test_one_network_under_two_protocols_is_compared_seed_by_seed() -> None:
    scores = scores_of(a_ms=(72.0, 76.1, 79.9), a_ss=(70.0, 74.0, 78.0))
    claim = Claim("", (ExperimentName("a"), ProtocolName("ms")), (ExperimentName("a"), ProtocolName("ss")))
    found = interval_of(scores, claim, [around(0.0)] * 3)
    half = 4.3027 * 0.1 / sqrt(3)  # the differences 2.0, 2.1 and 1.9; t with 2 degrees of freedom
    assert found == pytest.approx((2 - half, 2 + half), abs=1e-3)


def test_other_images_or_none_leave_a_claim_undecided(counted_runs: Callable) -> None:
    plan, scores = counted_runs((1,))
    plan.paths.image_counts("fcn_r50", 1, "ss").unlink()
    write_image_counts(
        plan.paths.image_counts("danet_r50_cam", 1, "ss"), counted(plan, "danet_r50_cam", 1, IMAGES - 1)
    )
    claims = read_claims(plan, "table1", scores)
    intervals = {words: claim.interval for words, claim in by_words(claims).items()}
    assert intervals.pop("both against PAM") is not None
    assert set(intervals.values()) == {None}
    assert {claim.outcome for claim in claims} == {"undecided"}
    assert any("no counts of the same single images" in note for note in claim_notes(claims, 1, ""))
    assert next(claim_notes(claims, 1, "CamVid in place of Cityscapes")).startswith(
        "Claims are read on CamVid in place of Cityscapes:"
    )


def test_damaged_counts_are_refused(counted_runs: Callable) -> None:
    plan, scores = counted_runs((1,))
    path = plan.paths.image_counts("fcn_r50", 1, "ss")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadDataError, match="fcn_r50"):
        read_claims(plan, "table1", scores)


def test_a_difference_that_is_no_number_is_undecided() -> None:
    assert ReadClaim("", 1.0, 1.0, (float("nan"), float("nan"))).outcome == "undecided"

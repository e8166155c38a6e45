"""What the paper claims by its Tables 1 and 2, and whether our runs bear it out.

A claim is that one row scores more than another. It is held where the 95 % interval of our difference lies
above 0, not held where it lies below, else undecided. The two rows are compared on the same images.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Literal

from scipy.stats import norm

from danet.errors import BadDataError
from danet.evaluation.equivalence import difference_interval
from danet.evaluation.intervals import LEVEL, Interval, paired_interval
from danet.reporting.tables.published import published_rows
from danet.reporting.tables.scores import Score, Scores
from danet.runs.image_counts import read_image_counts
from danet.settings import Evaluation, ExperimentName, Plan, ProtocolName, TableName

Row = tuple[ExperimentName, ProtocolName]


@dataclass(frozen=True)
class Claim:
    """That ``better`` scores more than ``worse``."""

    words: str
    better: Row
    worse: Row


@dataclass(frozen=True)
class ReadClaim:
    """A claim with the paper's difference and ours, in percentage points."""

    words: str
    paper: float
    ours: float
    interval: tuple[float, float] | None
    """None: the two were not counted on the same images, image by image."""

    @property
    def outcome(self) -> Literal["held", "not held", "undecided"]:
        if self.interval is None:
            return "undecided"
        low, high = self.interval
        return "held" if low > 0 else "not held" if high < 0 else "undecided"


def claims_of(name: TableName) -> list[Claim]:
    """The paper's claims by one table: each module helps, both help most; DA, Multi-Grid and MS add."""
    if name == "table1":
        return [*_of_modules("Res50", "r50"), *_of_modules("Res101", "r101")]
    if name == "table2":
        return [
            _claim("DA against none", "danet_r101_da", "danet_r101"),
            _claim("DA, Multi-Grid against DA", "danet_r101_da_mg", "danet_r101_da"),
            _claim("MS against single scale", "danet_r101_da_mg", "danet_r101_da_mg", protocol="ms"),
        ]
    return []


def _of_modules(basenet: str, suffix: str) -> Iterator[Claim]:
    fcn, both = f"fcn_{suffix}", f"danet_{suffix}"
    for words, better, worse in (
        ("PAM against FCN", f"{both}_pam", fcn),
        ("CAM against FCN", f"{both}_cam", fcn),
        ("both against FCN", both, fcn),
        ("both against PAM", both, f"{both}_pam"),
        ("both against CAM", both, f"{both}_cam"),
    ):
        yield _claim(f"{words}, {basenet}", better, worse)


def _claim(words: str, better: str, worse: str, protocol: str = "ss") -> Claim:
    return Claim(
        words, (ExperimentName(better), ProtocolName(protocol)), (ExperimentName(worse), ProtocolName("ss"))
    )


def read_claims(plan: Plan, name: TableName, scores: Scores) -> list[ReadClaim]:
    """The claims of a table whose two rows are among our scores.

    Raises:
        BadDataError: the counts of an evaluation are damaged.
    """
    printed = {(row.experiment, row.protocol): row.miou for row in published_rows(name)}
    return [
        ReadClaim(
            claim.words,
            (printed[claim.better] or 0) - (printed[claim.worse] or 0),
            scores.of[claim.better].mean - scores.of[claim.worse].mean,
            interval_of(scores, claim, _over_images(plan, claim)),
        )
        for claim in claims_of(name)
        if claim.better in scores.of and claim.worse in scores.of
    ]


def interval_of(
    scores: Scores, claim: Claim, over_images: Sequence[Interval | None]
) -> tuple[float, float] | None:
    """The 95 % interval of our difference, in percentage points.

    With one seed it is the bootstrap's over images. With several, the error over seeds, from the table's
    pooled spread, and the error over images, the mean of the seeds' bootstraps, are added as variances. Where
    one network is scored under two protocols, the error over seeds is that of the seeds' own differences.

    Args:
        scores: of the whole table.
        claim: which two rows.
        over_images: by seed, the paired bootstrap of the difference, 0 to 1; None where it cannot be had.
    """
    known = [found for found in over_images if found is not None]
    if not known or len(known) < len(over_images):
        return None
    better, worse = scores.of[claim.better], scores.of[claim.worse]
    spread = scores.spread
    if len(known) == 1 or spread is None:
        return 100 * known[0].low, 100 * known[0].high
    halves = (50 * (found.high - found.low) for found in known)
    image_error = fmean(halves) / float(norm.ppf((1 + LEVEL) / 2))
    if claim.better[0] == claim.worse[0]:
        error, freedom = _error_of_differences(better, worse)
    else:
        error = spread.deviation * sqrt(1 / len(better.values) + 1 / len(worse.values))
        freedom = spread.freedom
    return difference_interval(better.mean - worse.mean, error, freedom, image_error, LEVEL)


def claim_notes(claims: Sequence[ReadClaim], seeds: int, stand_ins: str) -> Iterator[str]:
    """How the intervals were made, and what they leave out.

    Args:
        claims: of one table.
        seeds: runs of each network.
        stand_ins: what was used in the place of what; empty: nothing.
    """
    if not claims:
        return
    if stand_ins:
        yield f"Claims are read on {stand_ins}: they are not borne out or refuted as the paper means them."
    if seeds == 1:
        yield (
            "Claims: 95 % intervals of a bootstrap over images, paired by image. One seed: they say nothing"
            " of other seeds."
        )
    else:
        yield (
            "Claims: 95 % intervals over seeds (pooled standard deviation) and images (bootstrap, paired by"
            " image; the two variances added)."
        )
    yield f"{len(claims)} claims, each interval by itself: not corrected for their number."
    if any(claim.interval is None for claim in claims):
        yield "Undecided without an interval: no counts of the same single images beside the evaluations."


def _error_of_differences(better: Score, worse: Score) -> tuple[float, int]:
    pairs = zip(better.values, worse.values, strict=True)
    return stdev(first - second for first, second in pairs) / sqrt(len(better.values)), len(better.values) - 1


def _over_images(plan: Plan, claim: Claim) -> list[Interval | None]:
    """By seed."""
    return [_paired(plan, claim, seed) for seed in plan.seeds]


def _paired(plan: Plan, claim: Claim, seed: int) -> Interval | None:
    paths = [plan.paths.image_counts(name, seed, protocol) for name, protocol in (claim.better, claim.worse)]
    if not all(path.exists() for path in paths):
        return None
    experiment, protocol = claim.better
    rows = (Evaluation(experiment=name, protocol=of) for name, of in (claim.better, claim.worse))
    remedies = [
        f"danet evaluate --experiment {row.experiment} --seed {seed} --protocol {row.protocol} {plan.options}"
        for row in rows
    ]
    better, worse = (read_image_counts(path, remedy) for path, remedy in zip(paths, remedies, strict=True))
    absent = plan.experiment(experiment).protocol(protocol).absent_classes
    blocks = plan.dataset_of(experiment).blocks
    try:
        return paired_interval(better, worse, absent_classes=absent, blocks=blocks, level=LEVEL)
    except BadDataError:  # not of the same images: the table stands, the claim does not
        return None

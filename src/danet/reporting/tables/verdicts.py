"""Whether our scores are the paper's, in words: docs/verdicts.md says how a verdict comes about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from danet.evaluation.equivalence import Outcome, Reading, Spread, read_difference
from danet.reporting.tables.scores import Score
from danet.settings import Verdicts

NOT_COMPARABLE, ONE_SEED = "not comparable", "one seed"


@dataclass(frozen=True)
class Verdict:
    """Of a mean over seeds, in percentage points."""

    fixed: Reading
    """With the paper's number as it stands."""
    noisy: Reading
    """With the paper's number as one run's."""

    @property
    def words(self) -> str:
        return f"{self.fixed.outcome} / {self.noisy.outcome}"


@dataclass(frozen=True)
class NoVerdict:
    """Why a score cannot be judged."""

    words: str
    interval: tuple[float, float] | None = None
    """With one seed: where 95 % of the draws over images put the difference, in percentage points."""


def judge(
    score: Score, paper: float, spread: Spread | None, limits: Verdicts, comparable: bool
) -> Verdict | NoVerdict:
    """Judge one cell.

    Args:
        score: ours, in the paper's convention.
        paper: its number, in per cent.
        spread: pooled over the table, in our own convention; None with one seed.
        limits: margin and level.
        comparable: whether data and backbone are the paper's.
    """
    if not comparable:
        return NoVerdict(NOT_COMPARABLE)
    if spread is None or len(score.values) < 2:
        low, high = score.interval or (0.0, 0.0)
        return NoVerdict(ONE_SEED, score.interval and (low - paper, high - paper))
    factor = float(score.background_factor or 1)
    own = Spread(spread.deviation * factor, spread.freedom)
    fixed, noisy = (
        read_difference(score.mean - paper, len(score.values), own, limits.margin, limits.level, noisy=noisy)
        for noisy in (False, True)
    )
    return Verdict(fixed, noisy)


def verdict_notes(
    judged: Sequence[tuple[Score, float, Verdict | NoVerdict]],
    spread: Spread | None,
    limits: Verdicts,
    stand_ins: str,
) -> Iterator[str]:
    """What has to be known of a table's verdicts.

    Args:
        judged: each score with the paper's number and the verdict on it.
        spread: that the verdicts were made with.
        limits: margin and level.
        stand_ins: what was used in the place of what.
    """
    words = [verdict.words for _, _, verdict in judged]
    if NOT_COMPARABLE in words:
        yield f"No verdict where ours is not comparable: {stand_ins}."
    if ONE_SEED in words:
        yield (
            "One seed: no verdict, which takes two seeds at least. In brackets: where 95 % of the draws of a"
            " bootstrap over images put the difference; they say nothing of other seeds."
        )
    if spread is not None and any(isinstance(verdict, Verdict) for _, _, verdict in judged):
        yield (
            f"Verdict: two one-sided tests with a margin of {limits.margin:g} mIoU at {limits.level:g}:"
            " equivalent (within the margin), above or below (beyond it), or undecided; read with the"
            " paper's number as fixed / as one noisy run. Standard deviation of a run:"
            f" {spread.deviation:.2f}, pooled with {spread.freedom} degrees of freedom."
        )
        yield _multiplicity(judged, spread, limits)


def _multiplicity(
    judged: Sequence[tuple[Score, float, Verdict | NoVerdict]], spread: Spread, limits: Verdicts
) -> str:
    """How many verdicts there are, and which of them stand when that is allowed for (Bonferroni)."""
    verdicts = [(score, paper, of) for score, paper, of in judged if isinstance(of, Verdict)]
    stricter = limits.model_copy(update={"level": limits.level / len(verdicts)})
    decided = [(score, paper, of) for score, paper, of in verdicts if of.fixed.outcome != "undecided"]
    standing = sum(
        _outcome(judge(score, paper, spread, stricter, comparable=True)) == of.fixed.outcome
        for score, paper, of in decided
    )
    return (
        f"{len(verdicts)} verdicts, each at that level by itself: of {len(decided)} decided ones (fixed),"
        f" {standing} stand at {limits.level:g}/{len(verdicts)} (Bonferroni)."
    )


def _outcome(verdict: Verdict | NoVerdict) -> Outcome | None:
    return verdict.fixed.outcome if isinstance(verdict, Verdict) else None

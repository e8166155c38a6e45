"""The values that a table may hold, and the one place where they become text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from danet.reporting.tables.scores import Score
from danet.reporting.tables.verdicts import NoVerdict, Verdict

DASH, CHECK, MINUS = "–", "✓", "−"

Alignment = Literal["left", "centre", "right"]
Emphasis = Literal["", "best", "second"]


@dataclass(frozen=True)
class Published:
    """A number of the paper, in per cent."""

    value: float


@dataclass(frozen=True)
class Difference:
    """Ours minus the paper's, in percentage points."""

    value: float


@dataclass(frozen=True)
class Missing:
    """No value; a note below the table gives the reason."""

    reason: str


@dataclass(frozen=True)
class Marked:
    """Words with a mark that a note below the table explains."""

    words: str
    mark: str
    plain: str
    """For programs."""


@dataclass(frozen=True)
class Citation:
    """A work, and its entry in references.bib; None: the paper, or ours."""

    words: str
    key: str | None = None


Value = str | bool | Published | Score | Difference | Verdict | NoVerdict | Marked | Citation | Missing

RowValues = dict[str, Value]
"""One row: value by heading."""


@dataclass(frozen=True)
class Cell:
    """What a reader sees: plain text with typographic signs, for the writers to translate."""

    text: str
    emphasis: Emphasis = ""


def marked(words: str, marks: Mapping[str, str]) -> Value:
    """Words, with a mark where they have one."""
    return Marked(words, marks[words], words) if words in marks else words


def of_paper(number: float | None) -> Published | Missing:
    """A number of the paper, where it has one."""
    return Missing("not in the paper") if number is None else Published(number)


def difference(ours: float, paper: float | None) -> Difference | Missing:
    """Ours minus the paper's, where it has a number."""
    return Missing("not in the paper") if paper is None else Difference(ours - paper)


def text(value: Value, decimals: int) -> str:
    """The text of a value: ``76.34``, ``76.34 ± 0.21``, ``+0.12``, ``✓``, ``Res50*``, ``–``."""
    match value:
        case bool():
            return CHECK if value else ""
        case Published(number):
            return f"{number:.{decimals}f}"
        case Score(mean=mean, deviation=None):
            return f"{mean:.{decimals}f}"
        case Score(mean=mean, deviation=deviation):
            return f"{mean:.{decimals}f} ± {deviation:.{decimals}f}"
        case Difference(number):
            # The option z turns a rounded -0.00 into +0.00.
            return f"{number:+z.{decimals}f}".replace("-", MINUS)
        case NoVerdict(words=words, interval=(low, high)):
            return f"{words} {interval_text(low, high, decimals)}"
        case Verdict(words=words) | NoVerdict(words=words) | Citation(words=words):
            return words
        case Marked(words, mark):
            return f"{words}{mark}"
        case Missing():
            return DASH
    return value


def interval_text(low: float, high: float, decimals: int) -> str:
    """``[−0.31, +1.20]``."""
    return f"[{text(Difference(low), decimals)}, {text(Difference(high), decimals)}]"


def columns(rows: Sequence[RowValues]) -> dict[str, list[Value]]:
    """Values by heading, from the first row to the last."""
    return {heading: [row[heading] for row in rows] for heading in rows[0]}


def cells(rows: Sequence[RowValues], decimals: int, breaks: Sequence[int] = ()) -> list[list[Cell]]:
    """Text and emphasis of every value, row by row.

    Args:
        rows: all with the same headings.
        decimals: decimal places of numbers.
        breaks: rows with which a new block begins; only rows of one block are ranked together.
    """
    return [
        row for start, end in pairwise([0, *breaks, len(rows)]) for row in _block(rows[start:end], decimals)
    ]


def _block(rows: Sequence[RowValues], decimals: int) -> list[list[Cell]]:
    if not rows:
        return []
    emphases = {heading: _emphases(column, decimals) for heading, column in columns(rows).items()}
    return [
        [Cell(text(value, decimals), emphases[heading][number]) for heading, value in row.items()]
        for number, row in enumerate(rows)
    ]


def reasons(rows: Sequence[RowValues]) -> list[str]:
    """Why values are missing, each reason once, in the order in which they appear."""
    values = (value for row in rows for value in row.values())
    return list(dict.fromkeys(value.reason for value in values if isinstance(value, Missing)))


def alignments(rows: Sequence[RowValues]) -> list[Alignment]:
    """Numbers to the right, check marks centred, words to the left."""
    return [_alignment(column) for column in columns(rows).values()]


def _alignment(column: list[Value]) -> Alignment:
    if any(isinstance(value, Published | Score | Difference) for value in column):
        return "right"
    return "centre" if any(isinstance(value, bool) for value in column) else "left"


def _emphases(column: list[Value], decimals: int) -> list[Emphasis]:
    """Best and second among our scores; equal as printed means equal in rank, one alone has none."""
    printed = [round(value.mean, decimals) if isinstance(value, Score) else None for value in column]
    scores = [number for number in printed if number is not None]
    if len(scores) < 2:
        return [""] * len(printed)
    names: tuple[Emphasis, ...] = ("best", "second")
    ranks = dict(zip(sorted(set(scores), reverse=True), names, strict=False))
    return ["" if number is None else ranks.get(number, "") for number in printed]

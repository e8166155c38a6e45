"""The values that a table may hold, and the one place where they become text."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from danet.reporting.scores import Score

DASH, CHECK, MINUS = "–", "✓", "−"


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


Value = str | bool | Published | Score | Difference | Missing


@dataclass(frozen=True)
class Cell:
    """What a reader sees: plain text with typographic signs, for the writers to translate."""

    text: str
    emphasis: Literal["", "best", "second"] = ""


def text(value: Value, decimals: int) -> str:
    """The text of a value: ``76.34``, ``76.34 ± 0.21``, ``+0.12``, ``✓``, ``–``."""
    match value:
        case bool():
            return CHECK if value else ""
        case Published(number):
            return f"{number:.{decimals}f}"
        case Score(mean, None):
            return f"{mean:.{decimals}f}"
        case Score(mean, deviation):
            return f"{mean:.{decimals}f} ± {deviation:.{decimals}f}"
        case Difference(number):
            # The option z turns a rounded -0.00 into +0.00.
            return f"{number:+z.{decimals}f}".replace("-", MINUS)
        case Missing():
            return DASH
    return value


def cells(frame: pd.DataFrame, decimals: int) -> list[list[Cell]]:
    """Text and emphasis of every value, row by row."""
    emphases = {column: _emphases(frame[column], decimals) for column in frame}
    return [
        [Cell(text(value, decimals), emphases[column][row]) for column, value in values.items()]
        for row, values in enumerate(frame.to_dict("records"))
    ]


def reasons(frame: pd.DataFrame) -> list[str]:
    """Why values are missing, each reason once, in the order in which they appear."""
    values = (value for values in frame.to_dict("records") for value in values.values())
    return list(dict.fromkeys(value.reason for value in values if isinstance(value, Missing)))


def alignments(frame: pd.DataFrame) -> list[Literal["left", "centre", "right"]]:
    """Numbers to the right, check marks centred, words to the left."""
    return [_alignment(frame[column]) for column in frame]


def _alignment(column: pd.Series) -> Literal["left", "centre", "right"]:
    if any(isinstance(value, Published | Score | Difference) for value in column):
        return "right"
    return "centre" if any(isinstance(value, bool) for value in column) else "left"


def _emphases(column: pd.Series, decimals: int) -> list[str]:
    """Best and second among our scores; equal as printed means equal in rank, one alone has none."""
    printed = [round(value.mean, decimals) if isinstance(value, Score) else None for value in column]
    ranked = sorted({number for number in printed if number is not None}, reverse=True)
    if sum(number is not None for number in printed) < 2:
        return [""] * len(printed)
    names = dict(zip(ranked, ("best", "second"), strict=False))
    return [names.get(number, "") for number in printed]

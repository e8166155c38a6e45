"""A table as CSV, for programs: numbers as numbers; deviations and intervals in columns of their own."""

from collections.abc import Sequence

import pandas as pd

from danet.reporting.tables.cells import (
    Citation,
    Difference,
    Marked,
    Missing,
    Published,
    RowValues,
    Value,
    columns,
)
from danet.reporting.tables.paper_table import PaperTable
from danet.reporting.tables.scores import Score
from danet.reporting.tables.verdicts import NoVerdict, Verdict

PLACES = 4


def csv_table(table: PaperTable) -> str:
    """Header and rows; check marks as True or False, missing values empty."""
    shown: dict[str, list[str | bool | float | None]] = {}
    for heading, column in columns(table.rows).items():
        shown[heading] = [_plain(value) for value in column]
        if any(_deviation(value) is not None for value in column):
            shown[f"{heading}, standard deviation"] = [_deviation(value) for value in column]
        if any(isinstance(value, Citation) for value in column):
            shown["Citation key"] = [value.key if isinstance(value, Citation) else None for value in column]
        if heading.startswith("Verdict"):
            shown |= _readings(heading, column)
        if any(_interval(value) for value in column):
            for place, end in enumerate(("from", "to")):
                shown[f"{heading}, 95 % {end}"] = [_end(value, place) for value in column]
    if table.margin is not None:
        shown["Margin"] = [table.margin for _ in table.rows]
    if table.remarks:
        shown["Remark"] = list(table.remarks)
    if table.classes:
        scored = [any(isinstance(value, Score) for value in row.values()) for row in table.rows]
        ours = [of if score else None for of, score in zip(table.classes, scored, strict=True)]
        factors: list[str | bool | float | None] = [_background_factor(row) for row in table.rows]
        if any(factors):
            shown["Ours, factor for background"] = factors
        shown["Ours, classes"] = [of and of.averaged for of in ours]
        shown["Ours, of classes"] = [of and of.known for of in ours]
    return pd.DataFrame(shown, dtype=object).to_csv(index=False, lineterminator="\n")


def _plain(value: Value) -> str | bool | float | None:
    match value:
        case Published(number) | Difference(number) | Score(mean=number):
            return round(number, PLACES)
        case Verdict(fixed=reading):
            return reading.outcome
        case Marked(plain=words) | NoVerdict(words=words) | Citation(words=words):
            return words
        case Missing():
            return None
    return value


def _readings(heading: str, column: Sequence[Value]) -> dict[str, list[str | bool | float | None]]:
    """The second reading, and the intervals of the difference that the verdicts come from."""
    difference = heading.replace("Verdict", "Difference")
    shown: dict[str, list[str | bool | float | None]] = {}
    if any(isinstance(value, Verdict) for value in column):
        verdicts = [value if isinstance(value, Verdict) else None for value in column]
        shown[f"{heading}, paper as one run"] = [of and of.noisy.outcome for of in verdicts]
        shown[f"{difference}, over seeds from"] = [of and round(of.fixed.low, PLACES) for of in verdicts]
        shown[f"{difference}, over seeds to"] = [of and round(of.fixed.high, PLACES) for of in verdicts]
        shown[f"{difference}, paper as one run from"] = [
            of and round(of.noisy.low, PLACES) for of in verdicts
        ]
        shown[f"{difference}, paper as one run to"] = [of and round(of.noisy.high, PLACES) for of in verdicts]
    around = [value.interval if isinstance(value, NoVerdict) else None for value in column]
    if any(around):
        shown[f"{difference}, 95 % over images from"] = [ends and round(ends[0], PLACES) for ends in around]
        shown[f"{difference}, 95 % over images to"] = [ends and round(ends[1], PLACES) for ends in around]
    return shown


def _background_factor(row: RowValues) -> float | None:
    """What our scores of a row are multiplied with."""
    factors = (value.background_factor for value in row.values() if isinstance(value, Score))
    return next((round(float(factor), PLACES) for factor in factors if factor), None)


def _interval(value: Value) -> tuple[float, float] | None:
    return value.interval if isinstance(value, Score) else None


def _end(value: Value, place: int) -> float | None:
    interval = _interval(value)
    return None if interval is None else round(interval[place], PLACES)


def _deviation(value: Value) -> float | None:
    if isinstance(value, Score) and value.deviation is not None:
        return round(value.deviation, PLACES)
    return None

"""A table as CSV, for programs: numbers as numbers; deviations and intervals in columns of their own."""

import pandas as pd

from danet.reporting.tables.cells import Difference, Missing, Published, RowValues, Value, columns
from danet.reporting.tables.paper_table import PaperTable
from danet.reporting.tables.scores import Score

PLACES = 4


def csv_table(table: PaperTable) -> str:
    """Header and rows; check marks as True or False, missing values empty."""
    shown: dict[str, list[str | bool | float | None]] = {}
    for heading, column in columns(table.rows).items():
        shown[heading] = [_plain(value) for value in column]
        if any(_deviation(value) is not None for value in column):
            shown[f"{heading}, standard deviation"] = [_deviation(value) for value in column]
        if any(_interval(value) for value in column):
            for place, end in enumerate(("from", "to")):
                shown[f"{heading}, 95 % {end}"] = [_end(value, place) for value in column]
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
        case Missing():
            return None
    return value


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

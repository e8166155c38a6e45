"""A table as CSV, for programs: numbers as numbers, standard deviations in columns of their own."""

import pandas as pd

from danet.reporting.cells import Difference, Missing, Published, Value
from danet.reporting.scores import Score
from danet.reporting.table import Table

PLACES = 4


def csv_table(table: Table) -> str:
    """Header and rows; check marks as True or False, missing values empty."""
    columns: dict[str, list] = {}
    for heading in table.frame:
        column = table.frame[heading]
        columns[heading] = [_plain(value) for value in column]
        if any(isinstance(value, Score) and value.deviation is not None for value in column):
            columns[f"{heading}, standard deviation"] = [_deviation(value) for value in column]
    if table.classes is not None:
        ours = table.frame.map(lambda value: isinstance(value, Score)).any(axis=1)
        columns["Ours, classes"] = [table.classes if scored else None for scored in ours]
    return pd.DataFrame(columns, dtype=object).to_csv(index=False, lineterminator="\n")


def _plain(value: Value) -> str | bool | float | None:
    match value:
        case Published(number) | Difference(number) | Score(number, _):
            return round(number, PLACES)
        case Missing():
            return None
    return value


def _deviation(value: Value) -> float | None:
    known = isinstance(value, Score) and value.deviation is not None
    return round(value.deviation, PLACES) if known else None

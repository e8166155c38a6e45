"""What a table is between being built and being written."""

from dataclasses import dataclass

import pandas as pd

from danet.settings.schema import TableName


@dataclass(frozen=True)
class Table:
    """One of the paper's tables with our numbers, ready for any writer."""

    name: TableName
    caption: str
    """Plain text with typographic signs."""
    frame: pd.DataFrame
    """Columns by heading; values are of ``danet.reporting.cells.Value``."""
    decimals: int
    """Decimal places of all numbers."""
    breaks: tuple[int, ...]
    """Rows before which a rule is drawn."""
    notes: tuple[str, ...]
    """Lines below the table."""
    classes: int | None = None
    """Classes that our scores average over, where publications differ in it; the caption says it too."""

    @property
    def number(self) -> int:
        """The paper's number of this table."""
        return int(self.name.removeprefix("table"))

    @property
    def wide(self) -> bool:
        """Whether it has so many columns that their headings are turned."""
        return self.frame.shape[1] > 12

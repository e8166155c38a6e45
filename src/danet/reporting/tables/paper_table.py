"""What a table is between being built and being written."""

from dataclasses import dataclass

from danet.evaluation.averaged_classes import AveragedClasses
from danet.reporting.tables.cells import RowValues
from danet.settings import TableName


@dataclass(frozen=True)
class PaperTable:
    """One of the paper's tables with our numbers, ready for any writer."""

    name: TableName
    caption: str
    """Plain text with typographic signs."""
    rows: list[RowValues]
    """All with the same headings."""
    decimals: int
    """Decimal places of all numbers."""
    breaks: tuple[int, ...]
    """Rows before which a rule is drawn."""
    notes: tuple[str, ...]
    """Lines below the table."""
    classes: tuple[AveragedClasses | None, ...] = ()
    """By row, the classes that our scores are averaged over; empty where there are no scores of ours."""

    @property
    def number(self) -> int:
        """The paper's number of this table."""
        return int(self.name.removeprefix("table"))

    @property
    def headings(self) -> list[str]:
        return list(self.rows[0])

    @property
    def wide(self) -> bool:
        """Whether it has so many columns that their headings are turned."""
        return len(self.headings) > 12

"""What a table is between being built and being written."""

from dataclasses import dataclass

from danet.evaluation.averaged_classes import AveragedClasses
from danet.reporting.tables.cells import RowValues
from danet.reporting.tables.claims import ReadClaim
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
    remarks: tuple[str | None, ...] = ()
    """By row, in what the conditions of a cited number differ; empty where there are none."""
    margin: float | None = None
    """In mIoU, of the verdicts."""
    claims: tuple[ReadClaim, ...] = ()
    """What the paper claims by this table, as far as our runs can be asked."""

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

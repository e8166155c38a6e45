"""The numbers of the paper's tables, typed: what published.yaml holds."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from danet.settings import ExperimentName, ProtocolName, TableName


class PublishedRow(BaseModel):
    """One row of one of the paper's tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    """As printed, without backbone and citation."""
    citation: str | None = None
    """Work that the paper cites the row from; null: the paper's own."""
    key: str | None = None
    """Entry of that work in references.bib."""
    remark: str | None = None
    """In what the number's conditions differ from what the row or the table says, and who says so."""
    basenet: str | None = None
    """Backbone as the paper abbreviates it, where it names one."""
    marks: tuple[str, ...] = ()
    """Headings of the columns in which the row has a check mark."""
    miou: float | None = None
    """In per cent; null: a configuration of the user's that the paper does not have."""
    iou: tuple[float, ...] | None = None
    """Table 3: IoU in per cent by class, in the order of the Cityscapes label map."""
    classes: int | None = None
    """Classes that the number is a mean over, where a recipe of ours may have one less: background."""
    experiment: ExperimentName | None = None
    """Our counterpart: a key of ``experiments``."""
    protocol: ProtocolName | None = None
    """Protocol of our counterpart; null: every protocol of the table has a column of its own."""


@cache
def published_rows(table: TableName) -> tuple[PublishedRow, ...]:
    """Rows of one table in the paper's order."""
    content = yaml.safe_load(Path(__file__).with_name("published.yaml").read_text(encoding="utf-8"))
    return TypeAdapter(tuple[PublishedRow, ...]).validate_python(content[table])

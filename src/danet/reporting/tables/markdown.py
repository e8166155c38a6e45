"""A table as GitHub-flavoured Markdown."""

from collections.abc import Sequence

from danet.reporting.tables.cells import Alignment, Cell, alignments, cells
from danet.reporting.tables.claim_cells import CLAIM_HEADINGS, claim_cells
from danet.reporting.tables.paper_table import PaperTable

DASHES = {"left": ":---", "centre": ":---:", "right": "---:"}
SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\|*_<>`"})


def markdown_table(table: PaperTable) -> str:
    """Caption, table, the paper's claims and notes."""
    grid = _grid(table.headings, alignments(table.rows), cells(table.rows, table.decimals, table.breaks))
    caption = f"**Table {table.number}.** {table.caption.translate(SIGNS)}"
    paragraphs = [caption, grid]
    if table.claims:
        rows = claim_cells(table.claims, table.decimals)
        paragraphs.append(_grid(CLAIM_HEADINGS, ("left", "right", "right", "right", "left"), rows))
    notes = [note.replace("*", "\\*") for note in table.notes]
    return "\n\n".join([*paragraphs, *notes]) + "\n"


def _grid(headings: Sequence[str], alignments: Sequence[Alignment], rows: Sequence[Sequence[Cell]]) -> str:
    shown = [
        [heading.translate(SIGNS) for heading in headings],
        [DASHES[alignment] for alignment in alignments],
        *([_cell(cell) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in shown)


def _cell(cell: Cell) -> str:
    shown = cell.text.translate(SIGNS)
    return {"best": f"**{shown}**", "second": f"<u>{shown}</u>"}.get(cell.emphasis, shown)

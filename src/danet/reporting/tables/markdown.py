"""A table as GitHub-flavoured Markdown."""

from danet.reporting.tables.cells import Cell, alignments, cells
from danet.reporting.tables.paper_table import PaperTable

DASHES = {"left": ":---", "centre": ":---:", "right": "---:"}
SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\|*_<>`"})


def markdown_table(table: PaperTable) -> str:
    """Caption, table and notes."""
    rows = [
        [heading.translate(SIGNS) for heading in table.headings],
        [DASHES[alignment] for alignment in alignments(table.rows)],
        *([_cell(cell) for cell in row] for row in cells(table.rows, table.decimals)),
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    caption = f"**Table {table.number}.** {table.caption.translate(SIGNS)}"
    paragraphs = [caption, "\n".join(lines), *table.notes]
    return "\n\n".join(paragraphs) + "\n"


def _cell(cell: Cell) -> str:
    shown = cell.text.translate(SIGNS)
    return {"best": f"**{shown}**", "second": f"<u>{shown}</u>"}.get(cell.emphasis, shown)

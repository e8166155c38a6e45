"""The paper's numbers, read once more from the paper's text."""

from pathlib import Path

import pytest

from danet.labels import label_map
from danet.reporting.tables.published import published_rows
from danet.settings import TableName, load_plan

PROJECT = Path(__file__).parents[3]
PAPER = PROJECT / "../shared/paper/dual_attention_network.txt"
HEADINGS: dict[TableName, str] = {
    "table1": "Method\tBaseNet",
    "table2": "Method\tDA",
    "table3": "Methods\tMean IoU",
    "table4": "Method\tmIoU%",
    "table5": "Method\tmIoU%",
}


def printed_rows(table: TableName) -> list[list[str]]:
    """Cells of a table as the paper prints them, header first."""
    lines = PAPER.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(HEADINGS[table])]
    start = starts[1 if table == "table5" else 0]
    end = next(number for number in range(start, len(lines)) if not lines[number].strip())
    return [line.split("\t") for line in lines[start:end]]


@pytest.mark.skipif(not PAPER.exists(), reason="the paper's text is not found")
@pytest.mark.parametrize("table", HEADINGS)
def test_every_number_is_the_papers(table: TableName) -> None:
    (_, *headings), *printed = printed_rows(table)
    rows = published_rows(table)
    assert len(rows) == len(printed)
    for row, (method, *cells) in zip(rows, printed, strict=True):
        words = [row.method, *(f"({word})" for word in (row.basenet, row.citation) if word)]
        if table in ("table1", "table2"):
            assert method == row.method
            assert [heading for heading, cell in zip(headings, cells, strict=True) if cell == "✓"] == list(
                row.marks
            )
            assert float(cells[-1]) == row.miou
            assert row.basenet == (cells[0] if table == "table1" else None)
        else:
            assert method.replace(" ", "") == "".join(words).replace(" ", "")
            assert float(cells[0]) == row.miou
            assert [None if cell == "-" else float(cell) for cell in cells[1:]] == list(
                row.iou or [None] * len(cells[1:])
            )


@pytest.mark.skipif(not PAPER.exists(), reason="the paper's text is not found")
def test_classes_of_table_3_stand_in_the_order_of_the_label_map() -> None:
    (_, _, *classes), *_ = printed_rows("table3")
    assert tuple(classes) == label_map("cityscapes").names


def test_counterparts_are_the_evaluations_of_params_yaml() -> None:
    plan = load_plan(PROJECT / "params.yaml")
    ablations: tuple[TableName, ...] = ("table1", "table2")
    comparisons: tuple[TableName, ...] = ("table4", "table5")
    for table in ablations:
        counterparts = [(row.experiment, row.protocol) for row in published_rows(table)]
        assert counterparts == [(row.experiment, row.protocol) for row in plan.table(table).evaluations]
    for table in comparisons:
        counterparts = [row.experiment for row in published_rows(table) if row.experiment]
        assert counterparts == list(dict.fromkeys(row.experiment for row in plan.table(table).evaluations))

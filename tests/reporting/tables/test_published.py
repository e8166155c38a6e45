"""The paper's numbers, read once more from the paper's text."""

import re
from pathlib import Path

import pytest

from danet.labels import label_map
from danet.reporting.tables import published
from danet.reporting.tables.published import published_rows
from danet.settings import TableName, load_plan

PROJECT = Path(__file__).parents[3]
PAPER = PROJECT / "../shared/paper/dual_attention_network.txt"
REFERENCES = Path(published.__file__).with_name("references.bib")
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


REMARKS = {
    ("table3", "ResNet-38", 78.4): "single scale",
    ("table3", "PSANet", 80.1): "trained on train and val; on train alone its authors report 78.6",
    ("table5", "FCN-8s", 22.7): "FCN-16s",
    ("table5", "DeepLab-v2", 26.9): "VGG-16",
}


def test_numbers_of_other_conditions_are_marked_and_left_as_printed() -> None:
    remarked = {
        (table, row.method, row.miou): row.remark
        for table in HEADINGS
        for row in published_rows(table)
        if row.remark
    }
    assert remarked.keys() == REMARKS.keys()
    for row, words in REMARKS.items():
        assert words in remarked[row]


def test_every_citation_has_an_entry_of_its_year_and_first_author() -> None:
    entries = dict(re.findall(r"@\w+{(\w+),\n(.*?)\n}\n", REFERENCES.read_text(encoding="utf-8"), re.DOTALL))
    cited = {row.citation: row.key for table in HEADINGS for row in published_rows(table) if row.citation}
    assert len(set(cited.values())) == len(cited) == 15
    for citation, key in cited.items():
        entry = entries[key or ""]
        (year,) = re.findall(r"year = {(\d+)}", entry)
        (author,) = re.findall(r"author = {([^,]+),", entry)
        assert re.sub(r"[a-z]$", "", citation).endswith(year)
        assert citation.startswith(author)


@pytest.mark.skipif(not PAPER.exists(), reason="the paper's text is not found")
def test_titles_are_those_of_the_papers_references() -> None:
    printed = re.sub(r"\W", "", PAPER.read_text(encoding="utf-8")).lower()
    titles = re.findall(r"\btitle = {(.*)},", REFERENCES.read_text(encoding="utf-8"))
    assert len(titles) == 16
    for title in titles:
        assert re.sub(r"\W", "", title).lower() in printed

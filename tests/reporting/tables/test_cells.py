"""How values become text, and which of ours are best."""

import pytest

from danet.reporting.tables.cells import (
    Difference,
    Missing,
    Published,
    RowValues,
    Value,
    alignments,
    cells,
    reasons,
    text,
)
from danet.reporting.tables.scores import Score


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        ("DANet", 2, "DANet"),
        (True, 2, "✓"),
        (False, 2, ""),
        (Published(81.5), 2, "81.50"),
        (Published(70.0), 1, "70.0"),
        (Score(76.344, None), 2, "76.34"),
        (Score(76.344, 0.2149), 2, "76.34 ± 0.21"),
        (Difference(0.126), 2, "+0.13"),
        (Difference(-13.03), 2, "−13.03"),
        (Difference(-0.004), 2, "+0.00"),
        (Missing("never given"), 2, "–"),
    ],
)
def test_text_of_values(value: Value, decimals: int, expected: str) -> None:
    assert text(value, decimals) == expected


def emphases(*means: float) -> list[str]:
    rows: list[RowValues] = [{"Ours": Score(mean, None)} for mean in means]
    return [cell.emphasis for (cell,) in cells(rows, decimals=1)]


def test_best_is_bold_and_second_underlined() -> None:
    assert emphases(40.0, 70.0, 60.0) == ["", "best", "second"]


def test_only_rows_of_one_block_are_ranked_together() -> None:
    rows: list[RowValues] = [{"Ours": Score(mean, None)} for mean in (40.0, 50.0, 80.0, 90.0, 70.0, 30.0)]
    shown = [cell.emphasis for (cell,) in cells(rows, 1, breaks=(2, 5))]
    assert shown == ["second", "best", "second", "best", "", ""]


def test_values_printed_alike_rank_alike() -> None:
    assert emphases(70.01, 70.04, 60.0) == ["best", "best", "second"]


def test_a_single_value_is_not_ranked() -> None:
    assert emphases(70.0) == [""]


def test_only_our_scores_are_ranked() -> None:
    rows = [{"Paper": Published(1.0), "Ours": Score(3.0, None)}, {"Paper": Published(2.0), "Ours": True}]
    assert {cell.emphasis for row in cells(rows, 1) for cell in row} == {""}


def test_each_reason_is_noted_once_and_numbers_stand_right() -> None:
    rows = [
        {"Method": "a", "PAM": True, "Paper": Missing("no label"), "Ours": Missing("no label")},
        {"Method": "b", "PAM": False, "Paper": Published(1.0), "Ours": Missing("not run")},
    ]
    assert reasons(rows) == ["no label", "not run"]
    assert alignments(rows)[:3] == ["left", "centre", "right"]

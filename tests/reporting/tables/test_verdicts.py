"""Which cells get a verdict, which do not, and what is said beside them."""

import csv
from collections.abc import Callable

import pytest

from danet.evaluation.equivalence import Spread
from danet.reporting.tables.assembly import build_table
from danet.reporting.tables.csv_file import csv_table
from danet.reporting.tables.latex import latex_table
from danet.reporting.tables.markdown import markdown_table
from danet.reporting.tables.paper_table import PaperTable
from danet.reporting.tables.scores import Score, Scores
from danet.reporting.tables.verdicts import NoVerdict, Verdict, judge, verdict_notes
from danet.settings import ExperimentName, Plan, ProtocolName, Verdicts

LIMITS = Verdicts(margin=1.0, level=0.05)
SPREAD = Spread(0.4, 16)


def seeds(mean: float, deviation: float = 0.4) -> Score:
    return Score(mean, deviation, values=(mean - deviation, mean, mean + deviation))


def one_seed(mean: float) -> Score:
    return Score(mean, None, interval=(mean - 0.8, mean + 0.9), values=(mean,))


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (76.74, "equivalent / undecided"),
        (77.94, "above / undecided"),
        (74.0, "below / below"),
        (77.2, "undecided / undecided"),
    ],
)
def test_both_readings_are_said(mean: float, words: str) -> None:
    verdict = judge(seeds(mean), 76.34, SPREAD, LIMITS, comparable=True)
    assert isinstance(verdict, Verdict)
    assert verdict.words == words


def test_spread_takes_the_factor_of_the_score() -> None:
    score = seeds(60.0).with_background(60)
    verdict = judge(score, 59.0, SPREAD, LIMITS, comparable=True)
    plain = judge(seeds(60.0), 60.0, SPREAD, LIMITS, comparable=True)
    assert isinstance(verdict, Verdict)
    assert isinstance(plain, Verdict)
    assert verdict.fixed.high == pytest.approx(plain.fixed.high * 59 / 60)


def test_one_seed_has_the_interval_of_its_difference() -> None:
    verdict = judge(one_seed(75.0), 76.34, None, LIMITS, comparable=True)
    assert isinstance(verdict, NoVerdict)
    assert verdict.words == "one seed"
    assert verdict.interval == pytest.approx((-2.14, -0.44))


def test_stand_ins_get_no_verdict_however_many_seeds() -> None:
    assert judge(seeds(76.3), 76.34, SPREAD, LIMITS, comparable=False) == NoVerdict("not comparable")


def test_number_of_verdicts_is_said_with_what_stands_after_correction() -> None:
    scores = [(seeds(mean), 76.34) for mean in (76.34, 76.85, 90.0, 77.2)]
    judged = [(score, paper, judge(score, paper, SPREAD, LIMITS, comparable=True)) for score, paper in scores]
    *_, said = verdict_notes(judged, SPREAD, LIMITS, "")
    # 76.85 is equivalent at 0.05 (0.51 + 1.746 * 0.231 < 1), not at 0.05 / 4 (0.51 + 2.473 * 0.231 > 1).
    assert said == (
        "4 verdicts, each at that level by itself: of 3 decided ones (fixed), 2 stand at 0.05/4 (Bonferroni)."
    )


def table_of(plan: Plan, one: Callable[[float], Score]) -> PaperTable:
    """Table 1, whose networks miss the paper by 0, 0.25, 0.5 ..."""
    papers = (70.03, 75.74, 74.28, 76.34, 72.54, 77.03, 76.55, 77.57)
    rows = plan.table("table1").evaluations
    of = {
        (ExperimentName(row.experiment), ProtocolName("ss")): one(paper - 0.25 * number)
        for number, (row, paper) in enumerate(zip(rows, papers, strict=True))
    }
    return build_table(plan, "table1", Scores(of, {}))


def test_files_of_several_seeds(settings: Callable[..., Plan]) -> None:
    table = table_of(settings("paper", seeds=(1, 2, 3)), seeds)
    first, *_, last = csv.DictReader(csv_table(table).splitlines())
    assert (first["Verdict"], first["Verdict, paper as one run"], first["Margin"]) == (
        "equivalent",
        "equivalent",
        "1.0",
    )
    # 16 degrees of freedom: 1.7459 * 0.4 / sqrt(3)
    assert float(first["Difference, over seeds to"]) == pytest.approx(0.4032, abs=1e-3)
    assert last["Verdict"] == "below"
    assert r"$-$0.25\,=?" in latex_table(table)
    assert "| −0.25 | equivalent / undecided |" in markdown_table(table)
    notes = "".join(table.notes)
    assert "margin of 1 mIoU at 0.05" in notes
    assert "Standard deviation of a run: 0.40, pooled with 16 degrees of freedom" in notes


def test_files_of_one_seed(settings: Callable[..., Plan]) -> None:
    table = table_of(settings("paper", seeds=(1,)), one_seed)
    _, second, *_ = csv.DictReader(csv_table(table).splitlines())
    assert (second["Verdict"], second["Difference, 95 % over images from"]) == ("one seed", "-1.05")
    assert "Margin" not in second
    assert "| −0.25 | one seed [−1.05, +0.65] |" in markdown_table(table)
    assert "row by row: $-$0.80 to +0.90; $-$1.05 to +0.65; " in latex_table(table)
    assert "One seed: no verdict" in "".join(table.notes)


def test_files_of_stand_ins(settings: Callable[..., Plan]) -> None:
    table = table_of(settings("camvid", seeds=(1, 2, 3)), seeds)
    assert {row["Verdict"] for row in csv.DictReader(csv_table(table).splitlines())} == {"not comparable"}
    notes = "".join(table.notes)
    assert "No verdict where ours is not comparable: CamVid in place of Cityscapes." in notes
    assert "Bonferroni" not in notes

"""The five tables: their content, and their three files byte for byte.

After an intended change of wording, UPDATE_GOLDEN=1 pytest tests/reporting/tables rewrites
the files in golden/; look at the difference before committing it.
"""

import csv
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from danet.errors import BadDataError, MissingDataError, SettingsError
from danet.models.backbone import LAYOUTS
from danet.reporting.tables.assembly import build_table, read_table, write_table
from danet.reporting.tables.captions import BACKBONE_TITLES
from danet.reporting.tables.claims import ReadClaim, claims_of
from danet.reporting.tables.csv_file import csv_table
from danet.reporting.tables.latex import escape, latex_table
from danet.reporting.tables.markdown import markdown_table
from danet.reporting.tables.scores import Score, Scores, evaluation_of, read_scores
from danet.runs.evaluation_file import IntervalRecord, ProtocolRecord
from danet.settings import Evaluation, Experiment, ExperimentName, Plan, ProtocolName, TableName
from danet.settings.job_facts import evaluation_facts, report_facts, table_facts

GOLDEN = Path(__file__).parent / "golden"
TABLES: list[TableName] = ["table1", "table2", "table3", "table4", "table5"]
WRITERS = {"tex": latex_table, "md": markdown_table, "csv": csv_table}
CLASSES = (
    "road sidewalk building wall fence pole traffic_light traffic_sign vegetation terrain sky person rider"
    " car truck bus train motorcycle bicycle"
).replace("_", "-")
SERVER_IOU = {name.replace("-", " "): 60.0 + number for number, name in enumerate(CLASSES.split())}


@pytest.mark.parametrize(
    ("case", "profile", "recipe", "seeds"),
    [("demo", "demo", "paper_text", (1,)), ("three_seeds", "paper", "released_code", (1, 2, 3))],
)
@pytest.mark.parametrize("name", TABLES)
def test_files_equal_the_golden_ones(
    settings: Callable[..., Plan],
    made_up_scores: Callable[..., Scores],
    case: str,
    profile: str,
    recipe: str,
    seeds: tuple[int, ...],
    name: TableName,
) -> None:
    # Without what the profile tunes, so that tuning the demo leaves the golden files alone.
    plan = settings(profile, recipe, tuned=False, seeds=seeds)
    table = build_table(plan, name, made_up_scores(plan, name), made_up_claims(name))
    for suffix, write in WRITERS.items():
        golden = GOLDEN / case / f"{name}.{suffix}"
        if os.environ.get("UPDATE_GOLDEN"):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(write(table), encoding="utf-8")
        assert write(table) == golden.read_text(encoding="utf-8"), golden


def made_up_claims(name: TableName) -> list[ReadClaim]:
    """One of each outcome in turn."""
    intervals = [(0.2, 5.4), (-12.31, -0.21), (-0.52, 1.35), None]
    return [
        ReadClaim(claim.words, 1.26, 0.5 - number, intervals[number % 4])
        for number, claim in enumerate(claims_of(name))
    ]


def test_difference_is_ours_minus_the_papers(
    settings: Callable[..., Plan], made_up_scores: Callable[..., Scores]
) -> None:
    plan = settings("paper")
    table = build_table(plan, "table1", made_up_scores(plan, "table1"))
    rows = list(csv.DictReader(csv_table(table).splitlines()))
    assert [row["Ours"] for row in rows] == [f"{50.0 + number}" for number in range(8)]
    for row in rows:
        assert float(row["Difference"]) == pytest.approx(float(row["Ours"]) - float(row["Paper"]))
    assert [row["PAM"] for row in rows] == ["False", "True", "False", "True"] * 2


def test_seeds_give_mean_and_sample_deviation(
    settings: Callable[..., Plan], made_up_scores: Callable[..., Scores]
) -> None:
    plan = settings("paper", seeds=(3, 4, 8))
    table = build_table(plan, "table2", made_up_scores(plan, "table2"))
    first = next(csv.DictReader(csv_table(table).splitlines()))
    # The first row has 50, 51 and 52 per cent: mean 51, squares 1 + 0 + 1 over n - 1 = 2.
    assert (first["Ours"], first["Ours, standard deviation"]) == ("51.0", "1.0")
    assert "n = 3 seeds (3, 4, 8)" in "".join(table.notes)


def test_notes_name_what_makes_the_numbers_incomparable(
    settings: Callable[..., Plan], made_up_scores: Callable
) -> None:
    def below(profile: str) -> str:
        plan = settings(profile)
        table = build_table(plan, "table1", made_up_scores(plan, "table1"))
        assert ("not comparable" in table.caption) == (profile != "paper")
        return "".join(table.notes)

    assert "generated scenes in place of Cityscapes" in below("demo")
    assert "*: ours is ResNet-14 with 1/8 of the channels in place of ResNet-50" in below("demo")
    assert "CamVid in place of Cityscapes" in below("camvid")
    assert "not comparable" in below("demo")
    assert "not comparable" in below("camvid")
    assert "not comparable" not in below("paper")


def test_titles_of_backbones_are_true() -> None:
    for name, layout in LAYOUTS.items():
        share = "" if layout.width == 64 else f" with 1/{64 // layout.width} of the channels"
        stem = " with a deep stem" if layout.deep_stem else ""
        assert BACKBONE_TITLES[name] == f"ResNet-{2 + 3 * sum(layout.blocks)}{share}{stem}"


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (
            "paper_text",
            "Ours over all 60 classes; background is one of the classes; Difference:",
        ),
        (
            "released_code",
            "Ours over all 59 classes; background is ignored, and counts as a 60th class of IoU 0",
        ),
    ],
)
def test_a_note_names_the_convention_of_pascal_context(
    settings: Callable[..., Plan], made_up_scores: Callable[..., Scores], recipe: str, words: str
) -> None:
    plan = settings("paper", recipe)
    assert words in "".join(build_table(plan, "table4", made_up_scores(plan, "table4")).notes)


@pytest.mark.parametrize(("recipe", "factor"), [("paper_text", 1), ("released_code", 59 / 60)])
def test_differences_of_pascal_context_are_taken_over_60_classes(
    settings: Callable[..., Plan], made_up_scores: Callable[..., Scores], recipe: str, factor: float
) -> None:
    plan = settings("paper", recipe, seeds=(1, 2))
    scores = made_up_scores(plan, "table4")
    table = build_table(plan, "table4", scores)
    rows = [row for row in csv.DictReader(csv_table(table).splitlines()) if row["Ours ss"]]
    for row, experiment in zip(
        rows, ["context_fcn_r50", "context_danet_r50", "context_danet_r101"], strict=True
    ):
        score = scores.of[ExperimentName(experiment), ProtocolName("ss")]
        assert float(row["Ours ss"]) == pytest.approx(score.mean * factor, abs=1e-4)
        assert float(row["Ours ss, standard deviation"]) == pytest.approx(
            (score.deviation or 0) * factor, abs=1e-4
        )
        assert float(row["Difference ss"]) == pytest.approx(
            score.mean * factor - float(row["Paper"]), abs=1e-4
        )
        if factor < 1:
            assert float(row["Ours, factor for background"]) == pytest.approx(factor, abs=1e-4)
            # The other convention stands below the table.
            assert f"{score.mean:.1f} ± {score.deviation:.1f}" in "".join(table.notes)
    assert ("over our 59 classes" in "".join(table.notes)) == (factor < 1)


def with_table(plan: Plan, name: TableName, **changes: Any) -> Plan:
    table = plan.table(name).model_copy(update=changes)
    return replace(plan, all_tables=plan.all_tables | {name: table})


def with_evaluations(plan: Plan, name: TableName, *evaluations: tuple[str, str]) -> Plan:
    return with_table(plan, name, evaluations=tuple(evaluation(*row) for row in evaluations))


def evaluation(experiment: str, protocol: str) -> Evaluation:
    return Evaluation(experiment=ExperimentName(experiment), protocol=ProtocolName(protocol))


def test_row_without_an_evaluation_is_a_dash_with_its_reason(
    settings: Callable[..., Plan], made_up_scores: Callable
) -> None:
    plan = with_evaluations(settings("paper"), "table1", ("fcn_r50", "ss"))
    table = build_table(plan, "table1", made_up_scores(plan, "table1"))
    assert [row["Ours"] for row in csv.DictReader(csv_table(table).splitlines())] == ["50.0"] + [""] * 7
    assert table.notes[-1] == "–: not among the evaluations of params.yaml."


def test_evaluation_beyond_the_paper_gets_a_row_of_its_own(
    settings: Callable[..., Plan], made_up_scores: Callable
) -> None:
    plan = with_evaluations(settings("paper"), "table1", ("fcn_r50", "ss"), ("danet_r101_da", "ss"))
    *_, last = csv.DictReader(
        csv_table(build_table(plan, "table1", made_up_scores(plan, "table1"))).splitlines()
    )
    assert (last["Method"], last["BaseNet"], last["Paper"], last["Ours"]) == (
        "danet_r101_da",
        "Res101",
        "",
        "51.0",
    )


def server_table(plan: Plan, iou: dict[str, float] | None) -> list[dict[str, str]]:
    table = read_table(with_table(plan, "table3", server_iou=iou), "table3")
    return list(csv.DictReader(csv_table(table).splitlines()))


def test_cells_of_table_3_wait_for_the_server(settings: Callable[..., Plan]) -> None:
    *_, ours, difference = server_table(settings("paper"), None)
    assert set(list(ours.values())[3:-1]) == {"server"}
    assert set(list(difference.values())[3:-1]) == {""}


def test_scores_of_the_server_fill_table_3(settings: Callable[..., Plan]) -> None:
    *_, paper, ours, difference = server_table(settings("paper"), SERVER_IOU)
    assert ours["Mean IoU"] == "69.0"  # mean of 60, 61, ... 78
    assert (ours["bicycle"], paper["bicycle"], difference["bicycle"]) == ("78.0", "78.2", "-0.2")


def test_unknown_class_names_the_nearest(settings: Callable[..., Plan]) -> None:
    with pytest.raises(SettingsError, match='no class "trafic light"; did you mean "traffic light"'):
        server_table(settings("paper"), SERVER_IOU | {"trafic light": 1.0})


def test_missing_classes_are_listed(settings: Callable[..., Plan]) -> None:
    some = {name: value for name, value in SERVER_IOU.items() if name not in ("sky", "bus")}
    with pytest.raises(SettingsError, match="server_iou lacks sky, bus"):
        server_table(settings("paper"), some)


@pytest.fixture
def evaluated(
    settings: Callable[..., Plan],
    evaluation_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Plan:
    """The demo with the evaluations of Table 2 for two seeds, in the current folder."""
    monkeypatch.chdir(tmp_path)
    plan = settings("demo", seeds=(1, 2))
    for row in plan.table("table2").evaluations:
        for seed in plan.seeds:
            evaluation_file(plan, row, seed)
    return plan


def test_write_table_reads_all_seeds_and_commits(evaluated: Plan, run_file: Callable[..., Path]) -> None:
    run_file(evaluated, "danet_r101", 1, commit="abcdef0123", dirty=True)
    paths = write_table(evaluated, "table2")
    assert [path.name for path in paths] == ["table2.tex", "table2.csv", "table2.md"]
    text = paths[2].read_text(encoding="utf-8")
    # Seeds 1 and 2 have 41 and 42 per cent.
    assert text.count("41.50 ± 0.71") == 4
    assert "commit abcdef0+" in text


def test_a_note_says_where_a_split_is_not_the_whole_release(
    settings: Callable[..., Plan],
    evaluation_file: Callable[..., Path],
    run_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = settings("paper", seeds=(1, 2, 3))
    for row in plan.table("table2").evaluations:
        for seed, images in ((1, 500), (2, 499), (3, 500)):
            evaluation_file(plan, row, seed, images=images)
    for seed, images in ((1, 2975), (2, 2800), (3, 0)):  # 0: others trained it
        run_file(plan, "danet_r101", seed, images)
    text = write_table(plan, "table2")[2].read_text(encoding="utf-8")
    assert "trained on 2,800 images of Cityscapes, whose release has 2,975; evaluated on 499 images" in text
    assert "500 images" not in text
    assert "on 0 images" not in text


def test_missing_evaluation_names_file_and_command(evaluated: Plan) -> None:
    path = evaluated.paths.evaluation("danet_r101_da_mg", 2, "ms")
    path.unlink()
    with pytest.raises(MissingDataError) as error:
        write_table(evaluated, "table2")
    assert str(path) in str(error.value)
    assert "danet evaluate --experiment danet_r101_da_mg --seed 2 --protocol ms" in str(error.value)
    assert not evaluated.paths.table("table2", "tex").exists()


def test_evaluation_of_other_settings_is_refused(
    evaluated: Plan, evaluation_file: Callable[..., Path]
) -> None:
    stated = evaluated.experiment("danet_r101").protocol("ss").model_dump(mode="json")
    other = ProtocolRecord(name="ss", **stated | {"flip": False})
    path = evaluation_file(evaluated, evaluation("danet_r101", "ss"), 1, protocol=other)
    with pytest.raises(
        BadDataError, match=r"another protocol than params.yaml .*: flip: False -> True"
    ) as error:
        write_table(evaluated, "table2")
    assert str(path) in str(error.value)


# One split of two classes, of three that exist: one network predicts the third, the other does not.
GUESSES = {"predicts": [[8, 0, 2], [0, 10, 0], [0, 0, 0]], "does_not": [[8, 2, 0], [0, 10, 0], [0, 0, 0]]}


def two_networks(plan: Plan, evaluation_file: Callable[..., Path]) -> list[dict[str, str]]:
    """Rows of Table 2 for two networks on one split."""
    plan = with_evaluations(
        replace(plan, seeds=(1,)), "table2", ("danet_r101", "ss"), ("danet_r101_da", "ss")
    )
    for row, confusion in zip(plan.table("table2").evaluations, GUESSES.values(), strict=True):
        evaluation_file(plan, row, 1, confusion=confusion)
    return list(csv.DictReader(csv_table(read_table(plan, "table2")).splitlines()))


def with_absent_classes(plan: Plan, value: str, protocols: tuple[str, ...] = ("ss", "ms")) -> Plan:
    def changed(experiment: Experiment) -> Experiment:
        both = {
            name: protocol.model_copy(update={"absent_classes": value} if name in protocols else {})
            for name, protocol in experiment.protocols.items()
        }
        return experiment.model_copy(update={"protocols": both})

    return replace(plan, all_experiments={key: changed(of) for key, of in plan.all_experiments.items()})


def test_networks_of_a_table_are_averaged_over_the_same_classes(
    evaluated: Plan, evaluation_file: Callable[..., Path]
) -> None:
    first, second, *rest = two_networks(evaluated, evaluation_file)
    # 8/10 and 10/10; 8/10 and 10/12. The third class has 0/2 in the one and 0/0 in the other.
    assert (first["Ours"], second["Ours"]) == ("90.0", "81.6667")
    assert {(row["Ours, classes"], row["Ours, of classes"]) for row in (first, second)} == {("2", "3")}
    assert {row["Ours, classes"] for row in rest} == {""}


def test_absent_classes_count_as_zero_if_stated_and_nothing_is_evaluated_again(
    evaluated: Plan, evaluation_file: Callable[..., Path]
) -> None:
    zero = with_absent_classes(evaluated, "zero")
    assert evaluation_facts(zero, "danet_r101", "ms") == evaluation_facts(evaluated, "danet_r101", "ms")
    assert table_facts(zero, "table2") != table_facts(evaluated, "table2")
    assert report_facts(zero) != report_facts(evaluated)
    first, second, *_ = two_networks(zero, evaluation_file)
    assert (first["Ours"], second["Ours"]) == ("60.0", "54.4444")
    assert {(row["Ours, classes"], row["Ours, of classes"]) for row in (first, second)} == {("3", "3")}
    notes = "".join(read_table(zero, "table2").notes)
    assert "Ours over all 3 classes (1 absent from the ground truth, counted as 0);" in notes


def test_scores_over_different_classes_do_not_share_a_table(
    evaluated: Plan, evaluation_file: Callable[..., Path]
) -> None:
    path = evaluation_file(
        evaluated, evaluation("danet_r101_da", "ss"), 2, confusion=[[5, 0, 0], [0, 5, 0], [0, 0, 5]]
    )
    message = rf"{path} is averaged over all 3 classes, but other scores of the table over 2 of 3 classes"
    with pytest.raises(BadDataError, match=message):
        write_table(evaluated, "table2")


def test_protocols_of_a_table_share_one_convention(evaluated: Plan) -> None:
    with pytest.raises(
        BadDataError, match=r"ms.json is averaged over all 3 .* absent_classes in params.yaml"
    ):
        write_table(with_absent_classes(evaluated, "zero", protocols=("ms",)), "table2")


def test_evaluations_of_earlier_versions_are_averaged_as_all_others(
    evaluated: Plan, evaluation_file: Callable[..., Path]
) -> None:
    row = evaluation("danet_r101", "ss")
    stated = evaluated.experiment(row.experiment).protocol(row.protocol)
    earlier = ProtocolRecord(name="ss", **stated.facts())  # no absent_classes
    iou = {"road": 0.8, "sky": 1.0, "train": 0.0}  # a class that was only predicted counted as 0
    evaluation_file(evaluated, row, 1, protocol=earlier, iou=iou, miou=0.6, confusion=GUESSES["predicts"])
    read = evaluation_of(evaluated, row, 1)
    assert (read.miou, read.iou) == (0.9, {"road": 0.8, "sky": 1.0, "train": None})


@pytest.mark.parametrize("content", ["{", "[]", '{"protocol": {}}'])
def test_damaged_evaluation_is_refused(evaluated: Plan, content: str) -> None:
    path = evaluated.paths.evaluation("danet_r101", 1, "ss")
    path.write_text(content)
    with pytest.raises(BadDataError, match=re.escape(str(path))):
        write_table(evaluated, "table2")


def test_latex_escapes_everything_special() -> None:
    assert escape("50 % of a_b & {#}") == r"50 \% of a\_b \& \{\#\}"
    assert escape("–") == "--"
    assert escape("\\") == r"\textbackslash{}"


AROUND = IntervalRecord(low=0.38, high=0.45, level=0.95, resamples=2000, units=8)


def test_csv_has_the_interval_of_one_seed(
    settings: Callable[..., Plan],
    evaluation_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = settings("demo", seeds=(1,))
    rows = plan.table("table1").evaluations
    for row in rows:
        evaluation_file(plan, row, 1, miou_interval=AROUND)
    table = build_table(plan, "table1", read_scores(plan, rows))
    found = [row for row in csv.DictReader(csv_table(table).splitlines()) if row["Ours"]]
    assert {(row["Ours, 95 % from"], row["Ours, 95 % to"]) for row in found} == {("38.0", "45.0")}


def test_an_interval_of_another_mean_is_not_shown(
    settings: Callable[..., Plan],
    evaluation_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = settings("demo", seeds=(1,))
    row = plan.table("table1").evaluations[0]
    evaluation_file(plan, row, 1, miou=0.3, miou_interval=AROUND)
    assert read_scores(plan, [row]).of[row.experiment, row.protocol].interval is None


def test_background_as_a_class_moves_the_interval_too() -> None:
    score = Score(59.0, None, interval=(50.0, 60.0)).with_background(60)
    assert score.interval == pytest.approx((50.0 * 59 / 60, 59.0))
    assert score.without_background.interval == pytest.approx((50.0, 60.0))

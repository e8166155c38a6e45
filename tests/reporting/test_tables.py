"""The five tables: their content, and their three files byte for byte.

After an intended change of wording, UPDATE_GOLDEN=1 pytest tests/reporting/test_tables.py rewrites
the files in golden/; look at the difference before committing it.
"""

import csv
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from danet.errors import BadDataError, MissingDataError, SettingsError
from danet.files import write_json
from danet.models.backbone import LAYOUTS
from danet.reporting.captions import BACKBONE_TITLES
from danet.reporting.csv_table import csv_table
from danet.reporting.latex import escape, latex_table
from danet.reporting.markdown import markdown_table
from danet.reporting.tables import build_table, read_table, write_table
from danet.settings import Params, result_paths
from danet.settings.schema import Evaluation

GOLDEN = Path(__file__).parent / "golden"
TABLES = ["table1", "table2", "table3", "table4", "table5"]
WRITERS = {"tex": latex_table, "md": markdown_table, "csv": csv_table}
CLASSES = (
    "road sidewalk building wall fence pole traffic_light traffic_sign vegetation terrain sky person rider"
    " car truck bus train motorcycle bicycle"
).replace("_", "-")
SERVER_IOU = {name.replace("-", " "): 60.0 + number for number, name in enumerate(CLASSES.split())}


def with_the_papers_protocols(params: Params) -> Params:
    """Without what the profile changes, so that tuning the demo leaves the golden files alone."""
    plain = {name: profile.model_copy(update={"datasets": {}}) for name, profile in params.profiles.items()}
    return params.model_copy(update={"profiles": plain})


@pytest.mark.parametrize(
    ("case", "profile", "recipe", "seeds"),
    [("demo", "demo", "paper_text", (1,)), ("three_seeds", "paper", "released_code", (1, 2, 3))],
)
@pytest.mark.parametrize("name", TABLES)
def test_files_equal_the_golden_ones(
    settings: Callable,
    made_up_scores: Callable,
    case: str,
    profile: str,
    recipe: str,
    seeds: tuple,
    name: str,
) -> None:
    params = with_the_papers_protocols(settings(profile, recipe, seeds=seeds))
    table = build_table(params, name, made_up_scores(params, name))
    for suffix, write in WRITERS.items():
        golden = GOLDEN / case / f"{name}.{suffix}"
        if os.environ.get("UPDATE_GOLDEN"):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(write(table), encoding="utf-8")
        assert write(table) == golden.read_text(encoding="utf-8"), golden


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
@pytest.mark.parametrize("case", ["demo", "three_seeds"])
def test_all_tables_compile_without_running_over_the_margin(case: str, tmp_path: Path) -> None:
    tables = "".join(rf"\input{{{GOLDEN / case / name}.tex}}" for name in TABLES)
    packages = set(re.findall(r"Needs \\usepackage{([a-z,]+)}", (GOLDEN / case / "table1.tex").read_text()))
    (tmp_path / "all.tex").write_text(
        rf"\documentclass{{article}}\usepackage{{{packages.pop()}}}\begin{{document}}{tables}\end{{document}}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Missing character" not in (tmp_path / "all.log").read_text(errors="replace")


def test_difference_is_ours_minus_the_papers(settings: Callable, made_up_scores: Callable) -> None:
    params = settings("paper")
    table = build_table(params, "table1", made_up_scores(params, "table1"))
    rows = list(csv.DictReader(csv_table(table).splitlines()))
    assert [row["Ours"] for row in rows] == [f"{50.0 + number}" for number in range(8)]
    for row in rows:
        assert float(row["Difference"]) == pytest.approx(float(row["Ours"]) - float(row["Paper"]))
    assert [row["PAM"] for row in rows] == ["False", "True", "False", "True"] * 2


def test_seeds_give_mean_and_sample_deviation(settings: Callable, made_up_scores: Callable) -> None:
    params = settings("paper", seeds=(3, 4, 8))
    table = build_table(params, "table2", made_up_scores(params, "table2"))
    first = next(csv.DictReader(csv_table(table).splitlines()))
    # The first row has 50, 51 and 52 per cent: mean 51, squares 1 + 0 + 1 over n - 1 = 2.
    assert (first["Ours"], first["Ours, standard deviation"]) == ("51.0", "1.0")
    assert "n = 3 seeds (3, 4, 8)" in table.caption


def test_caption_names_what_makes_the_numbers_incomparable(
    settings: Callable, made_up_scores: Callable
) -> None:
    def caption(profile: str) -> str:
        params = settings(profile)
        return build_table(params, "table1", made_up_scores(params, "table1")).caption

    assert "generated scenes in place of Cityscapes" in caption("demo")
    assert "ResNet-14 with 1/8 of the channels in place of ResNet-50" in caption("demo")
    assert "CamVid in place of Cityscapes" in caption("camvid")
    assert "not comparable" in caption("demo")
    assert "not comparable" in caption("camvid")
    assert "not comparable" not in caption("paper")


def test_titles_of_backbones_are_true() -> None:
    for name, layout in LAYOUTS.items():
        share = "" if layout.width == 64 else f" with 1/{64 // layout.width} of the channels"
        assert BACKBONE_TITLES[name] == f"ResNet-{2 + 3 * sum(layout.blocks)}{share}"


@pytest.mark.parametrize(("recipe", "words"), [("paper_text", "60 classes"), ("released_code", "59 classes")])
def test_caption_names_the_convention_of_pascal_context(
    settings: Callable, made_up_scores: Callable, recipe: str, words: str
) -> None:
    params = settings("paper", recipe)
    assert words in build_table(params, "table4", made_up_scores(params, "table4")).caption


def with_evaluations(params: Params, name: str, *evaluations: tuple[str, str]) -> Params:
    rows = tuple(Evaluation(experiment=e, protocol=p) for e, p in evaluations)
    table = params.tables[name].model_copy(update={"evaluations": rows})
    return params.model_copy(update={"tables": params.tables | {name: table}})


def test_row_without_an_evaluation_is_a_dash_with_its_reason(
    settings: Callable, made_up_scores: Callable
) -> None:
    params = with_evaluations(settings("paper"), "table1", ("fcn_r50", "ss"))
    table = build_table(params, "table1", made_up_scores(params, "table1"))
    assert [row["Ours"] for row in csv.DictReader(csv_table(table).splitlines())] == ["50.0"] + [""] * 7
    assert table.notes == ("–: not among the evaluations of params.yaml.",)


def test_evaluation_beyond_the_paper_gets_a_row_of_its_own(
    settings: Callable, made_up_scores: Callable
) -> None:
    params = with_evaluations(settings("paper"), "table1", ("fcn_r50", "ss"), ("danet_r101_da", "ss"))
    *_, last = csv.DictReader(
        csv_table(build_table(params, "table1", made_up_scores(params, "table1"))).splitlines()
    )
    assert (last["Method"], last["BaseNet"], last["Paper"], last["Ours"]) == (
        "danet_r101_da",
        "Res101",
        "",
        "51.0",
    )


def server_table(params: Params, iou: dict[str, float] | None) -> list[dict[str, str]]:
    table = params.tables["table3"].model_copy(update={"server_iou": iou})
    params = params.model_copy(update={"tables": params.tables | {"table3": table}})
    return list(csv.DictReader(csv_table(read_table(params, "table3")).splitlines()))


def test_cells_of_table_3_wait_for_the_server(settings: Callable) -> None:
    *_, ours, difference = server_table(settings("paper"), None)
    assert set(list(ours.values())[2:]) == {"server"}
    assert set(list(difference.values())[2:]) == {""}


def test_scores_of_the_server_fill_table_3(settings: Callable) -> None:
    *_, paper, ours, difference = server_table(settings("paper"), SERVER_IOU)
    assert ours["Mean IoU"] == "69.0"  # mean of 60, 61, ... 78
    assert (ours["bicycle"], paper["bicycle"], difference["bicycle"]) == ("78.0", "78.2", "-0.2")


def test_unknown_class_names_the_nearest(settings: Callable) -> None:
    with pytest.raises(SettingsError, match='no class "trafic light"; did you mean "traffic light"'):
        server_table(settings("paper"), SERVER_IOU | {"trafic light": 1.0})


def test_missing_classes_are_listed(settings: Callable) -> None:
    some = {name: value for name, value in SERVER_IOU.items() if name not in ("sky", "bus")}
    with pytest.raises(SettingsError, match="server_iou lacks sky, bus"):
        server_table(settings("paper"), some)


@pytest.fixture
def evaluated(
    settings: Callable, evaluation_file: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Params:
    """The demo with the evaluations of Table 2 for two seeds, in the current folder."""
    monkeypatch.chdir(tmp_path)
    params = settings("demo", seeds=(1, 2))
    for row in params.tables["table2"].evaluations:
        for seed in params.seeds:
            evaluation_file(params, row.experiment, seed, row.protocol)
    return params


def test_write_table_reads_all_seeds_and_commits(evaluated: Params) -> None:
    runs = result_paths(evaluated)
    write_json(runs.run("danet_r101", 1).record, {"commit": "abcdef0123", "dirty": True})
    paths = write_table(evaluated, "table2")
    assert [path.name for path in paths] == ["table2.tex", "table2.csv", "table2.md"]
    text = paths[2].read_text(encoding="utf-8")
    # Seeds 1 and 2 have 41 and 42 per cent.
    assert text.count("41.50 ± 0.71") == 4
    assert "commit abcdef0+" in text


def test_caption_says_where_a_split_is_not_the_whole_release(
    settings: Callable, evaluation_file: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    params = settings("paper", seeds=(1, 2))
    for row in params.tables["table2"].evaluations:
        for seed, images in ((1, 500), (2, 499)):
            evaluation_file(params, row.experiment, seed, row.protocol, {"images": images})
    for seed, images in ((1, 2975), (2, 2800)):
        write_json(result_paths(params).run("danet_r101", seed).record, {"data": {"images": images}})
    text = write_table(params, "table2")[2].read_text(encoding="utf-8")
    assert "trained on 2,800 images of Cityscapes, whose release has 2,975; evaluated on 499 images" in text
    assert "500 images" not in text


def test_missing_evaluation_names_file_and_command(evaluated: Params) -> None:
    path = result_paths(evaluated).evaluation("danet_r101_da_mg", 2, "ms")
    path.unlink()
    with pytest.raises(MissingDataError) as error:
        write_table(evaluated, "table2")
    assert str(path) in str(error.value)
    assert "danet evaluate --experiment danet_r101_da_mg --seed 2 --protocol ms" in str(error.value)
    assert not result_paths(evaluated).table("table2", "tex").exists()


def test_evaluation_of_other_settings_is_refused(evaluated: Params, evaluation_file: Callable) -> None:
    other = {"protocol": {"scales": [1.0], "flip": False}}
    path = evaluation_file(evaluated, "danet_r101", 1, "ss", other)
    with pytest.raises(BadDataError, match=r"made with flip False; params.yaml now says True") as error:
        write_table(evaluated, "table2")
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"protocol": {}}'])
def test_damaged_evaluation_is_refused(evaluated: Params, content: str) -> None:
    path = result_paths(evaluated).evaluation("danet_r101", 1, "ss")
    path.write_text(content)
    with pytest.raises(BadDataError, match=re.escape(str(path))):
        write_table(evaluated, "table2")


def test_latex_escapes_everything_special() -> None:
    assert escape("50 % of a_b & {#}") == r"50 \% of a\_b \& \{\#\}"
    assert escape("–") == "--"
    assert escape("\\") == r"\textbackslash{}"

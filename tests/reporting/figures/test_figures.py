"""The six figures: their three files, what they choose to show, and that they show what was built."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.errors import CheckpointError, MissingDataError, SettingsError
from danet.jobs.code import FIGURES
from danet.reporting.figures import draw_figure
from danet.reporting.figures.attention_effect import ComparedImage, corrected_region, largest_gains
from danet.reporting.figures.attention_maps import attention_maps, choose_points
from danet.reporting.figures.evaluation_images import best_of_each_part, open_images, regions
from danet.reporting.figures.layer_shapes import built_danet
from danet.reporting.figures.sample_scenes import unequal_pair
from danet.reporting.figures.style import colourise
from danet.runs.network_file import load_network
from danet.settings import FigureName, Plan


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_written_as_vector_picture_and_data(project: Plan, name: FigureName) -> None:
    pdf, png, data = draw_figure(project, name)
    assert [path.name for path in (pdf, png, data)] == [f"{name}.pdf", f"{name}.png", f"{name}.json"]
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/CreationDate" not in content
    assert b"/Type3" not in content, "fonts are to be embedded as TrueType"
    with Image.open(png) as image:
        assert image.width == 1400
        assert len(np.unique(np.asarray(image.convert("L")))) > 10
    assert json.loads(data.read_text(encoding="utf-8"))["caption"].endswith(".")


@pytest.mark.parametrize("name", ["figure1", "figure3"])
def test_drawing_twice_gives_the_same_files(project: Plan, name: FigureName) -> None:
    first = [path.read_bytes() for path in draw_figure(project, name)]
    assert [path.read_bytes() for path in draw_figure(project, name)] == first


def test_missing_network_or_data_is_named(project: Plan) -> None:
    checkpoint = project.paths.run("danet_r50_pam", 1).final
    checkpoint.unlink()
    with pytest.raises(CheckpointError, match=re.escape(str(checkpoint))):
        draw_figure(project, "figure4")
    assert not project.paths.figure("figure4", "pdf").exists()
    prepared = project.dataset("cityscapes").paths.prepared("val")
    (prepared / "index.json").unlink()
    with pytest.raises(MissingDataError, match=re.escape(str(prepared))):
        draw_figure(project, "figure1")


def with_networks(plan: Plan, name: FigureName, *experiments: str) -> Plan:
    figure = plan.figure(name).model_copy(update={"experiments": experiments})
    return replace(plan, all_figures=plan.all_figures | {name: figure})


def test_networks_that_do_not_fit_the_figure_are_refused(project: Plan) -> None:
    with pytest.raises(SettingsError, match=r"figures.figure4.experiments names 1 networks"):
        draw_figure(with_networks(project, "figure4", "fcn_r50"), "figure4")
    with pytest.raises(SettingsError, match="no network with both attention modules"):
        draw_figure(with_networks(project, "figure6", "fcn_r50"), "figure6")


def test_figure_shows_the_data_set_of_its_own_experiments(project: Plan) -> None:
    plan = with_networks(project, "figure6", "cocostuff_danet_r50")
    assert open_images(plan, "figure6").split.dataset == "coco_stuff"
    facts = json.loads(draw_figure(plan, "figure6")[2].read_text(encoding="utf-8"))
    assert facts["data"] == "generated scenes in place of COCO Stuff"
    assert open_images(plan, "figure1").split.dataset == "cityscapes"


def test_colours_are_those_of_the_data_set(project: Plan) -> None:
    labels = open_images(project, "figure1").labels
    shown = colourise(np.array([[0, 13, 255]], np.uint8), labels)
    assert shown.tolist() == [[[128, 64, 128], [0, 0, 142], [0, 0, 0]]]  # road, car, ignored


def test_regions_are_connected_by_sides_and_leave_out_ignored_pixels() -> None:
    indices = np.array([[1, 1, 255, 1], [0, 0, 1, 1], [0, 0, 255, 255]], np.uint8)
    found = sorted((region.index, region.pixels, region.box) for region in regions(indices))
    assert found == [(0, 4, (1, 0, 3, 2)), (1, 2, (0, 0, 1, 2)), (1, 3, (0, 2, 2, 4))]
    assert [region.pixels for region in regions(indices, smallest=3)] == [4, 3]


def test_centre_lies_in_the_region_even_where_the_box_is_hollow() -> None:
    ring = np.ones((9, 9), np.uint8)
    ring[2:7, 2:7] = 0
    (outer,) = (region for region in regions(ring) if region.index == 1)
    assert ring[outer.centre()] == 1


def test_figure_1_marks_the_most_unequal_objects() -> None:
    truth = np.zeros((100, 100), np.uint8)
    truth[10:40, 10:40] = 1
    truth[60:65, 60:65] = 1  # 900 and 25 pixels
    truth[80:90, 0:10] = 2
    truth[80:90, 20:25] = 2  # 100 and 50 pixels
    pair = unequal_pair(truth, is_object=lambda index: index > 0) or ()
    assert [region.pixels for region in pair] == [25, 900]
    assert [region.pixels for region in unequal_pair(truth, lambda index: index == 2) or ()] == [50, 100]
    assert unequal_pair(truth, lambda index: index == 0) is None


def test_figure_4_marks_the_largest_region_that_the_module_corrects() -> None:
    truth = np.zeros((6, 8), np.uint8)
    without, with_module = truth.copy(), truth.copy()
    without[1:3, 1:4] = 1  # corrected
    without[5, 7] = 1  # corrected, but smaller
    without[4:, :3] = with_module[4:, :3] = 1  # wrong with and without
    row = ComparedImage(0, truth, without, with_module)
    assert corrected_region(row) == (1, 1, 3, 4)
    assert row.gain == pytest.approx(7 / 48)
    assert corrected_region(ComparedImage(0, truth, truth, truth)) is None
    assert ComparedImage(0, truth + 255, without, with_module).gain == 0


def test_rows_are_the_best_of_each_part_of_the_split() -> None:
    scores = {0: 5, 10: 9, 20: 9, 30: 1, 40: 2, 50: 3, 60: 8}
    assert best_of_each_part(scores, 1) == [10]
    assert best_of_each_part(scores, 2) == [10, 60]
    assert best_of_each_part(scores, 3) == [10, 20, 60]
    assert best_of_each_part({4: 1, 7: 0}, 3) == [4, 7]


def test_figure_4_shows_the_largest_gains() -> None:
    truth = np.zeros((2, 4), np.uint8)
    wrong = [truth.copy() for _ in range(4)]
    for position, pixels in enumerate((1, 3, 4, 2)):
        wrong[position].flat[:pixels] = 1
    rows = [ComparedImage(position, truth, without, truth) for position, without in enumerate(wrong)]
    assert [row.gain for row in largest_gains(rows, 2)] == [3 / 8, 4 / 8]


def test_figure_6_points_at_surroundings_and_objects_of_new_classes() -> None:
    truth = np.zeros((20, 30), np.uint8)
    truth[:8] = 1
    truth[10:15, 5:12] = 2
    truth[10:13, 20:22] = 3
    first, second = choose_points([truth, truth], is_object=lambda index: index > 1)
    assert [truth[point] for point in first] == [0, 2]
    assert [truth[point] for point in second] == [1, 3]


def test_figure_6_maps_are_the_modules_own(project: Plan) -> None:
    network, _ = load_network(project.paths.run("danet_r101", 1).final)
    image = open_images(project, "figure1").image(0)
    attention, channels = attention_maps(network, image, ((0, 0), (47, 95)), long_side=96)
    assert attention.shape == (2, 6, 12)
    assert attention.sum(axis=(1, 2)) == pytest.approx([1, 1], abs=1e-5)
    assert channels.shape == (2, 6, 12)


@pytest.mark.parametrize(
    ("recipe", "layers", "matrices"),
    [
        ("paper_text", "1×1 conv, BN, ReLU", [[9216, 512], [512, 9216], [512, 9216]]),
        ("released_code", "1×1 conv", [[9216, 64], [64, 9216], [512, 9216]]),
    ],
)
def test_figure_3_shows_layers_and_shapes_of_the_recipe(
    settings: Callable[..., Plan],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    recipe: str,
    layers: str,
    matrices: list[list[int]],
) -> None:
    monkeypatch.chdir(tmp_path)
    _, _, data = draw_figure(settings("paper", recipe), "figure3")
    paths = json.loads(data.read_text(encoding="utf-8"))["position"]
    assert {path["layers"] for path in paths} == {layers}
    # A crop of 768 pixels has 96 * 96 positions at an eighth of the resolution.
    assert [path["matrix"] for path in paths] == matrices


def test_figure_2_shows_the_shapes_of_the_papers_network(settings: Callable[..., Plan]) -> None:
    shapes = built_danet(settings("paper")).shapes
    assert shapes["image"] == (3, 768, 768)
    assert shapes["backbone"] == (2048, 96, 96)
    assert shapes["head.position"] == shapes["head.channel"] == (512, 96, 96)
    assert shapes["head.fused_classifier"] == (19, 96, 96)
    assert shapes[""] == (19, 768, 768)

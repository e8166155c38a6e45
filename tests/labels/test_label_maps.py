"""Label maps against the official lists of names and hand-picked facts."""

import colorsys
import csv
from pathlib import Path

import numpy as np
import pytest

from danet.errors import BadDataError
from danet.labels import RELEASES, check_names, label_map, raw_value, to_indices
from danet.labels.class_lists import LABELS_FOLDER

OFFICIAL_LISTS = Path(__file__).parents[3] / "shared/reference/labels"
COUNTS = {"cityscapes": 19, "pascal_context": 60, "coco_stuff": 171, "camvid": 11}


def official(name: str) -> dict[int, str]:
    path = OFFICIAL_LISTS / name
    if not path.exists():
        pytest.skip(f"{path} not found")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {int(line.split(":")[0]): line.split(":")[1].strip() for line in lines}


def test_every_release_has_a_label_map():
    assert set(RELEASES) == set(COUNTS) == {path.stem for path in LABELS_FOLDER.glob("*.csv")}


@pytest.mark.parametrize(("dataset", "count"), COUNTS.items())
def test_counts_and_shapes(dataset, count):
    classes = label_map(dataset)
    assert len(classes.names) == len(set(classes.names)) == count
    assert classes.dataset == dataset
    assert classes.colours.shape == (count, 3)
    assert classes.colours.dtype == np.uint8
    assert classes.lookup.tolist() == list(range(256))
    assert not classes.colours.flags.writeable
    assert not classes.lookup.flags.writeable


@pytest.mark.parametrize(
    ("dataset", "name", "index", "value", "colour"),
    [
        ("cityscapes", "road", 0, 7, (128, 64, 128)),
        ("cityscapes", "traffic light", 6, 19, (250, 170, 30)),
        ("cityscapes", "train", 16, 31, (0, 80, 100)),
        ("cityscapes", "bicycle", 18, 33, (119, 11, 32)),
        ("pascal_context", "aeroplane", 1, 2, (128, 0, 0)),
        ("pascal_context", "bag", 2, 9, (0, 128, 0)),
        ("pascal_context", "wood", 59, 458, (192, 192, 64)),
        ("coco_stuff", "person", 0, 1, None),
        ("coco_stuff", "stop sign", 11, 13, None),
        ("coco_stuff", "toothbrush", 79, 90, None),
        ("coco_stuff", "banner", 80, 92, None),
        ("coco_stuff", "wood", 170, 182, None),
        ("camvid", "sky", 0, 0, (128, 128, 128)),
        ("camvid", "bicyclist", 10, 10, (0, 128, 192)),
    ],
)
def test_class_by_name(dataset, name, index, value, colour):
    classes = label_map(dataset)
    assert classes.names[index] == name
    assert raw_value(dataset, name) == value
    assert to_indices(dataset, np.array([[value]]), "some.file") == index
    if colour is not None:
        assert tuple(classes.colours[index]) == colour


def test_context_names_are_the_official_ones_in_ascending_order_of_id():
    all_459 = official("pascal_context_459.txt")
    names = label_map("pascal_context").names[1:]
    values = [raw_value("pascal_context", name) for name in names]
    assert values == sorted(values)
    assert [all_459[value] for value in values] == list(names)


def test_context_classes_are_those_of_the_list_of_59_but_for_three_aliases():
    aliases = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
    of_list = {aliases.get(name, name) for name in official("pascal_context_59_fcn_order.txt").values()}
    assert of_list == set(label_map("pascal_context").names)


def test_coco_stuff_names_are_the_official_ones_without_the_eleven_never_annotated():
    every = official("cocostuff10k_labels.txt")
    never = {"street sign", "hat", "shoe", "eye glasses", "plate", "mirror"}
    never |= {"window", "desk", "door", "blender", "hair brush"}
    expected = [name for value, name in sorted(every.items()) if value and name not in never]
    assert list(label_map("coco_stuff").names) == expected
    assert [every[raw_value("coco_stuff", name)] for name in expected] == expected


def test_coco_stuff_colours_differ_and_things_are_lighter_than_stuff():
    colours = label_map("coco_stuff").colours
    assert len(np.unique(colours, axis=0)) == 171
    brightness = [colorsys.rgb_to_hsv(*(colour / 255.0))[2] for colour in colours]
    assert min(brightness[:80]) > max(brightness[80:])


def test_context_without_background_has_59_classes():
    with_it, without = label_map("pascal_context"), label_map("pascal_context", background=False)
    assert without.names == with_it.names[1:]
    assert np.array_equal(without.colours, with_it.colours[1:])
    assert without.lookup[0] == without.lookup[255] == 255
    assert without.lookup[1:60].tolist() == list(range(59))


@pytest.mark.parametrize("dataset", ["cityscapes", "coco_stuff", "camvid"])
def test_other_releases_have_one_convention(dataset):
    one, other = label_map(dataset), label_map(dataset, background=False)
    assert one.names == other.names
    assert np.array_equal(one.lookup, other.lookup)


def test_ignored_and_background_values():
    assert to_indices("cityscapes", np.array([[0, 6, 9, 29, 30]]), "a_labelIds.png").tolist() == [[255] * 5]
    assert to_indices("coco_stuff", np.array([[0]]), "a.mat") == 255
    assert to_indices("camvid", np.array([[11]]), "a.png") == 255
    assert to_indices("pascal_context", np.array([[0, 1, 459, 457]]), "a.mat").tolist() == [[0] * 4]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, ">u2", np.int8])
@pytest.mark.parametrize("dataset", COUNTS)
def test_indices_of_any_kind_of_integers_value_by_value(dataset, dtype):
    """Against the rows of the label file, for every value that it has and the type can hold."""
    with (LABELS_FOLDER / f"{dataset}.csv").open(encoding="utf-8", newline="") as stream:
        expected = {
            value: int(line["index"])
            for line in csv.DictReader(stream)
            for part in line["source"].split()
            for first, _, last in [part.partition("-")]
            for value in range(int(first), int(last or first) + 1)
            if value <= np.iinfo(dtype).max
        }
    raw = np.array([[*expected], [*expected]]).astype(dtype)
    for values in (raw, np.asfortranarray(raw), np.repeat(raw, 2, axis=1)[:, ::2]):
        indices = to_indices(dataset, values, "some.file")
        assert indices.dtype == np.uint8
        assert indices.tolist() == [list(expected.values())] * 2


def test_cityscapes_names_ids_and_colours_are_those_of_the_official_scripts():
    labels = pytest.importorskip("cityscapesscripts.helpers.labels").labels
    evaluated = sorted((label for label in labels if not label.ignoreInEval), key=lambda label: label.trainId)
    classes = label_map("cityscapes")
    assert list(classes.names) == [label.name for label in evaluated]
    assert [raw_value("cityscapes", name) for name in classes.names] == [label.id for label in evaluated]
    assert [tuple(colour) for colour in classes.colours.tolist()] == [label.color for label in evaluated]
    ignored = np.array([label.id for label in labels if label.ignoreInEval and label.id >= 0])
    assert (to_indices("cityscapes", ignored, "a_labelIds.png") == 255).all()


@pytest.mark.parametrize(
    ("dataset", "list_file"),
    [("pascal_context", "pascal_context_459.txt"), ("coco_stuff", "cocostuff10k_labels.txt")],
)
def test_official_lists_pass_the_check_of_names(dataset, list_file):
    names = official(list_file)
    check_names(dataset, names, list_file)
    value = raw_value(dataset, "door" if dataset == "pascal_context" else "person")
    with pytest.raises(
        BadDataError, match=rf"{list_file}: label value {value} should stand for .*'nonsense'"
    ):
        check_names(dataset, names | {value: "nonsense"}, list_file)
    del names[value]
    with pytest.raises(BadDataError, match=f"label value {value} should .* stands for nothing"):
        check_names(dataset, names, list_file)


def test_check_of_names_takes_aliases_of_its_own_data_set_only():
    names = {
        raw_value("pascal_context", name): name
        for name in label_map("pascal_context", background=False).names
    }
    check_names("pascal_context", names | {397: "diningtable", 19: "bedcloth", 80: "clothes"}, "some.json")
    with pytest.raises(BadDataError, match="should stand for 'table', but stands for 'clothes'"):
        check_names("pascal_context", names | {397: "clothes"}, "some.json")


@pytest.mark.parametrize("ending", ["_gtFine_labelTrainIds.png", "_gtFine_trainIds.png"])
def test_cityscapes_train_ids_are_recognised_by_the_file_name(ending):
    raw = np.array([[0, 7, 18, 255]], np.uint8)
    assert to_indices("cityscapes", raw, f"folder/aachen{ending}").tolist() == [[0, 7, 18, 255]]
    assert to_indices("cityscapes", raw[:, :2], "folder/aachen_gtFine_labelIds.png").tolist() == [[255, 0]]


@pytest.mark.parametrize(
    ("dataset", "value", "source"),
    [
        ("cityscapes", 34, "a_gtFine_labelIds.png"),
        ("cityscapes", 255, "a_gtFine_labelIds.png"),
        ("cityscapes", 19, "a_gtFine_trainIds.png"),
        ("cityscapes", -1, "a_gtFine_labelIds.png"),
        ("pascal_context", 460, "a.mat"),
        ("coco_stuff", 12, "a.mat"),
        ("coco_stuff", 183, "a.mat"),
        ("camvid", 12, "a.png"),
    ],
)
def test_value_outside_the_map_names_file_value_and_known_range(dataset, value, source):
    with pytest.raises(BadDataError, match=rf"(?s){source}.* 1 pixels.*: {value} \(known: 0 to \d+"):
        to_indices(dataset, np.array([[0, value]]), source)

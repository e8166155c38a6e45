"""The adapters on official trees, whole and damaged."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from danet.data.generated.scenes import draw_scene
from danet.data.label_maps import label_map, raw_value
from danet.data.layout import Fault, faults, find_root
from danet.data.samples import ADAPTERS, find_samples, list_samples, read_sample, unlisted
from danet.errors import BadDataError, MissingDataError

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")
CAMVID_COPY = Path(__file__).parents[3] / "shared/data/camvid"


@pytest.mark.parametrize("dataset", DATASETS)
def test_finds_all_samples_in_a_stable_order(dataset, unpacked):
    for split, count in (("train", 5), ("val", 4)):
        samples = find_samples(dataset, unpacked[dataset], split)
        assert len(samples) == len({sample.name for sample in samples}) == count
        assert samples == find_samples(dataset, unpacked[dataset], split)
        assert all(sample.image.is_file() and sample.label.is_file() for sample in samples)


@pytest.mark.parametrize("dataset", DATASETS)
def test_reads_the_pixels_that_were_drawn(dataset, unpacked):
    """Through official encodings and back: the label of the drawn scene, class name by class name."""
    names = np.array([*label_map(dataset).names, *["ignored"] * (256 - len(label_map(dataset).names))])
    unread = [draw_scene(dataset, "train", index, 48, 64) for index in range(5)]
    for sample in find_samples(dataset, unpacked[dataset], "train"):
        image, label = read_sample(dataset, sample)
        assert image.dtype == label.dtype == np.uint8
        drawn = np.array([np.array(scene.names)[scene.label] for scene in unread])
        (match,) = np.flatnonzero((drawn == names[label]).all(axis=(1, 2)))
        # JPEG changes pixels a little (two scenes differ by 50 and more), PNG not at all.
        difference = np.abs(image.astype(int) - unread[match].image)
        assert difference.mean() < (0.01 if sample.image.suffix == ".png" else 12)
        del unread[match]
    assert not unread


def test_cityscapes_takes_either_kind_of_train_ids(tree):
    root = tree("cityscapes")
    expected = [read_sample("cityscapes", sample)[1] for sample in find_samples("cityscapes", root, "val")]
    for sample, index in zip(find_samples("cityscapes", root, "val"), expected, strict=True):
        sample.label.unlink()
        ending = "_gtFine_trainIds.png" if "frankfurt" in sample.name else "_gtFine_labelTrainIds.png"
        Image.fromarray(index).save(sample.label.with_name(sample.name + ending))
    found = [read_sample("cityscapes", sample)[1] for sample in find_samples("cityscapes", root, "val")]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_camvid_reads_the_copy_with_relative_paths_and_jpeg_images():
    if not CAMVID_COPY.exists():
        pytest.skip(f"{CAMVID_COPY} is not here")
    counts = {split: len(find_samples("camvid", CAMVID_COPY, split)) for split in ("train", "val", "test")}
    assert counts == {"train": 367, "val": 101, "test": 233}
    image, label = read_sample("camvid", find_samples("camvid", CAMVID_COPY, "val")[0])
    assert image.shape == (360, 480, 3)
    # The bottom of a street scene is road.
    assert np.bincount(label[-40:].ravel(), minlength=256).argmax() == label_map("camvid").names.index("road")


def test_test_images_of_cityscapes_have_no_labels(tree):
    root = tree("cityscapes")
    (sample,) = find_samples("cityscapes", root, "test")
    assert sample.name == "berlin_000000_000019"
    assert sample.image.is_file()
    assert sample.label is None
    with pytest.raises(ValueError, match="not public"):
        read_sample("cityscapes", sample)


def test_test_images_of_camvid_have_labels(tree):
    root = tree("camvid")
    (sample,) = find_samples("camvid", root, "test")
    assert read_sample("camvid", sample)[1].shape == (48, 64)


@pytest.mark.parametrize("split", ["train", "val"])
def test_json_labels_are_those_of_the_matlab_files(split, unpacked, unpacked_detail):
    adapter = ADAPTERS["pascal_context"]
    assert adapter.variant(unpacked["pascal_context"]) == ""
    assert adapter.variant(unpacked_detail) == "detail"
    first = find_samples("pascal_context", unpacked["pascal_context"], split)
    second = find_samples("pascal_context", unpacked_detail, split)
    assert [sample.name for sample in first] == [sample.name for sample in second]
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(adapter.read_label(one), adapter.read_label(other))
        assert not one.regions
        assert all(
            np.array_equal(a, b)
            for a, b in zip(
                read_sample("pascal_context", one), read_sample("pascal_context", other), strict=True
            )
        )


# pycocotools 2.0.11 lacks an argument of NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_json_labels_as_the_detail_api_paints_them(unpacked_detail):
    masks = pytest.importorskip("pycocotools.mask")
    content = json.loads((unpacked_detail / "trainval_merged.json").read_text())
    for sample in find_samples("pascal_context", unpacked_detail, "val"):
        painted = np.zeros((48, 64), int)
        for region in content["annos_segmentation"]:
            if region["image_id"] == int(sample.name.replace("_", "")):
                painted[masks.decode(region["segmentation"]) != 0] = region["category_id"]
        assert np.array_equal(ADAPTERS["pascal_context"].read_label(sample), painted)


def test_json_file_may_lie_beside_the_images_and_gives_way_to_matlab_files(detail_tree, unpacked):
    expected = [sample.name for sample in find_samples("pascal_context", detail_tree, "val")]
    moved = Path(shutil.move(detail_tree / "trainval_merged.json", detail_tree / "VOCdevkit/VOC2010"))
    assert find_root(detail_tree.parent, ADAPTERS["pascal_context"].LANDMARKS) == detail_tree
    assert [sample.name for sample in find_samples("pascal_context", detail_tree, "val")] == expected
    shutil.copytree(unpacked["pascal_context"] / "trainval", detail_tree / "trainval")
    assert moved.is_file()
    assert ADAPTERS["pascal_context"].variant(detail_tree) == ""
    assert find_samples("pascal_context", detail_tree, "val")[0].label.suffix == ".mat"


def test_no_labels_of_either_form(detail_tree):
    (detail_tree / "trainval_merged.json").unlink()
    with pytest.raises(MissingDataError, match=r"has neither trainval/\*\.mat .* nor trainval_merged\.json"):
        find_samples("pascal_context", detail_tree, "train")


def change(key, place, name, value):
    """A change of one value in the JSON file: list, position in it, key."""

    def apply(content):
        content[key][place][name] = value

    return apply


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            change("categories", 1, "name", "bag"),
            "label value 2 should stand for 'aeroplane', here it is 'bag'",
        ),
        (
            lambda content: content["categories"].pop(8),
            "label value 9 should stand for 'bag', here it is nothing",
        ),
        (change("images", 0, "image_id", 7), r"image '2008_000000\.jpg' has id 7"),
        (change("images", 0, "file_name", "../2008_000000.jpg"), "has id 2008000000"),
        (change("images", 1, "file_name", "2008_000000.jpg"), "has id 2008000001"),
        (change("images", 0, "phase", "trial"), "has phase 'trial'"),
        (change("images", 0, "height", 47), "belongs to image 2008000000, which is missing or of another"),
        (change("images", 0, "height", "48"), "'height' is missing or of another type"),
        (change("annos_segmentation", 0, "image_id", 7), "belongs to image 7, which is missing"),
        (change("annos_segmentation", 0, "category_id", 460), "a region has category 460"),
        (change("annos_segmentation", 0, "segmentation", []), "'segmentation' is missing or of another type"),
        (change("annos_segmentation", 0, "segmentation", {"size": [48], "counts": ""}), r"has size \[48\]"),
        (lambda content: content["images"].append(content["images"][0]), "image 2008_000000 is there twice"),
        (lambda content: content.pop("images"), "'images' is missing"),
    ],
)
def test_json_file_with_other_content(spoil, reason, detail_tree):
    path = detail_tree / "trainval_merged.json"
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BadDataError, match=rf"trainval_merged\.json: .*{reason}"):
        find_samples("pascal_context", detail_tree, "train")


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\0"])
def test_json_file_that_is_none(text, detail_tree):
    (detail_tree / "trainval_merged.json").write_text(text)
    with pytest.raises(BadDataError, match=r"trainval_merged\.json: "):
        find_samples("pascal_context", detail_tree, "train")


def test_json_region_whose_area_differs(detail_tree):
    path = detail_tree / "trainval_merged.json"
    content = json.loads(path.read_text())
    content["annos_segmentation"][0]["area"] += 1
    path.write_text(json.dumps(content))
    sample = find_samples("pascal_context", detail_tree, "train")[0]
    with pytest.raises(
        BadDataError, match=rf"trainval_merged\.json, image {sample.name}: .* its area is 3073"
    ):
        read_sample("pascal_context", sample)


def test_context_names_file_is_compared_if_it_is_there(tree):
    root = tree("pascal_context")
    names = label_map("pascal_context", 59).names
    lines = {raw_value("pascal_context", name): name for name in names}
    (root / "labels.txt").write_text("".join(f"{value}: {name}\n" for value, name in lines.items()))
    assert len(find_samples("pascal_context", root, "train")) == 5
    (root / "labels.txt").write_text("".join(f"{place}: {name}\n" for place, name in enumerate(names)))
    with pytest.raises(BadDataError, match=r"labels\.txt: label value 2 .* 'aeroplane', here it is 'bed'"):
        find_samples("pascal_context", root, "train")
    (root / "labels.txt").write_text("aeroplane\n")
    with pytest.raises(BadDataError, match=r"labels\.txt: lines as '2: aeroplane' are expected"):
        find_samples("pascal_context", root, "train")


@pytest.mark.parametrize("unlabeled", [True, False])
def test_coco_stuff_of_another_version_is_told_by_its_names(unlabeled, tree):
    """Version 1.0 has things from index 2 on, and none of those that are never annotated."""
    sample = find_samples("coco_stuff", tree("coco_stuff"), "val")[0]
    names = np.array(["unlabeled", *label_map("coco_stuff").names][not unlabeled :], object)
    savemat(sample.label, {"S": np.ones((48, 64)), "names": names[:, None]}, do_compression=True)
    with pytest.raises(BadDataError, match=r"should stand for '.*', here it is .*\n.*cocostuff-10k-v1\.1"):
        read_sample("coco_stuff", sample)


def test_coco_stuff_names_may_leave_out_unlabeled(tree):
    sample = find_samples("coco_stuff", tree("coco_stuff"), "val")[0]
    names = np.full((182, 1), "never annotated", object)
    for name in label_map("coco_stuff").names:
        names[raw_value("coco_stuff", name) - 1] = name
    savemat(sample.label, {"S": np.full((48, 64), 182.0), "names": names}, do_compression=True)
    assert (read_sample("coco_stuff", sample)[1] == 170).all()


def test_matlab_file_without_compression(tree):
    sample = find_samples("pascal_context", tree("pascal_context"), "val")[0]
    savemat(sample.label, {"LabelMap": np.ones((48, 64))})
    with pytest.raises(BadDataError, match=r"\.mat: .*without compression.*\n.*do_compression=True"):
        read_sample("pascal_context", sample)


def test_camvid_list_may_be_one_long_line(tree):
    root = tree("camvid")
    expected = find_samples("camvid", root, "train")
    (root / "train.txt").write_text(" ".join((root / "train.txt").read_text().split()))
    assert find_samples("camvid", root, "train") == expected


def test_root_is_found_below_a_wrapping_folder(tree, tmp_path):
    root = tree("camvid")
    (tmp_path / "outer").mkdir()
    moved = Path(shutil.move(root, tmp_path / "outer" / "inner"))
    assert find_root(tmp_path / "outer", ADAPTERS["camvid"].LANDMARKS) == moved
    with pytest.raises(MissingDataError, match="does not hold leftImg8bit, gtFine, as"):
        find_root(moved, ADAPTERS["cityscapes"].LANDMARKS)
    with pytest.raises(MissingDataError, match="nowhere is not a folder"):
        find_root(tmp_path / "nowhere", ADAPTERS["camvid"].LANDMARKS)


@pytest.mark.parametrize("dataset", DATASETS)
def test_missing_label(dataset, tree):
    root = tree(dataset)
    samples = list_samples(dataset, root, "train")
    for victim in (samples[1], samples[3]):
        victim.label.unlink()
    assert list_samples(dataset, root, "train") == samples
    with pytest.raises(
        MissingDataError,
        match=rf"{samples[1].label.name}: this label of split train is missing \(and 1 more\)"
        rf"\n.*danet check --dataset {dataset}",
    ):
        find_samples(dataset, root, "train")


@pytest.mark.parametrize("dataset", DATASETS)
def test_all_faults_are_found(dataset, tree):
    root = tree(dataset)
    assert not list(faults(list_samples(dataset, root, "val"), root, "val"))
    first, second, third, fourth = list_samples(dataset, root, "val")
    first.label.unlink()
    second.label.write_bytes(b"")
    third.label.unlink()
    third.label.mkdir()
    found = list(faults([first, second, third, fourth, fourth], root, "val"))
    assert found == [
        Fault("missing", first.label, "this label of split val is missing"),
        Fault("wrong", second.label, "this label of split val is empty"),
        Fault("wrong", third.label, "this label of split val is not a file"),
        Fault("wrong", root, f"{fourth.name} is listed twice in split val"),
    ]
    assert str(found[0]) == f"{first.label}: this label of split val is missing"


@pytest.mark.parametrize(
    ("dataset", "image", "extra"),
    [
        (
            "cityscapes",
            "leftImg8bit/train",
            ["leftImg8bit/train/ulm/copy.png", "gtFine/train/ulm/ulm_000000_000019_gtFine_trainIds.png"],
        ),
        ("pascal_context", "VOCdevkit", ["trainval/2007_000032.mat"]),
        ("coco_stuff", "images", ["images/COCO_train2014_5.jpg", "annotations/COCO_train2014_5.mat"]),
        ("camvid", "train", ["train/0001TP_006690.png", "trainannot/0001TP_006690.png"]),
    ],
)
def test_surplus_files_are_told_once(dataset, image, extra, tree):
    root = tree(dataset)
    assert (root / image).is_dir()
    assert [unlisted(dataset, root, split) for split in ("train", "val")] == [[], []]
    for path in (*extra, f"{Path(extra[0]).parent}/.DS_Store"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).touch()
    assert unlisted(dataset, root, "train") == [root / path for path in extra]
    assert unlisted(dataset, root, "val") == []
    assert len(find_samples(dataset, root, "train")) == 5


def test_further_kinds_of_cityscapes_labels_and_test_labels_are_no_surplus(tree):
    root = tree("cityscapes")
    for sample in find_samples("cityscapes", root, "train"):
        shutil.copy(sample.label, sample.label.with_name(f"{sample.name}_gtFine_trainIds.png"))
    assert all(unlisted("cityscapes", root, split) == [] for split in ("train", "val", "test"))
    sample.image.unlink()
    names = [path.name.partition("_gtFine_")[0] for path in unlisted("cityscapes", root, "train")]
    assert names == [sample.name] * 2


def test_cityscapes_image_without_label_names_the_official_one(tree):
    root = tree("cityscapes")
    victim = find_samples("cityscapes", root, "train")[0].label
    victim.unlink()
    with pytest.raises(
        MissingDataError, match=r"_gtFine_labelIds\.png: this label of split train is missing"
    ):
        find_samples("cityscapes", root, "train")


@pytest.mark.parametrize("dataset", DATASETS)
def test_image_cut_in_half(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    sample.image.write_bytes(sample.image.read_bytes()[: sample.image.stat().st_size // 2])
    with pytest.raises(BadDataError, match=rf"{sample.image.name}: this image does not decode"):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", DATASETS)
def test_label_cut_short(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    sample.label.write_bytes(sample.label.read_bytes()[:150])
    with pytest.raises(BadDataError, match=sample.label.name):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", DATASETS)
def test_image_that_is_none(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    sample.image.write_text("not an image")
    with pytest.raises(BadDataError, match=rf"{sample.image.name}: .*not an image"):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", DATASETS)
def test_sizes_that_differ(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    with Image.open(sample.image) as image:
        image.crop((0, 0, 40, 48)).save(sample.image)
    with pytest.raises(BadDataError, match=rf"{sample.image.name} and .*differ in size: 40x48 and 64x48"):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", ["cityscapes", "camvid"])
def test_label_in_colours(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    with Image.open(sample.label) as label:
        label.convert("RGB").save(sample.label)
    with pytest.raises(BadDataError, match=rf"{sample.label.name}: .*this holds colours \(RGB\)"):
        read_sample(dataset, sample)


def test_palette_label_is_read_by_index(tree):
    sample = find_samples("camvid", tree("camvid"), "val")[0]
    expected = read_sample("camvid", sample)[1]
    with Image.open(sample.label) as label:
        indexed = label.copy()
    indexed.putpalette(label_map("camvid").colours.ravel().tolist())
    indexed.save(sample.label)
    assert np.array_equal(read_sample("camvid", sample)[1], expected)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"Labels": np.ones((48, 64), np.uint16)}, "has no field"),
        ({"LabelMap": np.full((48, 64), 1.5), "S": np.full((48, 64), 1.5)}, "not a matrix of whole numbers"),
        ({"LabelMap": np.full((48, 64), np.nan), "S": np.full((48, 64), np.nan)}, "not a matrix of whole"),
        ({"LabelMap": np.ones((48, 64, 3)), "S": np.ones((48, 64, 3))}, "not a matrix of whole numbers"),
    ],
)
@pytest.mark.parametrize("dataset", ["pascal_context", "coco_stuff"])
def test_matlab_file_with_other_content(dataset, content, reason, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    savemat(sample.label, content, do_compression=True)
    with pytest.raises(BadDataError, match=rf"{sample.label.name}: .*{reason}"):
        read_sample(dataset, sample)


@pytest.mark.parametrize(
    ("dataset", "list_file"),
    [
        ("pascal_context", "VOCdevkit/VOC2010/ImageSets/Main/val.txt"),
        ("coco_stuff", "imageLists/test.txt"),
        ("camvid", "val.txt"),
    ],
)
def test_list_that_is_missing_empty_or_has_a_name_twice(dataset, list_file, tree):
    path = tree(dataset) / list_file
    root, text = path.parents[len(Path(list_file).parts) - 1], path.read_text()
    path.write_text(text + text.splitlines()[0])
    with pytest.raises(BadDataError, match="is listed twice in split val"):
        find_samples(dataset, root, "val")
    path.write_text("\n")
    with pytest.raises(MissingDataError, match="holds no images of split val"):
        find_samples(dataset, root, "val")
    path.unlink()
    with pytest.raises(MissingDataError, match=rf"{path.name}: this list of images is missing"):
        find_samples(dataset, root, "val")


def test_cityscapes_without_images_of_a_split(tree):
    root = tree("cityscapes")
    shutil.rmtree(root / "leftImg8bit/val")
    with pytest.raises(MissingDataError, match="holds no images of split val"):
        find_samples("cityscapes", root, "val")


@pytest.mark.parametrize(
    ("dataset", "list_file"),
    [("pascal_context", "VOCdevkit/VOC2010/ImageSets/Main/val.txt"), ("coco_stuff", "imageLists/test.txt")],
)
@pytest.mark.parametrize("name", [b"../../a", b"/a", b"a/b", b"..", b"a\0", b"\xff"])
def test_list_that_leads_elsewhere(dataset, list_file, name, tree):
    root = tree(dataset)
    (root / list_file).write_bytes(name)
    with pytest.raises(BadDataError, match=r"\.txt: .*(is not the name of an image|is not plain text)"):
        find_samples(dataset, root, "val")


@pytest.mark.parametrize(
    "line",
    [
        "val/a.png",
        "/etc/passwd /etc/passwd",
        "../a.png ../b.png",
        "../a.png ../annot/a.png",
        "val/a.png valannot/b.png",
        "val/a.png trainannot/a.png",
        "val/../a.png val/..annot/a.png",
    ],
)
def test_camvid_list_that_leads_elsewhere(line, tree):
    root = tree("camvid")
    (root / "val.txt").write_text(line)
    with pytest.raises(BadDataError, match=r"val\.txt: pairs of image and label"):
        find_samples("camvid", root, "val")

"""Twenty images of the user's own in folders of any layout: listed, split, checked, prepared."""

import os

import numpy as np
import pytest
from PIL import Image

from danet.data.obtaining.download import download
from danet.data.prepared.preparing import prepare
from danet.data.prepared.split import PreparedSplit
from danet.data.releases.layout import find_root
from danet.data.releases.samples import (
    find_samples,
    is_release,
    landmarks,
    list_samples,
    read_sample,
    unlisted,
    variant,
)
from danet.data.split_check import check_tree
from danet.errors import BadDataError, MissingDataError

CLASSES = ["road", "sky", "tree"]
SUFFIXES = [".png", ".jpg", ".JPG", ".tif", ".bmp"]
NAMES = sorted(["a/b c.1/d", "ü", "z/7", *(f"walk/{number:02}" for number in range(17))])


@pytest.fixture
def arrays(tmp_path):
    """Image and label by name, as they were drawn; written to ``mine/images`` and ``mine/labels``."""
    random, drawn = np.random.default_rng(3), {}
    for number, name in enumerate(NAMES):
        height, width = 20 + number, 60 - number
        image = np.full((height, width, 3), 10 * number, np.uint8)  # one colour, which JPEG keeps
        label = random.choice([0, 1, 2, 255], (height, width)).astype(np.uint8)
        for kind, array, suffix in (
            ("images", image, SUFFIXES[number % len(SUFFIXES)]),
            ("labels", label, ".png"),
        ):
            path = tmp_path / "mine" / kind / f"{name}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
        drawn[name] = image, label
    (tmp_path / "mine/classes.txt").write_text("\n".join(CLASSES))
    return drawn


@pytest.fixture
def own(arrays, tmp_path, make_plan, own_folders):
    """Make the data set of these folders; arguments take the place of keys of ``folders``."""
    folder = tmp_path / "mine"

    def make(**changes):
        folders = {
            "images": folder / "images",
            "labels": folder / "labels",
            "classes": folder / "classes.txt",
        }
        folders = {key: str(path) for key, path in folders.items()} | changes
        return make_plan(datasets={"walks": own_folders | {"folders": folders}}).dataset("walks")

    return make


@pytest.fixture
def root(tmp_path):
    return tmp_path / "mine/images"


def names(dataset, root, split):
    return [sample.name for sample in find_samples(dataset, root, split)]


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)


def test_every_image_is_in_one_split(own, root):
    dataset = own()
    assert not is_release(dataset)
    assert dataset.labels.names == tuple(CLASSES)
    assert variant(dataset, root) == ""
    assert find_root(root, landmarks(dataset)) == root
    train, val = (names(dataset, root, split) for split in ("train", "val"))
    assert (len(train), len(val)) == (16, 4)
    assert sorted(train + val) == NAMES
    assert val == [NAMES[2], NAMES[7], NAMES[12], NAMES[17]]
    assert list_samples(dataset, root, "test") == []
    assert unlisted(dataset, root, "train") == []


@pytest.mark.parametrize(("share", "count"), [(0.01, 1), (0.25, 5), (0.5, 10), (0.99, 19)])
def test_share_of_images_to_evaluate_on(share, count, own, root):
    dataset = own(validation=share)
    val = names(dataset, root, "val")
    assert len(val) == len(set(val)) == count
    assert len(names(dataset, root, "train")) == 20 - count


def test_pixels_are_those_that_were_drawn(arrays, own, root):
    dataset = own()
    for sample in [*find_samples(dataset, root, "train"), *find_samples(dataset, root, "val")]:
        image, label = read_sample(dataset, sample)
        assert image.dtype == label.dtype == np.uint8
        assert np.array_equal(image, arrays[sample.name][0])
        assert np.array_equal(label, arrays[sample.name][1])


def test_prepared_form_equals_the_arrays(arrays, own):
    dataset = own()
    download(dataset)
    prepare(dataset, processes=1)
    read = {}
    for split, count in (("train", 16), ("val", 4)):
        prepared = PreparedSplit(dataset.paths.prepared(split))
        assert (prepared.dataset, prepared.split, len(prepared)) == ("walks", split, count)
        for position, entry in enumerate(prepared.entries):
            read[entry.name] = prepared.image(position), prepared.label(position)
    assert read.keys() == arrays.keys()
    assert all(np.array_equal(a, b) for name in NAMES for a, b in zip(read[name], arrays[name], strict=True))


def test_check_finds_no_fault(own, root):
    for processes in (None, 1):
        found = check_tree(own(), root, official=False, processes=processes)
        assert [(split.split, split.images, split.whole) for split in found] == [
            ("train", 16, True),
            ("val", 4, True),
        ]


def test_check_finds_every_fault(arrays, own, root):
    labels = root.parent / "labels"
    (labels / "walk/00.png").unlink()
    (labels / "walk/01.png").write_bytes(b"")
    save(labels / "walk/03.png", np.full(arrays["walk/03"][1].shape, 3, np.uint8))
    save(labels / "walk/99.png", arrays["walk/03"][1])
    save(labels / "walk/04.png", arrays["walk/04"][0])
    found = [fault for split in check_tree(own(), root, False, 1) for fault in split.faults]
    assert sorted((fault.path.name, fault.kind) for fault in found) == [
        ("00.png", "missing"),
        ("01.png", "wrong"),
        ("03.png", "wrong"),
        ("04.png", "wrong"),
        ("99.png", "extra"),
    ]


def test_missing_label_names_the_file(own, root):
    (root.parent / "labels/walk/04.png").unlink()
    with pytest.raises(
        MissingDataError,
        match=r"mine/labels/walk/04\.png: this label of split train is missing"
        r"\n  -> danet check --dataset walks --profile demo lists all faults; add what is missing",
    ):
        find_samples(own(), root, "train")


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (np.full((1, 1), 3, np.uint8), r"1 pixels hold label values .*: 3 \(known: 0 to 2, 255\)"),
        (np.full((1, 1), 254, np.uint8), r"1 pixels hold .*: 254 \(.*"),
        (np.full((1, 1), 256, np.uint16), r"1 pixels hold .*: 256 \(.*"),
        (np.zeros((1, 1, 3), np.uint8), r"this holds colours \(RGB\)"),
        (np.zeros((1, 1), bool), r"this holds fewer than 8 bits of grey"),
        (np.zeros((1, 2), np.uint8), r".*ü\.png differ in size: 1x1 and 2x1 pixels"),
    ],
)
def test_label_that_does_not_fit_names_file_and_value(label, reason, own, root):
    save(next(root.glob("ü.*")), np.zeros((1, 1, 3), np.uint8))
    save(root.parent / "labels/ü.png", label)
    dataset = own()
    samples = [sample for split in ("train", "val") for sample in find_samples(dataset, root, split)]
    with pytest.raises(BadDataError, match=rf"ü\.\w+.* .*{reason}\n  -> replace this file, or remove"):
        read_sample(dataset, next(sample for sample in samples if sample.name == "ü"))


def test_palette_labels_are_read_by_index(arrays, own, root):
    with Image.open(root.parent / "labels/z/7.png") as label:
        indexed = label.copy()
    indexed.putpalette([9] * 768)
    indexed.save(root.parent / "labels/z/7.png")
    dataset = own(validation=0.01)
    sample = next(sample for sample in list_samples(dataset, root, "train") if sample.name == "z/7")
    assert np.array_equal(read_sample(dataset, sample)[1], arrays["z/7"][1])


@pytest.fixture
def first(own, root):
    """The first sample, whose image is a PNG file, and its data set."""
    dataset = own()
    return dataset, list_samples(dataset, root, "train")[0]


def test_image_that_viewers_rotate_is_refused(first):
    dataset, sample = first
    exif = Image.Exif()
    for orientation in (0, 1, 6):
        exif[0x0112] = orientation
        with Image.open(sample.image) as image:
            image.copy().save(sample.image, exif=exif)
        if orientation < 2:
            read_sample(dataset, sample)
    with pytest.raises(BadDataError, match=r"d\.png: viewers rotate or mirror this image"):
        read_sample(dataset, sample)


def test_image_of_floats_is_refused_with_what_helps(first):
    dataset, sample = first
    Image.fromarray(np.full((9, 9), 0.5, np.float32)).save(sample.image, "TIFF")
    path = sample.image.rename(sample.image.with_suffix(".tif"))
    with pytest.raises(BadDataError, match=r"d\.tif: this image has 32 bits a pixel.*\n  -> convert it to 8"):
        read_sample(dataset, type(sample)(sample.name, path, sample.label))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_other_kinds_of_pixels_become_rgb(mode, first):
    dataset, sample = first
    path = sample.image.with_suffix(".tif" if mode == "CMYK" else ".png")
    with Image.open(sample.image) as image:
        image.convert(mode).save(path)
    read = read_sample(dataset, type(sample)(sample.name, path, sample.label))[0]
    assert np.array_equal(read, np.zeros_like(read))


def test_what_is_not_an_image_or_is_hidden_does_not_matter(own, root):
    (root / "notes.txt").write_text("")
    (root / ".thumbs").mkdir()
    save(root / ".thumbs/00.png", np.zeros((4, 4), np.uint8))
    save(root / ".DS_Store.png", np.zeros((4, 4), np.uint8))
    assert len(names(own(), root, "train")) == 16


def test_linked_folders_are_followed_and_circles_are_not(own, root, tmp_path):
    for kind in ("images", "labels"):
        (tmp_path / "mine" / kind / "walk").rename(tmp_path / kind)
        (tmp_path / "mine" / kind / "walk").symlink_to(tmp_path / kind)
    (root / "up").symlink_to(root)
    dataset = own()
    assert sorted(names(dataset, root, "train") + names(dataset, root, "val")) == NAMES


def test_labels_may_lie_below_the_images_and_the_other_way_round(own, root, tmp_path):
    (tmp_path / "mine/labels").rename(root / "labels")
    inside = own(labels=str(root / "labels"))
    assert len(names(inside, root, "train")) == 16
    assert unlisted(inside, root, "train") == []
    labels = (root / "labels").rename(tmp_path / "labels")
    images = root.rename(labels / "images")
    outside = own(labels=str(labels), images=str(images))
    assert len(names(outside, images, "train")) == 16
    assert unlisted(outside, images, "train") == []


def test_one_folder_for_both_is_refused(own, root):
    with pytest.raises(BadDataError, match="this is the folder of images and of labels"):
        list_samples(own(labels=str(root)), root, "train")


def test_two_images_of_one_name_are_refused(own, root):
    save(root / "walk/00.gif", np.zeros((4, 4), np.uint8))
    with pytest.raises(
        BadDataError, match=r"walk/00\.\w+: .*walk/00\.\w+ has the same name and so the same label"
    ):
        list_samples(own(), root, "train")


@pytest.mark.parametrize("name", [b"a\nb.png", b"\xff.png"])
def test_name_that_no_index_can_hold(name, own, root):
    (root.parent / os.fsdecode(b"images/" + name)).touch()
    with pytest.raises(BadDataError, match=r"a name with a control character or not in UTF-8"):
        list_samples(own(), root, "train")


@pytest.mark.parametrize("key", ["images", "labels"])
def test_folder_that_is_missing_names_the_key(key, own, root):
    with pytest.raises(
        MissingDataError, match=rf"nowhere: .*\n.*datasets\.walks\.folders\.{key} in params\.yaml"
    ):
        list_samples(own(**{key: "nowhere"}), root, "train")


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images(count, own, root, tmp_path):
    (tmp_path / "few").mkdir()
    for number in range(count):
        save(tmp_path / f"few/{number}.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(MissingDataError, match=f"few: {count} images found"):
        list_samples(own(images=str(tmp_path / "few")), root, "train")


@pytest.mark.parametrize("text", ["z/7\nwalk/03\n", "\ufeffwalk/03.bmp\r\n\r\nz/7.tif\r\nz/7"])
def test_images_to_evaluate_on_may_be_listed(text, own, root, tmp_path):
    (tmp_path / "val.txt").write_text(text, encoding="utf-8")
    dataset = own(validation=str(tmp_path / "val.txt"))
    assert names(dataset, root, "val") == ["walk/03", "z/7"]
    assert len(names(dataset, root, "train")) == 18


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("walk/03\nwalk/99\n", "there is no image 'walk/99' below"),
        ("../mine/images/walk/03\n", "there is no image"),
        ("\n", "this list names no image to evaluate on"),
        ("\n".join(NAMES), "this list names every image and leaves none to train on"),
    ],
)
def test_lists_that_are_refused(text, reason, own, root, tmp_path):
    (tmp_path / "val.txt").write_text(text)
    with pytest.raises(BadDataError, match=rf"val\.txt: {reason}.*\n.*datasets\.walks\.folders\.validation"):
        list_samples(own(validation=str(tmp_path / "val.txt")), root, "train")


def test_list_that_cannot_be_read(own, root, tmp_path):
    with pytest.raises(MissingDataError, match=r"none\.txt: this list of images is missing"):
        list_samples(own(validation=str(tmp_path / "none.txt")), root, "train")
    with pytest.raises(BadDataError, match=r"mine: this list of images is a folder"):
        list_samples(own(validation=str(tmp_path / "mine")), root, "train")
    (tmp_path / "val.txt").write_bytes(b"\xff")
    with pytest.raises(BadDataError, match=r"val\.txt: this list of images is not plain text"):
        list_samples(own(validation=str(tmp_path / "val.txt")), root, "train")

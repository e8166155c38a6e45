"""Damage to the prepared form is reported by name, and never read as a label."""

import json
import pickle
import shutil

import numpy as np
import pytest

from danet.data.prepared.split import PreparedSplit
from danet.errors import BadDataError, MissingDataError
from danet.machine import processes

REMEDY = "\n  -> danet prepare --dataset "
HEADER = 128  # bytes before the pixels in both files


@pytest.fixture
def split(made_split, tmp_path):
    """Forty prepared images of 20 x 30 pixels."""
    return made_split(images=40, height=20, width=30, folder=tmp_path / "cityscapes/prepared/train")


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_pixels_are_those_of_the_arrays(split):
    images, labels = (np.load(split.folder / f"{kind}.npy") for kind in ("images", "labels"))
    for position in (0, 7, 39):
        area = slice(position * 600, (position + 1) * 600)
        image, label = split.rows(position)
        assert (image.shape, label.shape) == ((20, 30, 3), (20, 30))
        assert np.array_equal(split.image(position), images[area].reshape(20, 30, 3))
        assert np.array_equal(split.label(position), labels[area].reshape(20, 30))
        assert np.array_equal(image[5:9], split.image(position)[5:9])
        assert np.array_equal(label[19:20], split.label(position)[19:])


def test_a_copy_for_another_process_reads_by_itself(split):
    content = pickle.dumps(split)
    assert len(content) < 1000
    copy = pickle.loads(content)
    assert copy.digest == split.digest
    assert np.array_equal(copy.image(3), split.image(3))


def test_every_changed_byte_of_a_label_is_noticed(split):
    random = np.random.default_rng(2)
    for byte in random.integers(0, 40 * 600, 100):
        flip(split.folder / "labels.npy", HEADER + byte)
        opened, position = PreparedSplit(split.folder), int(byte) // 600
        for read in (opened.label, opened.rows):
            with pytest.raises(BadDataError, match=rf"labels.npy: the label of image{position} is damaged"):
                read(position)
        opened.rows((position + 1) % 40)
        flip(split.folder / "labels.npy", HEADER + byte)
    assert PreparedSplit(split.folder).damaged(1) == []


def test_every_changed_byte_of_an_image_is_noticed_when_any_of_it_is_read(split):
    """Also where a crop shows other rows."""
    for byte in np.random.default_rng(3).integers(0, 40 * 1800, 100):
        flip(split.folder / "images.npy", HEADER + byte)
        opened, position = PreparedSplit(split.folder), int(byte) // 1800
        with pytest.raises(
            BadDataError, match=rf"images.npy: the image of image{position} is damaged{REMEDY}"
        ):
            opened.rows(position)
        opened.rows((position + 1) % 40)
        flip(split.folder / "images.npy", HEADER + byte)


def test_image_and_label_are_verified_once(split, monkeypatch):
    split.rows(5)
    flip(split.folder / "images.npy", HEADER + 3 * 600 * 5)
    split.rows(5)
    with pytest.raises(BadDataError, match="the image of image5 is damaged"):
        pickle.loads(pickle.dumps(split)).rows(5)


@pytest.mark.parametrize("piece", [1, 7, 599, 600, 601, 1 << 18])
def test_checksums_do_not_depend_on_the_pieces_in_which_they_are_taken(split, monkeypatch, piece):
    monkeypatch.setattr("danet.data.prepared.pixel_files.PIECE", piece)
    split.rows(39)


def test_remedies_name_the_command_that_the_user_gave(split, tmp_path):
    with pytest.raises(MissingDataError, match=r"-> danet prepare --dataset mine --profile my_own$"):
        PreparedSplit(tmp_path / "elsewhere", "--dataset mine --profile my_own")


def test_a_damaged_image_is_noticed_when_it_is_read_whole(split):
    flip(split.folder / "images.npy", HEADER + 3 * 600 * 5)
    with pytest.raises(BadDataError, match=rf"images.npy: the image of image5 is damaged{REMEDY}cityscapes"):
        PreparedSplit(split.folder).image(5)


@pytest.mark.parametrize("count", [1, 2])
def test_all_damage_is_found(split, count, monkeypatch, capsys):
    monkeypatch.setattr(processes, "SECONDS_TO_START", 0)
    flip(split.folder / "images.npy", HEADER + 3 * 600 * 5)
    flip(split.folder / "images.npy", HEADER + 3 * 600 * 39 + 8)
    flip(split.folder / "labels.npy", HEADER + 600 * 39 + 599)
    assert PreparedSplit(split.folder).damaged(count) == [
        "the image of image5 is damaged",
        "the image of image39 is damaged, the label of image39 is damaged",
    ]
    assert "verifying prepared cityscapes train: 40 of 40 images" in capsys.readouterr().err


def test_every_changed_byte_of_the_index_is_noticed(made_split):
    split = made_split(images=1)
    path = split.folder / "index.json"
    content = path.read_bytes()
    for position in range(len(content)):
        for mask in (0x01, 0xFF):
            path.write_bytes(content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :])
            try:
                changed = PreparedSplit(split.folder)
            except BadDataError:
                continue
            # Blanks between values may become other blanks.
            assert (changed.digest, changed.entries) == (split.digest, split.entries)


def shorten(path):
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"\0")


def empty(path):
    path.write_bytes(b"")


def save_floats(path):
    np.save(path, np.load(path).astype(np.float32))


def save_another_shape(path):
    np.save(path, np.load(path)[:-1])


def save_objects(path):
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)


def write_text(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\n")


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
@pytest.mark.parametrize(
    "damage", [shorten, lengthen, empty, save_floats, save_another_shape, save_objects, write_text]
)
def test_foreign_and_truncated_arrays(split, name, damage):
    damage(split.folder / name)
    with pytest.raises(BadDataError, match=rf"train/{name}: .*{REMEDY}cityscapes"):
        PreparedSplit(split.folder)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"dataset": "cityscapes", "split": "train", "digest": "0", "images": []}',
        '{"dataset": "cityscapes", "split": "train", "digest": "0", '
        '"images": [{"name": "a", "height": 20, "width": 30, "offset": 0}]}',
    ],
)
def test_damaged_and_old_indexes(split, content):
    (split.folder / "index.json").write_text(content)
    with pytest.raises(BadDataError, match=rf"train/index.json: damaged.*{REMEDY}cityscapes"):
        PreparedSplit(split.folder)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "index.json"])
def test_what_is_missing(split, name):
    (split.folder / name).unlink()
    with pytest.raises(
        MissingDataError, match=rf"train/{name}: this split is not prepared{REMEDY}cityscapes"
    ):
        PreparedSplit(split.folder)


def test_a_file_that_becomes_shorter_while_it_is_open(split):
    content = (split.folder / "labels.npy").read_bytes()
    with (split.folder / "labels.npy").open("r+b") as stream:
        stream.truncate(len(content) - 300)
    with pytest.raises(BadDataError, match=r"labels.npy: has become shorter"):
        split.label(39)


def test_equal_data_equal_digest(made_split, tmp_path):
    first = made_split(images=3, folder=tmp_path / "a/prepared/train")
    assert made_split(images=3, folder=tmp_path / "b/prepared/train").digest == first.digest
    assert made_split(images=4, folder=tmp_path / "c/prepared/train").digest != first.digest


def test_a_reader_outlives_the_folder(split):
    expected = split.label(3)
    shutil.rmtree(split.folder)
    assert np.array_equal(split.label(3), expected)


def test_index_is_plain_json(split):
    content = json.loads((split.folder / "index.json").read_text())
    assert sorted(content) == ["dataset", "digest", "images", "split"]
    assert content["images"][1]["offset"] == 600

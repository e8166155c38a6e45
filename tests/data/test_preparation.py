"""The preparation stage: the same pixels as the source, as a whole or not at all."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data import preparation, processes
from danet.data.download import download
from danet.data.preparation import prepare
from danet.data.prepared import PreparedSplit
from danet.data.receipt import read_receipt
from danet.data.samples import find_samples, read_sample
from danet.errors import BadDataError, MissingDataError, StorageError
from danet.settings import dataset_paths

PROJECT = Path(__file__).parents[2]
DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")


@pytest.fixture
def downloaded(params):
    """Settings, paths and root of a small generated data set."""

    def make(dataset):
        settings = params("demo", {dataset: (4, 2)})
        download(settings, dataset)
        paths = dataset_paths(settings, dataset)
        return settings, paths, Path(read_receipt(paths.receipt, dataset).root)

    return make


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("dataset", DATASETS)
def test_pixels_equal_the_source(dataset, downloaded):
    settings, paths, root = downloaded(dataset)
    prepare(settings, dataset)
    for split, count in (("train", 4), ("val", 2)):
        prepared = PreparedSplit(paths.prepared(split))
        samples = find_samples(dataset, root, split)
        assert (prepared.dataset, prepared.split, len(prepared)) == (dataset, split, count)
        for position, sample in enumerate(samples):
            image, label = read_sample(dataset, sample)
            assert prepared.entries[position].name == sample.name
            assert np.array_equal(prepared.image(position), image)
            assert np.array_equal(prepared.label(position), label)
        assert sorted(content(paths.prepared(split))) == ["images.npy", "index.json", "labels.npy"]


def test_images_of_different_sizes(downloaded):
    settings, paths, root = downloaded("camvid")
    second = find_samples("camvid", root, "train")[1]
    for path in (second.image, second.label):
        with Image.open(path) as picture:
            picture.crop((0, 0, 20, 48)).save(path)
    prepare(settings, "camvid")
    prepared = PreparedSplit(paths.prepared("train"))
    assert [prepared.image(position).shape[:2] for position in range(3)] == [(48, 64), (48, 20), (48, 64)]
    assert np.array_equal(
        prepared.label(2), read_sample("camvid", find_samples("camvid", root, "train")[2])[1]
    )


def test_rerun_gives_equal_bytes_and_a_changed_pixel_another_digest(downloaded):
    settings, paths, root = downloaded("camvid")
    prepare(settings, "camvid")
    first = content(paths.prepared("train"))
    prepare(settings, "camvid")
    assert content(paths.prepared("train")) == first
    label = find_samples("camvid", root, "train")[0].label
    digest = PreparedSplit(paths.prepared("train")).digest
    pixels = np.array(Image.open(label))
    pixels[0, 0] = (pixels[0, 0] + 1) % 11
    Image.fromarray(pixels).save(label)
    prepare(settings, "camvid")
    assert PreparedSplit(paths.prepared("train")).digest != digest


def test_several_processes_write_the_same(downloaded, monkeypatch):
    settings, paths, _ = downloaded("pascal_context")
    prepare(settings, "pascal_context", processes=1)
    alone = content(paths.prepared("train"))
    monkeypatch.setattr(processes, "SECONDS_TO_START", 0)
    prepare(settings, "pascal_context", processes=2)
    assert content(paths.prepared("train")) == alone


@pytest.mark.parametrize("count", [1, 2])
def test_a_fault_leaves_nothing_half_written(count, downloaded, monkeypatch):
    monkeypatch.setattr(processes, "SECONDS_TO_START", 0)
    settings, paths, root = downloaded("cityscapes")
    label = find_samples("cityscapes", root, "train")[2].label
    Image.fromarray(np.full((48, 64), 200, np.uint8)).save(label)
    with pytest.raises(BadDataError, match=rf"{label.name}: 3072 pixels hold label values .*: 200"):
        prepare(settings, "cityscapes", count)
    assert not list(paths.prepared("train").parent.iterdir())


def test_a_fault_leaves_what_was_there_before(downloaded):
    settings, paths, root = downloaded("cityscapes")
    prepare(settings, "cityscapes")
    before = content(paths.prepared("train"))
    label = find_samples("cityscapes", root, "train")[2].label
    label.write_bytes(label.read_bytes()[:100])
    with pytest.raises(BadDataError, match=label.name):
        prepare(settings, "cityscapes")
    assert content(paths.prepared("train")) == before
    assert sorted(path.name for path in paths.prepared("train").parent.iterdir()) == ["train", "val"]


# Prepares with two processes and says each image; waits before each write so that there is time to kill.
SLOW = """
import sys, time
from danet.data import preparation, processes
from danet.settings import load_params

def slowly(job):
    time.sleep(0.1)
    return fast(job)

fast = preparation.store
processes.SECONDS_TO_START = 0
preparation.store = slowly
if __name__ == "__main__":
    preparation.prepare(load_params(profile="demo"), "camvid", 2)
"""


@pytest.fixture
def killable(downloaded, tmp_path, project_params):
    """Settings and paths of a data set, its prepared bytes, and a command that prepares it slowly."""
    settings, paths, _ = downloaded("camvid")
    prepare(settings, "camvid")
    expected = {split: content(paths.prepared(split)) for split in ("train", "val")}
    shutil.rmtree(paths.prepared("train").parent)
    shutil.copy(PROJECT / "params.yaml", "params.yaml")
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    # Workers inherit the standard output, so it ends when the last of them has ended.
    command = partial(
        subprocess.Popen, [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return settings, paths, expected, command


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def half_written(paths, split):
    """Whether the first pixels of a split have been written, and the split is not whole."""
    found = list(paths.prepared(split).parent.glob(f".{split}-*/new/labels.npy"))
    return bool(found) and any(found[0].read_bytes()[128:])


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_killed_command_leaves_whole_splits_or_none(split, killable):
    settings, paths, expected, command = killable
    with command() as running:
        wait_for(lambda: half_written(paths, split))
        running.kill()
        # Raises TimeoutExpired if a worker lingers: its standard output is the parent's.
        running.communicate(timeout=20)
    assert not paths.prepared(split).exists()
    if split == "val":
        assert content(paths.prepared("train")) == expected["train"]
    leftovers = list(paths.prepared(split).parent.glob(".*"))
    assert len(leftovers) == 1
    prepare(settings, "camvid")
    assert {name: content(paths.prepared(name)) for name in expected} == expected
    assert sorted(path.name for path in paths.prepared(split).parent.iterdir()) == ["train", "val"]


def test_a_killed_command_keeps_what_was_there_before(killable):
    settings, paths, expected, command = killable
    prepare(settings, "camvid")
    with command() as running:
        wait_for(lambda: half_written(paths, "train"))
        running.kill()
        running.communicate(timeout=20)
    assert content(paths.prepared("train")) == expected["train"]


def test_a_killed_worker_is_told_and_leaves_nothing(killable):
    _, paths, _, command = killable
    with command() as running:
        wait_for(lambda: half_written(paths, "train"))
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
        os.kill(next(child for child, words in commands.items() if b"spawn_main" in words), signal.SIGKILL)
        _, errors = running.communicate(timeout=20)
    assert "one of 2 processes was killed" in errors
    assert not list(paths.prepared("train").parent.iterdir())


def test_a_full_disk_is_told_before_anything_is_decoded(downloaded, small_disk, monkeypatch):
    settings, paths, _ = downloaded("camvid")
    disk = small_disk(16384)
    paths.prepared("train").parent.symlink_to(disk)
    monkeypatch.setattr(preparation, "store", None)
    with pytest.raises(StorageError, match=r"images.npy: cannot be written .*No space left"):
        prepare(settings, "camvid")
    assert not list(disk.iterdir())


def test_a_read_only_target(downloaded, read_only_folder):
    settings, paths, _ = downloaded("camvid")
    paths.prepared("train").parent.symlink_to(read_only_folder)
    with pytest.raises(StorageError, match="Read-only file system"):
        prepare(settings, "camvid")


def test_data_set_that_was_not_downloaded(params):
    with pytest.raises(MissingDataError, match="danet download --dataset cityscapes"):
        prepare(params("demo"), "cityscapes")

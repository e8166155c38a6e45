"""The preparation stage: the same pixels as the source, as a whole or not at all."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data.obtaining import users_copy
from danet.data.obtaining.download import download
from danet.data.obtaining.receipt import read_receipt
from danet.data.obtaining.sources import Source
from danet.data.one_at_a_time import one_at_a_time
from danet.data.prepared import preparing
from danet.data.prepared.preparing import prepare
from danet.data.prepared.split import PreparedSplit
from danet.data.releases.matlab_files import holds_checksums
from danet.data.releases.samples import find_samples, read_sample
from danet.errors import BadDataError, MissingDataError, StorageError
from danet.labels import RELEASES
from danet.machine import processes

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def downloaded(make_plan):
    """A small generated data set, where its files lie, and the root of its tree."""

    def make(name):
        dataset = make_plan("demo", {name: (4, 2)}).dataset(name)
        download(dataset)
        return dataset, dataset.paths, Path(read_receipt(dataset).root)

    return make


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", RELEASES)
def test_pixels_equal_the_source(name, downloaded):
    dataset, paths, root = downloaded(name)
    prepare(dataset)
    for split, count in (("train", 4), ("val", 2)):
        prepared = PreparedSplit(paths.prepared(split))
        samples = find_samples(dataset, root, split)
        assert (prepared.dataset, prepared.split, len(prepared)) == (name, split, count)
        for position, sample in enumerate(samples):
            image, label = read_sample(dataset, sample)
            assert prepared.entries[position].name == sample.name
            assert np.array_equal(prepared.image(position), image)
            assert np.array_equal(prepared.label(position), label)
        assert sorted(content(paths.prepared(split))) == ["images.npy", "index.json", "labels.npy"]


def test_images_of_different_sizes(downloaded):
    dataset, paths, root = downloaded("camvid")
    second = find_samples(dataset, root, "train")[1]
    for path in (second.image, second.label):
        with Image.open(path) as picture:
            picture.crop((0, 0, 20, 48)).save(path)
    prepare(dataset)
    prepared = PreparedSplit(paths.prepared("train"))
    assert [prepared.image(position).shape[:2] for position in range(3)] == [(48, 64), (48, 20), (48, 64)]
    assert np.array_equal(prepared.label(2), read_sample(dataset, find_samples(dataset, root, "train")[2])[1])


def test_rerun_gives_equal_bytes_and_a_changed_pixel_another_digest(downloaded):
    dataset, paths, root = downloaded("camvid")
    prepare(dataset)
    first = content(paths.prepared("train"))
    prepare(dataset)
    assert content(paths.prepared("train")) == first
    label = find_samples(dataset, root, "train")[0].label
    digest = PreparedSplit(paths.prepared("train")).digest
    pixels = np.array(Image.open(label))
    pixels[0, 0] = (pixels[0, 0] + 1) % 11
    Image.fromarray(pixels).save(label)
    prepare(dataset)
    assert PreparedSplit(paths.prepared("train")).digest != digest


def test_several_processes_write_the_same(downloaded, monkeypatch):
    dataset, paths, _ = downloaded("pascal_context")
    prepare(dataset, processes=1)
    alone = content(paths.prepared("train"))
    monkeypatch.setattr(processes, "SECONDS_TO_START", 0)
    prepare(dataset, processes=2)
    assert content(paths.prepared("train")) == alone


@pytest.mark.parametrize("count", [1, 2])
def test_a_fault_leaves_nothing_half_written(count, downloaded, monkeypatch):
    monkeypatch.setattr(processes, "SECONDS_TO_START", 0)
    dataset, paths, root = downloaded("cityscapes")
    label = find_samples(dataset, root, "train")[2].label
    Image.fromarray(np.full((48, 64), 200, np.uint8)).save(label)
    with pytest.raises(BadDataError, match=rf"{label.name}: 3072 pixels hold label values .*: 200"):
        prepare(dataset, count)
    assert not list(paths.prepared("train").parent.iterdir())


def test_a_fault_leaves_what_was_there_before(downloaded):
    dataset, paths, root = downloaded("cityscapes")
    prepare(dataset)
    before = content(paths.prepared("train"))
    label = find_samples(dataset, root, "train")[2].label
    label.write_bytes(label.read_bytes()[:100])
    with pytest.raises(BadDataError, match=label.name):
        prepare(dataset)
    assert content(paths.prepared("train")) == before
    assert sorted(path.name for path in paths.prepared("train").parent.iterdir()) == ["train", "val"]


# Prepares with two processes; waits before each write so that there is time to kill.
SLOW = """
import sys, time
from danet.data.prepared import preparing
from danet.machine import processes
from danet.settings import load_plan

def slowly(job):
    time.sleep(0.1)
    return fast(job)

fast = preparing.store
processes.SECONDS_TO_START = 0
preparing.store = slowly
if __name__ == "__main__":
    preparing.prepare(load_plan(profile="demo").dataset("camvid"), 2)
"""


@pytest.fixture
def killable(downloaded, tmp_path):
    """A data set, where its files lie, its prepared bytes, and a command that prepares it slowly."""
    dataset, paths, _ = downloaded("camvid")
    prepare(dataset)
    expected = {split: content(paths.prepared(split)) for split in ("train", "val")}
    shutil.rmtree(paths.prepared("train").parent)
    shutil.copy(PROJECT / "params.yaml", "params.yaml")
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    # Workers inherit the standard output, so it ends when the last of them has ended.
    command = partial(
        subprocess.Popen, [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return dataset, paths, expected, command


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
    dataset, paths, expected, command = killable
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
    prepare(dataset)
    assert {name: content(paths.prepared(name)) for name in expected} == expected
    assert sorted(path.name for path in paths.prepared(split).parent.iterdir()) == ["train", "val"]


def test_a_killed_command_keeps_what_was_there_before(killable):
    dataset, paths, expected, command = killable
    prepare(dataset)
    with command() as running:
        wait_for(lambda: half_written(paths, "train"))
        running.kill()
        running.communicate(timeout=20)
    assert content(paths.prepared("train")) == expected["train"]


def test_a_killed_worker_is_reported_and_leaves_nothing(killable):
    _, paths, _, command = killable
    with command() as running:
        wait_for(lambda: half_written(paths, "train"))
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
        os.kill(next(child for child, words in commands.items() if b"spawn_main" in words), signal.SIGKILL)
        _, errors = running.communicate(timeout=20)
    assert "one of 2 processes was killed" in errors
    assert not list(paths.prepared("train").parent.iterdir())


def test_a_full_disk_is_reported_before_anything_is_decoded(downloaded, small_disk, monkeypatch):
    dataset, paths, _ = downloaded("camvid")
    disk = small_disk(16384)
    paths.prepared("train").parent.symlink_to(disk)
    monkeypatch.setattr(preparing, "store", None)
    with pytest.raises(StorageError, match=r"images.npy: cannot be written .*No space left"):
        prepare(dataset)
    assert not list(disk.iterdir())


def test_a_read_only_target(downloaded, read_only_folder):
    dataset, paths, _ = downloaded("camvid")
    paths.prepared("train").parent.symlink_to(read_only_folder)
    with pytest.raises(StorageError, match="Read-only file system"):
        prepare(dataset)


def test_data_set_that_was_not_downloaded(make_plan):
    with pytest.raises(MissingDataError, match="danet download --dataset cityscapes"):
        prepare(make_plan("demo").dataset("cityscapes"))


def adopted(make_plan, monkeypatch, root, name, accepts):
    dataset = make_plan("paper", accepts={name: accepts}).dataset(name)
    monkeypatch.setenv(dataset.folder_variable, str(root))
    download(dataset)
    return dataset


@pytest.mark.parametrize("name", RELEASES)
def test_images_of_another_size_than_the_releases_are_told_before_they_are_decoded(
    name, make_plan, monkeypatch, unpacked, caplog
):
    dataset = adopted(make_plan, monkeypatch, unpacked[name], name, [])
    size = {"cityscapes": "2048x1024", "camvid": "480x360", "pascal_context": "500", "coco_stuff": "640"}[
        name
    ]
    with monkeypatch.context() as undecoded:
        undecoded.setattr(preparing, "store", None)
        with pytest.raises(
            BadDataError, match=rf"{unpacked[name]}: \d of 9 images .*{size} .*64x48"
        ) as error:
            prepare(dataset)
    assert error.value.remedy.endswith(f"write accepts: [other_size] below datasets.{name} in params.yaml")
    assert not dataset.paths.prepared("train").exists()
    caplog.clear()
    prepare(adopted(make_plan, monkeypatch, unpacked[name], name, ["other_size"]), 1)
    assert f"note: {unpacked[name]}: " in caplog.text
    assert "; params.yaml accepts it" in caplog.text
    assert len(PreparedSplit(dataset.paths.prepared("train"))) == 5


@pytest.fixture
def fetched(make_plan, monkeypatch, archives):
    """A data set whose archives were unpacked here."""

    def make(name):
        archive = archives[name][0]
        monkeypatch.setattr(users_copy, "sources_of", lambda _: tuple(map(source_at, archives[name])))
        return adopted(make_plan, monkeypatch, archive.parent, name, ["subset", "other_size"])

    return make


def source_at(path):
    return Source(path.name, (), None, "", "", None, 1 << 30)


@pytest.mark.parametrize("name", ["pascal_context", "coco_stuff"])
@pytest.mark.parametrize("kind", ["image", "label"])
def test_a_byte_that_changed_after_unpacking_is_noticed(name, kind, fetched):
    """In JPEG images and in plain MATLAB files, which hold no checksum of their own."""
    dataset = fetched(name)
    root = Path(read_receipt(dataset).root)
    sample = find_samples(dataset, root, "train")[1]
    path = getattr(sample, kind)
    assert kind == "image" or not holds_checksums(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    unpack_again = f"danet download {dataset.command} unpacks the archives again"
    with pytest.raises(BadDataError, match=rf"{path.name}: this file has changed .*\n  -> {unpack_again}"):
        prepare(dataset, 1)


def test_labels_of_which_nobody_knows_whether_they_changed_are_counted(
    make_plan, monkeypatch, unpacked, fetched, caplog
):
    prepare(fetched("pascal_context"), 1)
    assert "hold no checksum" not in caplog.text
    prepare(adopted(make_plan, monkeypatch, unpacked["pascal_context"], "pascal_context", ["other_size"]), 1)
    for split in ("train", "val"):
        assert f"note: pascal_context {split}: 2 labels hold no checksum and no archive" in caplog.text
    caplog.clear()
    prepare(adopted(make_plan, monkeypatch, unpacked["camvid"], "camvid", ["other_size"]), 1)
    assert "hold no checksum" not in caplog.text


def test_the_second_of_two_waits_and_says_so(downloaded, caplog):
    dataset, paths, _ = downloaded("camvid")
    threads = []

    def busy():
        with one_at_a_time(paths.root):
            holds.set()
            assert told.wait(30)
            assert not paths.prepared("train").exists()

    holds, told = threading.Event(), threading.Event()
    for work in (busy, lambda: holds.wait(30) and prepare(dataset, 1)):
        threads.append(threading.Thread(target=work))
        threads[-1].start()
    wait_for(lambda: "waiting for" in caplog.text)
    assert f"data/demo/camvid: waiting for process {os.getpid()} on " in caplog.text
    told.set()
    for thread in threads:
        thread.join()
    assert len(PreparedSplit(paths.prepared("val"))) == 2
    assert not (paths.root / ".lock").exists()


def test_two_processes_at_once_leave_what_one_would(killable):
    _, paths, expected, command = killable
    with command() as first, command() as second:
        for running in (first, second):
            _, errors = running.communicate(timeout=60)
            assert running.returncode == 0, errors
    assert {split: content(paths.prepared(split)) for split in expected} == expected


def test_full_disk_is_told_with_the_folder_that_the_user_knows(downloaded, small_disk):
    dataset, paths, _ = downloaded("camvid")
    paths.prepared("train").parent.symlink_to(small_disk(16384))
    with pytest.raises(StorageError) as error:
        prepare(dataset)
    assert error.value.problem.startswith(f"{paths.prepared('train')}/images.npy: ")

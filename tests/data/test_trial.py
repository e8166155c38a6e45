"""Generated data of a size that the user names: where real data would be, and never taken for it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from danet.data.availability import check_availability, require_obtainable
from danet.data.download import download
from danet.data.preparation import prepare
from danet.data.prepared import PreparedSplit
from danet.data.receipt import read_receipt
from danet.data.trial import trial_size
from danet.errors import BadDataError, MissingDataError, SettingsError
from danet.settings import dataset_paths
from danet.settings.schema import GeneratedData

PROJECT = Path(__file__).parents[2]
SMALL = GeneratedData(train=3, val=1, width=64, height=48)


@pytest.mark.parametrize(
    ("dataset", "profile", "images", "size", "expected"),
    [
        ("cityscapes", "paper", 1000, None, (1000, 166, 2048, 1024)),
        ("cityscapes", "paper", 5, "512x256", (5, 1, 512, 256)),
        ("cityscapes", "demo", 12, None, (12, 2, 256, 128)),
        ("camvid", "camvid", 6, None, (6, 1, 480, 360)),
        ("pascal_context", "paper", 1, None, (1, 1, 500, 375)),
        ("coco_stuff", "paper", 1, "16x8192", (1, 1, 16, 8192)),
    ],
)
def test_number_and_size(dataset, profile, images, size, expected, params):
    made = trial_size(params(profile), dataset, images, size)
    assert (made.train, made.val, made.width, made.height) == expected


def test_nothing_is_generated_unless_asked_for(params):
    assert trial_size(params("paper"), "cityscapes", None, None) is None
    with pytest.raises(SettingsError, match=r"--size 64x64 without --generate"):
        trial_size(params("paper"), "cityscapes", None, "64x64")


@pytest.mark.parametrize(
    "size", ["2048", "2048*1024", "2048x", "x", "-1x5", "64x64x3", "2048x1024 ", "", "١x٢"]
)
def test_size_that_is_none(size, params):
    with pytest.raises(SettingsError, match=r"--size .*: width and height in pixels are expected"):
        trial_size(params("paper"), "cityscapes", 1, size)


@pytest.mark.parametrize("size", ["15x100", "100x8193", "0x0"])
def test_size_that_cannot_be_drawn(size, params):
    with pytest.raises(SettingsError, match=rf"--size {size}: each side has to be from 16 to 8192 pixels"):
        trial_size(params("paper"), "cityscapes", 1, size)


def test_single_commands_take_it_and_the_workflow_does_not(params, caplog):
    settings = params("paper")
    download(settings, "cityscapes", SMALL)
    paths = dataset_paths(settings, "cityscapes")
    assert f"warning: {paths.root}: these are generated scenes" in caplog.text
    assert "official release" not in caplog.text
    assert read_receipt(paths.receipt, "cityscapes").how == "generated"
    prepare(settings, "cityscapes", 1)
    assert PreparedSplit(paths.prepared("train")).image(0).shape == (48, 64, 3)
    assert check_availability(settings)[0].state == "trial"
    with pytest.raises(MissingDataError, match=rf"rm -r {paths.root}"):
        require_obtainable(settings, ["cityscapes"])


def test_another_size_takes_its_place(params):
    settings = params("paper")
    download(settings, "camvid", SMALL)
    download(settings, "camvid", SMALL.model_copy(update={"train": 2}))
    receipt = read_receipt(dataset_paths(settings, "camvid").receipt, "camvid")
    assert receipt.images == {"train": 2, "val": 1}


def test_real_data_is_not_replaced(params, monkeypatch, unpacked):
    settings = params("paper")
    monkeypatch.setenv("CAMVID_DATASET", str(unpacked["camvid"]))
    download(settings, "camvid")
    root = dataset_paths(settings, "camvid").root
    before = (root / "receipt.json").read_bytes()
    with pytest.raises(BadDataError, match=rf"{root}: .* real data \(adopted\)\n  -> rm -r {root}"):
        download(settings, "camvid", SMALL)
    assert (root / "receipt.json").read_bytes() == before


def test_archives_without_a_receipt_are_not_replaced(params):
    settings = params("paper")
    archive = dataset_paths(settings, "cityscapes").archives / "leftImg8bit_trainvaltest.zip.part"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"ten gigabytes")
    with pytest.raises(BadDataError, match=rf"{archive}: this may be a real archive"):
        download(settings, "cityscapes", SMALL)
    assert archive.read_bytes() == b"ten gigabytes"


def test_generated_archives_are_not_taken_for_real_ones(params):
    settings = params("paper")
    download(settings, "coco_stuff", SMALL)
    with pytest.raises(BadDataError, match="this folder holds generated scenes"):
        download(settings, "coco_stuff")


def test_without_its_receipt_nothing_of_a_trial_passes_for_an_archive(params):
    settings = params("paper")
    download(settings, "coco_stuff", SMALL)
    dataset_paths(settings, "coco_stuff").receipt.unlink()
    assert check_availability(settings, ["coco_stuff"])[0].state == "download"


def test_profile_that_generates_the_data_set_takes_any_size(params):
    settings = params("demo", {"cityscapes": (2, 1), "pascal_context": (2, 1), "coco_stuff": (2, 1)})
    download(settings, "cityscapes", SMALL)
    require_obtainable(settings)
    download(settings, "cityscapes")
    assert read_receipt(dataset_paths(settings, "cityscapes").receipt, "cityscapes").images["train"] == 2


def danet(*arguments, cwd):
    command = [sys.executable, "-m", "danet", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_command(tmp_path):
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    made = danet("download", "--dataset", "camvid", "--generate", "2", "--size", "64x48", cwd=tmp_path)
    assert made.returncode == 0
    assert made.stderr.splitlines()[-1].startswith("warning: data/paper/camvid: these are generated scenes")
    assert (tmp_path / "data/paper/camvid/receipt.json").exists()
    refused = danet("download", "--dataset", "camvid", cwd=tmp_path)
    assert refused.returncode == 1
    assert "rm -r data/paper/camvid" in refused.stderr
    mistyped = danet("download", "--dataset", "camvid", "--size", "64x48", cwd=tmp_path)
    assert mistyped.stderr == (
        "error: --size 64x48 without --generate\n  -> --generate 100 --size 64x48, for example\n"
    )


def test_command_where_nothing_can_be_written(tmp_path, read_only_folder):
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    (tmp_path / "data").symlink_to(read_only_folder)
    result = danet("download", "--dataset", "camvid", "--generate", "2", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == (
        "error: data/paper: cannot be written or read (Read-only file system)\n"
        "  -> mount it writable, or keep the folder elsewhere\n"
    )

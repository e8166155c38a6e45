"""Generated data of a size that the user names: where real data would be, and never mistaken for it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from danet.data.obtaining.download import download
from danet.data.obtaining.obtainable import availability, require_obtainable
from danet.data.obtaining.receipt import read_receipt
from danet.data.obtaining.trial import trial_size
from danet.data.prepared.preparing import prepare
from danet.data.prepared.split import PreparedSplit
from danet.errors import BadDataError, MissingDataError, SettingsError
from danet.settings import GeneratedData

PROJECT = Path(__file__).parents[3]
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
def test_number_and_size(dataset, profile, images, size, expected, make_plan):
    made = trial_size(make_plan(profile).dataset(dataset), images, size)
    assert (made.train, made.val, made.width, made.height) == expected


def test_nothing_is_generated_unless_asked_for(make_plan):
    assert trial_size(make_plan("paper").dataset("cityscapes"), None, None) is None
    with pytest.raises(SettingsError, match=r"--size 64x64 without --generate"):
        trial_size(make_plan("paper").dataset("cityscapes"), None, "64x64")


@pytest.mark.parametrize(
    "size", ["2048", "2048*1024", "2048x", "x", "-1x5", "64x64x3", "2048x1024 ", "", "١x٢"]
)
def test_text_that_is_no_size(size, make_plan):
    with pytest.raises(SettingsError, match=r"--size .*: width and height in pixels are expected"):
        trial_size(make_plan("paper").dataset("cityscapes"), 1, size)


@pytest.mark.parametrize("size", ["15x100", "100x8193", "0x0"])
def test_size_that_cannot_be_drawn(size, make_plan):
    with pytest.raises(SettingsError, match=rf"--size {size}: each side must be 16 to 8192 pixels long"):
        trial_size(make_plan("paper").dataset("cityscapes"), 1, size)


def test_single_commands_take_it_and_the_workflow_does_not(make_plan, caplog):
    plan = make_plan("paper")
    dataset = plan.dataset("cityscapes")
    paths = dataset.paths
    download(dataset, SMALL)
    assert f"warning: {paths.root}: these are generated scenes" in caplog.text
    assert "official release" not in caplog.text
    assert read_receipt(dataset).how == "generated"
    prepare(dataset, 1)
    assert PreparedSplit(paths.prepared("train")).image(0).shape == (48, 64, 3)
    assert availability(plan)[0].state == "trial"
    with pytest.raises(MissingDataError, match=rf"rm -r {paths.root}"):
        require_obtainable(plan, ["cityscapes"])


def test_another_size_takes_its_place(make_plan):
    dataset = make_plan("paper").dataset("camvid")
    download(dataset, SMALL)
    download(dataset, SMALL.model_copy(update={"train": 2}))
    assert read_receipt(dataset).images == {"train": 2, "val": 1}


def test_real_data_is_not_replaced(make_plan, monkeypatch, unpacked):
    dataset = make_plan("paper").dataset("camvid")
    monkeypatch.setenv("CAMVID_DATASET", str(unpacked["camvid"]))
    download(dataset)
    root = dataset.paths.root
    before = (root / "receipt.json").read_bytes()
    with pytest.raises(BadDataError, match=rf"{root}: .* real data \(adopted\)\n  -> rm -r {root}"):
        download(dataset, SMALL)
    assert (root / "receipt.json").read_bytes() == before


def test_archives_without_a_receipt_are_not_replaced(make_plan):
    dataset = make_plan("paper").dataset("cityscapes")
    archive = dataset.paths.archives / "leftImg8bit_trainvaltest.zip.part"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"ten gigabytes")
    with pytest.raises(BadDataError, match=rf"{archive}: this may be a real archive"):
        download(dataset, SMALL)
    assert archive.read_bytes() == b"ten gigabytes"


def test_generated_archives_are_not_mistaken_for_real_ones(make_plan):
    dataset = make_plan("paper").dataset("coco_stuff")
    download(dataset, SMALL)
    with pytest.raises(BadDataError, match="this folder holds generated scenes"):
        download(dataset)


def test_without_its_receipt_nothing_of_a_trial_passes_for_an_archive(make_plan):
    plan = make_plan("paper")
    dataset = plan.dataset("coco_stuff")
    download(dataset, SMALL)
    dataset.paths.receipt.unlink()
    assert availability(plan, ["coco_stuff"])[0].state == "download"


def test_profile_that_generates_the_data_set_takes_any_size(make_plan):
    plan = make_plan("demo", {"cityscapes": (2, 1), "pascal_context": (2, 1), "coco_stuff": (2, 1)})
    dataset = plan.dataset("cityscapes")
    download(dataset, SMALL)
    require_obtainable(plan)
    download(dataset)
    assert read_receipt(dataset).images["train"] == 2


def test_own_folders_have_no_stand_in(make_plan, own_folders):
    dataset = make_plan("demo", datasets={"walks": own_folders}).dataset("walks")
    with pytest.raises(SettingsError, match=r"--generate: walks is a data set of your own"):
        trial_size(dataset, 10, None)


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

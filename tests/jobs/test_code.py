"""Which edit of this project makes which results stale."""

from dataclasses import replace

import pytest

from danet.data.releases.samples import ADAPTERS
from danet.heads import HEADS
from danet.jobs import code
from danet.settings import OwnFolders, load_plan

PLAN = load_plan()


def trained_with(experiment: str) -> set[str]:
    return set(code.of_training(PLAN.experiment(experiment).model, PLAN.dataset_of(experiment)))


@pytest.mark.parametrize(
    ("module", "experiments"),
    [
        ("danet.models.attention.position", {"danet_r50_pam", "danet_r50"}),
        ("danet.models.attention.blockwise", {"danet_r50_pam", "danet_r50"}),
        ("danet.models.attention.channel", {"danet_r50_cam", "danet_r50"}),
        ("danet.models.heads.danet", {"danet_r50_pam", "danet_r50_cam", "danet_r50"}),
        ("danet.models.heads.fcn", {"fcn_r50"}),
        ("danet.training.loss", {"fcn_r50", "danet_r50_pam", "danet_r50_cam", "danet_r50"}),
        ("danet.data.augmentation", {"fcn_r50", "danet_r50_pam", "danet_r50_cam", "danet_r50"}),
        ("labels/cityscapes.csv", {"fcn_r50", "danet_r50_pam", "danet_r50_cam", "danet_r50"}),
        ("labels/coco_stuff.csv", set()),
        ("danet.data.prepared.preparing", set()),
        ("danet.inference.scoring", set()),
        ("danet.progress", set()),
        ("danet.tracking.tracker", set()),
        ("danet.cli", set()),
        ("danet.training.telemetry", set()),
    ],
)
def test_trainings_that_an_edit_concerns(module, experiments):
    names = ("fcn_r50", "danet_r50_pam", "danet_r50_cam", "danet_r50")
    assert {name for name in names if module in trained_with(name)} == experiments


def trained_with_head(head: str) -> set[str]:
    model = PLAN.experiment("fcn_r50").model.model_copy(update={"head": head})
    return set(code.of_training(model, PLAN.dataset_of("fcn_r50")))


def test_an_edit_of_a_head_concerns_the_networks_that_have_it():
    names = [head for head in HEADS if head != "danet"]
    files = {head: {name for name in trained_with_head(head) if "heads." in name} for head in names}
    shared = {"danet.models.heads.head"}
    assert files["fcn"] == shared | {"danet.models.heads.fcn"}
    assert files["psanet"] == shared | {"danet.models.heads.psanet", "danet.models.heads.auxiliary"}
    for head, modules in files.items():
        others = {HEADS[other].rpartition(".")[0] for other in HEADS if other != head}
        assert not modules & others


def test_attention_kernels_count_for_every_head_that_uses_them():
    names = [head for head in HEADS if head != "danet"]
    kernels = "danet.models.attention.blockwise"
    assert {head for head in names if kernels in trained_with_head(head)} == {"nonlocal", "dnl"}


def test_a_figure_is_concerned_by_the_heads_that_it_shows():
    shown = set(code.of_figure("figure4", [PLAN.experiment("fcn_r50").model]))
    assert "danet.models.heads.fcn" in shown
    assert "danet.models.heads.pspnet" not in shown


def test_an_edit_in_scoring_evaluates_again():
    digests = code.of_evaluation(PLAN.experiment("fcn_r50").model, PLAN.dataset_of("fcn_r50"))
    assert {"danet.inference.scoring", "danet.evaluation.confusion", "danet.models.heads.fcn"} <= set(digests)
    assert not any(module.startswith("danet.training") for module in digests)


@pytest.mark.parametrize(
    ("part", "datasets"),
    [
        ("danet.data.releases.cityscapes", {"cityscapes"}),
        ("danet.data.releases.camvid", {"camvid"}),
        ("danet.data.releases.matlab_files", {"pascal_context", "coco_stuff"}),
        ("danet.data.releases.detail_labels", {"pascal_context"}),
        ("labels/coco_stuff.csv", {"coco_stuff"}),
        ("danet.data.releases.pictures", {"cityscapes", "pascal_context", "coco_stuff", "camvid"}),
        ("danet.data.prepared.preparing", {"cityscapes", "pascal_context", "coco_stuff", "camvid"}),
        ("danet.data.releases.own_folders", set()),
        ("danet.data.releases.manifest", set()),
        ("data/releases/manifest.csv", set()),
        ("danet.data.obtaining.fetching", set()),
        ("danet.data.generated.street", set()),
        ("danet.progress", set()),
    ],
)
def test_data_that_an_edit_prepares_again(part, datasets):
    prepared = {name: code.of_preparation(dataset) for name, dataset in PLAN.all_datasets.items()}
    assert {name for name, digests in prepared.items() if part in digests} == datasets


def test_own_folders_hang_on_no_reader_of_a_release():
    folders = OwnFolders(images="images", labels="labels", classes="classes.txt")
    digests = code.of_preparation(replace(PLAN.dataset("camvid"), name="pets", folders=folders))
    assert "danet.data.releases.own_folders" in digests
    assert not {part for parts in code.PARTS.values() for part in parts}.intersection(digests) - {
        "danet.data.releases.own_folders"
    }


def test_only_generated_data_hang_on_the_code_that_draws():
    assert code.of_download(PLAN.dataset("cityscapes")) == {}
    drawn = code.of_download(load_plan(profile="demo").dataset("cityscapes"))
    assert {"danet.data.generated.street", "labels/cityscapes.csv"} <= drawn.keys()
    assert not {"labels/camvid.csv", "danet.data.generated.detail_json"} & drawn.keys()


def test_the_parts_of_every_release_are_known_and_exist():
    assert code.PARTS.keys() == {*ADAPTERS, code.OWN_FOLDERS}
    parts = {part for parts in code.PARTS.values() for part in parts}
    used = {name for dataset in PLAN.all_datasets.values() for name in code.of_preparation(dataset)}
    assert parts - used == {"danet.data.generated.detail_json", "danet.data.releases.own_folders"}


def test_an_edit_of_a_writer_writes_tables_again():
    assert {"danet.reporting.tables.latex", "reporting/tables/published.yaml"} <= set(code.of_table())
    assert "danet.reporting.tables.latex" not in code.of_figure("figure4", [])


def test_what_is_passed_over_exists():
    from danet.code_digest import _source

    modules = [*code.PASSED_OVER, *(module for modules in code.ATTENTION.values() for module in modules)]
    assert [module for module in modules if not _source(module).exists()] == []

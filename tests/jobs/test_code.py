"""Which edit of this project makes which results stale."""

import pytest

from danet.jobs import code
from danet.settings import load_plan

PLAN = load_plan()


def trained_with(experiment: str) -> set[str]:
    return set(code.of_training(PLAN.experiment(experiment).model))


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


def test_an_edit_in_scoring_evaluates_again():
    digests = code.of_evaluation(PLAN.experiment("fcn_r50").model)
    assert {"danet.inference.scoring", "danet.evaluation.confusion", "danet.models.heads.fcn"} <= set(digests)
    assert not any(module.startswith("danet.training") for module in digests)


def test_an_edit_of_a_writer_writes_tables_again():
    assert {"danet.reporting.tables.latex", "reporting/tables/published.yaml"} <= set(code.of_table())
    assert "danet.reporting.tables.latex" not in code.of_figure("figure4")


def test_what_is_passed_over_exists():
    from danet.code_digest import _source

    modules = [*code.PASSED_OVER, *(module for modules in code.ATTENTION.values() for module in modules)]
    assert [module for module in modules if not _source(module).exists()] == []

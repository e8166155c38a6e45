"""danet explain: where a cell comes from, and which causes a made-up run shows."""

from dataclasses import replace

import pytest

from danet.errors import MissingDataError, SettingsError
from danet.labels import label_map
from danet.reporting.explanation.causes import Case, causes
from danet.reporting.explanation.cell import explain
from danet.reporting.tables.published import published_rows
from danet.reporting.tables.scores import evaluation_of, run_of
from danet.runs.config import RunConfig, write_config
from danet.runs.evaluation_file import IntervalRecord, ProtocolRecord
from danet.settings import Evaluation, Plan

ROW = Evaluation(experiment="danet_r50", protocol="ss")  # type: ignore[arg-type]


@pytest.fixture
def paper(settings) -> Plan:
    return settings("paper")


@pytest.fixture
def finished_run(project) -> Plan:
    """The demo with a config.yaml of the run that the tests explain."""
    for name in ("danet_r50", "context_danet_r101"):
        write_config(project.paths.run(name, 1).config, RunConfig(project.experiment(name), 1))
    return project


@pytest.fixture
def faithful(paper, finished_run) -> Case:
    """A run with all that the paper's profile states, and with trained attention."""
    stated = paper.experiment("danet_r50")
    evaluation = evaluation_of(finished_run, ROW, 1)
    protocol = stated.protocol("ss")
    recorded = ProtocolRecord(name="ss", **protocol.model_dump(mode="json"))
    record = run_of(finished_run, "danet_r50", 1)
    return Case(
        trained=stated,
        stated=stated,
        run=record.model_copy(
            update={
                "steps": 66_780,  # 180 * (2975 // 8)
                "not_loaded": (),
                "data": record.data.model_copy(update={"images": 2975}),
            }
        ),
        evaluation=evaluation.model_copy(
            update={"protocol": recorded, "iou": dict.fromkeys(label_map("cityscapes").names, 0.5)}
        ),
        protocol=protocol,
        row=next(row for row in published_rows("table1") if row.experiment == "danet_r50"),
        scales={"alpha": 0.4, "beta": -0.3},
    )


def applying(case: Case) -> set[str]:
    return {cause.name for cause in causes(case) if cause.applies}


def test_a_faithful_run_shows_none_of_the_causes(faithful):
    assert applying(faithful) == set()


def trained_with(case: Case, **training) -> Case:
    trained = case.trained.model_copy(update={"training": case.trained.training.model_copy(update=training)})
    return replace(case, trained=trained)


def of_model(case: Case, **model) -> Case:
    trained = case.trained.model_copy(update={"model": case.trained.model.model_copy(update=model)})
    return replace(case, trained=trained)


def of_run(case: Case, **run) -> Case:
    return replace(case, run=case.run.model_copy(update=run))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda case: of_run(case, steps=60_000), "schedule not finished"),
        (lambda case: trained_with(case, iterations=1800), "schedule not finished"),
        (lambda case: trained_with(case, head_learning_rate_factor=1.0), "learning rates"),
        (lambda case: trained_with(case, learning_rate=0.005), "learning rates"),
        (lambda case: trained_with(case, crop_size=512), "crop"),
        (lambda case: trained_with(case, random_scale=(0.5, 2.0)), "random scaling"),
        (lambda case: trained_with(case, pretrained="none"), "pretrained weights"),
        (lambda case: of_run(case, not_loaded=("layer4.0.conv1.weight",)), "pretrained weights"),
        (lambda case: of_model(case, multi_grid=(4, 8, 16)), "multi-grid"),
        (lambda case: of_model(case, backbone="resnet14_thin"), "another backbone"),
        (lambda case: replace(case, scales={"alpha": 0.01, "beta": 0.3}), "alpha still near 0"),
        (lambda case: replace(case, scales={"alpha": 0.4, "beta": 0.0}), "beta still near 0"),
    ],
)
def test_each_cause_is_seen_by_itself(faithful, change, name):
    assert applying(change(faithful)) == {name}


def test_the_batch_changes_the_steps_of_an_epoch_too(faithful):
    smaller = of_run(trained_with(faithful, batch_size=4), steps=133_740)
    assert applying(smaller) == {"global batch"}


def test_fewer_images(faithful):
    case = of_run(faithful, data=faithful.run.data.model_copy(update={"images": 2000}), steps=45_000)
    assert applying(case) == {"other or fewer images", "schedule not finished"}


def test_conventions_of_the_score(faithful):
    absent = dict(faithful.evaluation.iou) | {"train": None}
    evaluation = faithful.evaluation.model_copy(update={"iou": absent})
    zero = faithful.protocol.model_copy(update={"absent_classes": "zero"})
    found = causes(replace(faithful, evaluation=evaluation, protocol=zero))
    (cause,) = (cause for cause in found if cause.name == "class convention")
    assert (cause.applies, cause.evidence) == (True, "1 of 19 classes never occur and count as 0")
    multi_scale = faithful.row.model_copy(update={"protocol": "ms"})
    assert applying(replace(faithful, row=multi_scale)) == {"single scale"}
    protocol = faithful.evaluation.protocol.model_copy(update={"name": "quick"})
    quick = faithful.evaluation.model_copy(update={"protocol": protocol})
    assert applying(replace(faithful, evaluation=quick)) == {"not the paper's evaluation"}


def test_an_imported_network_leaves_some_open(faithful):
    origin = {"file": "DANet101.pth.tar", "sha256": "0", "style": "authors", "dropped": ()}
    imported = type(faithful.run).model_validate(faithful.run.model_dump() | {"imported": origin, "steps": 0})
    found = {cause.name: cause.applies for cause in causes(replace(faithful, run=imported))}
    assert found["schedule not finished"] is found["pretrained weights"] is None


def test_the_cell_says_where_it_comes_from(finished_run, paper):
    lines = list(explain(finished_run, "table1.danet_r50", paper))
    record = evaluation_of(finished_run, ROW, 1)
    assert lines[0].startswith(
        f"table1.danet_r50.ss: {100 * record.miou:.2f}; the paper 76.34, a difference of -"
    )
    text = " ".join(" ".join(lines).split())
    for fact in (
        str(finished_run.paths.run("danet_r50", 1).root),
        "generated scenes in place of Cityscapes",
        str(finished_run.paths.evaluation("danet_r50", 1, "ss")),
        "3 x 3 classes",
        "[x] another backbone resnet14_thin; the paper's profile resnet50",
        "[x] alpha still near 0 0.000",
        "[ ] multi-grid off",
    ):
        assert fact in text


def test_an_interval_is_shown_where_there_is_one(finished_run, paper, evaluation_file):
    interval = IntervalRecord(low=0.38, high=0.436, level=0.95, resamples=2000, units=8)
    evaluation_file(finished_run, ROW, 1, miou_interval=interval)
    words = "interval    mIoU 38.00 to 43.60, 95% of 2000 draws of 8 images or blocks of images"
    assert f"  {words}" in list(explain(finished_run, "table1.danet_r50", paper))


def test_a_cell_that_reaches_the_paper_has_no_causes(finished_run, paper, monkeypatch):
    monkeypatch.setattr("danet.reporting.explanation.cell.TOLERANCE", 100.0)
    assert not any("[x]" in line for line in explain(finished_run, "table1.danet_r50", paper))


def headlines(plan: Plan, cell: str, paper: Plan) -> list[str]:
    return [line for line in explain(plan, cell, paper) if line.startswith("table")]


def test_both_protocols_unless_one_is_named(finished_run, paper):
    both = headlines(finished_run, "table4.context_danet_r101", paper)
    assert [line.partition(":")[0] for line in both] == [
        "table4.context_danet_r101.ss",
        "table4.context_danet_r101.ms",
    ]
    assert headlines(finished_run, "table4.context_danet_r101.ms", paper) == both[1:]


def test_the_servers_table(finished_run, paper):
    first, second = explain(finished_run, "table3.danet_r101_da_mg", paper)
    assert first.startswith("table3: server")
    assert "danet submit --enter" in second


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("table1.danet_50", 'is no cell of ours; did you mean "table1.danet_r50.ss"'),
        ("tabel1.danet_r50", 'no table "tabel1"; did you mean "table1"'),
        ("table1.danet_r50.ms", "is no cell of ours"),
    ],
)
def test_cells_that_do_not_exist(finished_run, paper, cell, message):
    with pytest.raises(SettingsError, match=message):
        list(explain(finished_run, cell, paper))


def test_without_a_run_the_next_command_is_named(finished_run, paper):
    finished_run.paths.evaluation("danet_r50", 1, "ss").unlink()
    with pytest.raises(
        MissingDataError, match=r"-> danet evaluate --experiment danet_r50 --seed 1 --protocol ss"
    ):
        list(explain(finished_run, "table1.danet_r50", paper))

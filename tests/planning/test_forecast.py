"""Jobs and hours of a profile: from a stated rate, from earlier runs, and after some have finished."""

import os
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from danet.cli import app
from danet.planning import cost
from danet.planning.description import describe, hours_with
from danet.planning.earlier_runs import earlier_runs
from danet.planning.forecast import Forecast, PlannedJob, forecast
from danet.planning.probe import Device, probe, stated
from danet.planning.speed import EVALUATION_SHARE, TRAINING_SHARE, flops_per_image
from danet.runs.config import RunConfig, write_config
from danet.runs.metrics import MetricsLine, MetricsLog
from danet.runs.record import DataFacts, RunRecord, write_record
from danet.settings import Plan, load_plan

CPU = Device("CPU: of a test", "cpu", 1e10)
NOW = datetime(2026, 3, 1, 8, 0)


def finish(
    plan: Plan, name: str, images_per_second: float, device: str = CPU.name, digest: str | None = None
) -> None:
    """The files of a finished training, whose first log line is slow; of other settings with a ``digest``."""
    experiment, files = plan.experiment(name), plan.paths.run(name, 1)
    write_config(files.config, RunConfig(experiment, 1))
    with MetricsLog(files.metrics, 0) as log:
        for rate in (0.01, images_per_second, images_per_second * 1.1, images_per_second * 0.9):
            log.write(
                MetricsLine(
                    step=1,
                    steps=4,
                    loss=1.0,
                    losses={"fused": 1.0},
                    learning_rate=0.1,
                    images_per_second=rate,
                    seconds=1.0,
                )
            )
    record = RunRecord(
        experiment=experiment.id,
        seed=1,
        backbone=experiment.model.backbone,
        settings_digest=digest or experiment.training_digest(1),
        data=DataFacts(dataset=experiment.dataset, digest="of a test"),
        steps=4,
        seconds=1.0,
        parameters=1,
        device=device,
    )
    write_record(files.record, record)
    files.final.write_bytes(b"")


def by_name(found: Forecast) -> dict[str, PlannedJob]:
    return {job.name: job for job in found.jobs}


def test_every_job_of_the_profile_is_there(demo: Plan) -> None:
    found = forecast(demo, CPU)
    names = [job.name for job in found.jobs]
    trainings = [f"{experiment} seed 1" for experiment in demo.experiments]
    evaluations = [f"{row.experiment} seed 1 {row.protocol}" for row in demo.evaluations]
    assert sorted(names) == sorted(trainings + evaluations)
    assert all(job.flops > 0 and job.gpu_hours > 0 and job.memory > 0 for job in found.jobs)
    assert found.prepared == {"cityscapes": (64 + 8) * 256 * 128 * 4}  # bytes: three of colour, one label


def test_hours_from_the_rate_of_matrix_products(demo: Plan) -> None:
    job = by_name(forecast(demo, CPU))["danet_r50 seed 1"]
    experiment = demo.experiment("danet_r50")
    steps, batch = experiment.training.iterations, experiment.training.batch_size
    assert job.amount == f"{steps} steps"
    assert job.flops == pytest.approx(steps * batch * flops_per_image(experiment, CPU))
    assert job.gpu_hours == pytest.approx(job.flops / (1e10 * TRAINING_SHARE["cpu"]) / 3600)
    twice = by_name(forecast(demo, Device("x", "cpu", 2e10)))["danet_r50 seed 1"]
    assert twice.gpu_hours == pytest.approx(job.gpu_hours / 2)


def test_a_card_that_is_stated(demo: Plan) -> None:
    job = by_name(forecast(demo, stated(100)))["fcn_r50 seed 1 ss"]
    assert job.gpu_hours == pytest.approx(job.flops / (100e12 * EVALUATION_SHARE["cuda"]) / 3600)


def test_hours_from_an_earlier_run(demo: Plan) -> None:
    finish(demo, "danet_r50", images_per_second=20, digest="of other settings")
    experiment = demo.experiment("danet_r50")
    jobs = by_name(forecast(demo, CPU))
    images = experiment.training.iterations * experiment.training.batch_size
    assert jobs["danet_r50 seed 1"].basis == "earlier run of danet_r50"
    assert "is assumed" not in describe(forecast(demo, CPU), 1, NOW)
    assert jobs["danet_r50 seed 1"].gpu_hours == pytest.approx(images / 20 / 3600)
    # Others are taken to do as many operations in a second.
    other = demo.experiment("fcn_r50")
    per_image = flops_per_image(other, CPU) / flops_per_image(experiment, CPU)
    assert jobs["fcn_r50 seed 1"].gpu_hours == pytest.approx(images * per_image / 20 / 3600)


def test_the_most_similar_run_decides(demo: Plan) -> None:
    for name in ("danet_r50", "fcn_r101", "danet_r101_cam", "danet_r101"):
        finish(demo, name, 20, digest="of other settings")
    jobs = by_name(forecast(demo, CPU))
    bases = {name: job.basis for name, job in jobs.items() if job.protocol is None}
    assert bases == {
        "fcn_r50 seed 1": "earlier run of danet_r50",  # the same backbone
        "danet_r50 seed 1": "earlier run of danet_r50",
        "fcn_r101 seed 1": "earlier run of fcn_r101",
        "danet_r101 seed 1": "earlier run of danet_r101",
        "danet_r101_da seed 1": "earlier run of danet_r101",  # and the same head
        "danet_r101_da_mg seed 1": "earlier run of danet_r101",
    }


def test_runs_on_other_devices_say_nothing(demo: Plan) -> None:
    finish(demo, "danet_r50", 20, device="another", digest="of other settings")
    assert {job.basis for job in forecast(demo, CPU).jobs} == {"75% of the matrix rate"}


@pytest.mark.parametrize("file", ["config.yaml", "metrics.jsonl", "run.json"])
def test_damaged_runs_are_left_out(demo: Plan, file: str) -> None:
    finish(demo, "danet_r50", 20)
    folder = demo.paths.run("danet_r50", 1).root
    assert len(earlier_runs(demo.paths)) == 1
    (folder / file).write_text("{")
    assert earlier_runs(demo.paths) == []


def test_what_is_done_takes_no_time(demo: Plan) -> None:
    finish(demo, "danet_r50", 20)
    paths = demo.paths
    scores = paths.evaluation("danet_r50", 1, "ss")
    scores.parent.mkdir(parents=True)
    scores.write_text("{}")
    jobs = by_name(forecast(demo, CPU))
    for name in ("danet_r50 seed 1", "danet_r50 seed 1 ss"):
        assert (jobs[name].gpu_hours, jobs[name].basis) == (0, "done")
    assert jobs["fcn_r50 seed 1"].gpu_hours > 0

    after = scores.stat().st_mtime + 100
    os.utime(paths.run("danet_r50", 1).final, (after, after))
    assert by_name(forecast(demo, CPU))["danet_r50 seed 1 ss"].gpu_hours > 0


def test_more_devices_help_until_one_training_is_the_limit(demo: Plan) -> None:
    found = forecast(demo, CPU)
    total = sum(job.gpu_hours for job in found.jobs)
    assert hours_with(found, 1) == pytest.approx(total)
    assert hours_with(found, 2) == pytest.approx(total / 2)
    jobs = by_name(found)
    longest = jobs["danet_r101_da_mg seed 1"].gpu_hours + max(
        jobs[f"danet_r101_da_mg seed 1 {name}"].gpu_hours for name in ("ss", "ms")
    )
    assert hours_with(found, 1000) == pytest.approx(longest)


def test_several_gpus_for_a_training_share_its_hours(project: Path) -> None:
    raw = yaml.safe_load((project / "params.yaml").read_text())
    raw["compute"]["gpus"] = 4
    (project / "params.yaml").write_text(yaml.safe_dump(raw))
    found = forecast(load_plan(profile="demo"), CPU)
    job = by_name(found)["danet_r50 seed 1"]
    assert job.gpus == 4
    assert job.hours == pytest.approx(job.gpu_hours / 4)
    assert "compute.gpus asks for 4 for each training: more than 1" in describe(found, 1, NOW)
    assert "compute.gpus" not in describe(found, 4, NOW)


def test_a_card_that_is_too_small_is_reported(demo: Plan) -> None:
    found = forecast(demo, Device("a small card", "cpu", 1e13, memory=10_000_000))
    assert "danet_r50 seed 1" in describe(found, 1, NOW).split("more than the device's 10.0 MB:")[1]
    large = forecast(demo, Device("a large card", "cpu", 1e13, memory=10**12))
    assert "more than the device" not in describe(large, 1, NOW)


def test_the_text_of_a_plan(demo: Plan) -> None:
    found = forecast(demo, Device("a card", "cpu", 1e9))
    lines = describe(found, 2, NOW).splitlines()
    assert lines[0].startswith("profile demo: ")
    assert lines[1].startswith("recipe released_code: ")
    start = lines.index("") + 1
    table = lines[start : start + 1 + len(found.jobs)]
    assert table[0].split("  ")[0] == "job"
    assert [line.split("  ")[0] for line in table[1:]] == [job.name for job in found.jobs]
    row = next(line for line in table if line.startswith("danet_r50 seed 1  "))
    job = by_name(found)["danet_r50 seed 1"]
    numbers = f"{job.flops / 1e9:.0f} GFLOP {60 * job.gpu_hours:.1f} min {job.memory / 1e6:.1f} MB"
    assert f"{numbers} {job.disk / 1e6:.2f} MB 75% of the matrix rate" in " ".join(row.split())
    hours = hours_with(found, 2)
    end = datetime.fromtimestamp(NOW.timestamp() + 3600 * hours)
    assert any(f"with 2 GPUs; started now, not before {end:%Y-%m-%d %H:%M}" in line for line in lines)
    assert any("the share of it is assumed" in line for line in lines)
    assert any("1.00 GFLOP/s in matrix products: a card" in line for line in lines)


def test_the_command_looks_at_the_device() -> None:
    answer = CliRunner().invoke(
        app, ["plan", "--profile", "demo", "--probe-seconds", "0.2"], catch_exceptions=False
    )
    assert answer.exit_code == 0
    assert probe(0.1).name in answer.output
    assert re.search(r"measured [\d.]+ s ago.*; danet plan --probe measures it again", answer.output)
    answer = CliRunner().invoke(app, ["plan", "--profile", "demo", "--rate", "600", "--gpus", "3"])
    assert "with 3 GPUs" in answer.output
    assert "600 TFLOP/s in matrix products: a card as stated" in answer.output


def with_precision(plan: Plan, name: str, precision: str) -> Plan:
    experiment = plan.experiment(name)
    changed = experiment.model_copy(
        update={"training": experiment.training.model_copy(update={"precision": precision})}
    )
    return replace(plan, all_experiments=plan.all_experiments | {name: changed})


def test_precision_decides_the_rate_and_whether_an_earlier_run_counts(demo: Plan) -> None:
    cpu = replace(CPU, bfloat16_flops_per_second=2e10)
    half = with_precision(demo, "danet_r50", "bfloat16")
    full, faster = by_name(forecast(demo, cpu)), by_name(forecast(half, cpu))
    names = "danet_r50 seed 1", "danet_r50 seed 1 ss"
    assert [full[name].gpu_hours / faster[name].gpu_hours for name in names] == pytest.approx([2, 1])
    finish(half, "danet_r50", images_per_second=20, digest="of other settings")
    after = by_name(forecast(half, cpu))
    assert after["danet_r50 seed 1"].basis == "earlier run of danet_r50"
    assert after["fcn_r50 seed 1"].basis == "75% of the matrix rate"  # of a training in float32
    # An evaluation is in float32, half as fast.
    experiment = half.experiment("danet_r50")
    seconds = 3600 * after["danet_r50 seed 1 ss"].gpu_hours
    assert after["danet_r50 seed 1 ss"].flops / seconds == pytest.approx(
        20 * flops_per_image(experiment, cpu) / 2
    )


def test_bfloat16_is_named_where_a_cpu_gains_by_it(demo: Plan) -> None:
    line = "2.0 times that in bfloat16, which training.precision: bfloat16 makes use of"
    for gain, named in ((1.2, False), (2.0, True)):
        found = forecast(demo, replace(CPU, bfloat16_flops_per_second=gain * CPU.flops_per_second))
        assert (line in describe(found, 1, NOW)) == named


def test_what_was_counted_is_kept(demo: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    cost.NEW.clear()
    first = forecast(demo, CPU)
    cost.NEW.clear()
    monkeypatch.setattr(cost, "_network", lambda model: pytest.fail("counted again"))
    assert forecast(demo, CPU) == first


def test_a_profile_may_train_nothing(project: Path) -> None:
    raw = yaml.safe_load((project / "params.yaml").read_text())
    raw["profiles"]["demo"]["tables"] = ["table3"]
    (project / "params.yaml").write_text(yaml.safe_dump(raw))
    assert "0.0 s of GPU time in all" in describe(forecast(load_plan(profile="demo"), CPU), 1, NOW)

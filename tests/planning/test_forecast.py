"""Jobs and hours of a profile: from a stated rate, from earlier runs, and after some have finished."""

import json
import os
from datetime import datetime

import pytest
import yaml
from typer.testing import CliRunner

from danet.cli import app
from danet.planning.earlier_runs import earlier_runs
from danet.planning.forecast import forecast
from danet.planning.probe import Device, probe, stated
from danet.planning.speed import EVALUATION_SHARE, TRAINING_SHARE, flops_per_image
from danet.planning.table import describe, hours_with
from danet.settings import load_params, plan, resolve, result_paths, validate_params

CPU = Device("CPU: of a test", "cpu", 1e10)
NOW = datetime(2026, 3, 1, 8, 0)


@pytest.fixture
def params():
    return load_params(profile="demo")


def finish(params, experiment: str, images_per_second: float, device: str = CPU.name, **changes) -> None:
    """The files of a finished training, whose first log line is slow."""
    files = result_paths(params).run(experiment, 1)
    files.root.mkdir(parents=True)
    settings = resolve(params, experiment)
    files.config.write_text(yaml.safe_dump(settings.model_dump(mode="json") | {"seed": 1}))
    rates = [0.01, images_per_second, images_per_second * 1.1, images_per_second * 0.9]
    files.metrics.write_text(
        "".join(json.dumps({"step": 1, "images_per_second": rate}) + "\n" for rate in rates)
    )
    record = {"device": device, "settings_digest": settings.training_digest(1)} | changes
    files.record.write_text(json.dumps(record))
    files.final.write_bytes(b"")


def by_name(found) -> dict:
    return {job.name: job for job in found.jobs}


def test_every_job_of_the_profile_is_there(params):
    planned, found = plan(params), forecast(params, CPU)
    names = [job.name for job in found.jobs]
    trainings = [f"{experiment} seed 1" for experiment in planned.experiments]
    evaluations = [f"{row.experiment} seed 1 {row.protocol}" for row in planned.evaluations]
    assert sorted(names) == sorted(trainings + evaluations)
    assert all(job.flops > 0 and job.gpu_hours > 0 and job.memory > 0 for job in found.jobs)
    assert found.prepared == {"cityscapes": (64 + 8) * 256 * 128 * 4}  # bytes: three of colour, one label


def test_hours_from_the_rate_of_matrix_products(params):
    job = by_name(forecast(params, CPU))["danet_r50 seed 1"]
    experiment = resolve(params, "danet_r50")
    steps, batch = experiment.training.iterations, experiment.training.batch_size
    assert job.amount == f"{steps} steps"
    assert job.flops == pytest.approx(steps * batch * flops_per_image(experiment, CPU))
    assert job.gpu_hours == pytest.approx(job.flops / (1e10 * TRAINING_SHARE["cpu"]) / 3600)
    twice = by_name(forecast(params, Device("x", "cpu", 2e10)))["danet_r50 seed 1"]
    assert twice.gpu_hours == pytest.approx(job.gpu_hours / 2)


def test_a_card_that_is_stated():
    job = by_name(forecast(load_params(profile="demo"), stated(100)))["fcn_r50 seed 1 ss"]
    assert job.gpu_hours == pytest.approx(job.flops / (100e12 * EVALUATION_SHARE["cuda"]) / 3600)


def test_hours_from_an_earlier_run(params):
    finish(params, "danet_r50", images_per_second=20, settings_digest="of other settings")
    experiment = resolve(params, "danet_r50")
    jobs = by_name(forecast(params, CPU))
    images = experiment.training.iterations * experiment.training.batch_size
    assert jobs["danet_r50 seed 1"].basis == "earlier run of danet_r50"
    assert "is assumed" not in describe(forecast(params, CPU), 1, NOW)
    assert jobs["danet_r50 seed 1"].gpu_hours == pytest.approx(images / 20 / 3600)
    # Others are taken to do as many operations in a second.
    other = resolve(params, "fcn_r50")
    per_image = flops_per_image(other, CPU) / flops_per_image(experiment, CPU)
    assert jobs["fcn_r50 seed 1"].gpu_hours == pytest.approx(images * per_image / 20 / 3600)


def test_the_run_that_is_most_alike_decides(params):
    for name in ("danet_r50", "fcn_r101", "danet_r101_cam", "danet_r101"):
        finish(params, name, 20, settings_digest="of other settings")
    jobs = by_name(forecast(params, CPU))
    bases = {name: job.basis for name, job in jobs.items() if job.protocol is None}
    assert bases == {
        "fcn_r50 seed 1": "earlier run of danet_r50",  # the same backbone
        "danet_r50 seed 1": "earlier run of danet_r50",
        "fcn_r101 seed 1": "earlier run of fcn_r101",
        "danet_r101 seed 1": "earlier run of danet_r101",
        "danet_r101_da seed 1": "earlier run of danet_r101",  # and the same head
        "danet_r101_da_mg seed 1": "earlier run of danet_r101",
    }


def test_runs_on_other_devices_say_nothing(params):
    finish(params, "danet_r50", 20, device="another", settings_digest="of other settings")
    assert {job.basis for job in forecast(params, CPU).jobs} == {"60% of the matrix rate"}


@pytest.mark.parametrize("file", ["config.yaml", "metrics.jsonl", "run.json"])
def test_damaged_runs_are_left_out(params, file):
    finish(params, "danet_r50", 20)
    folder = result_paths(params).run("danet_r50", 1).root
    assert len(earlier_runs(params)) == 1
    (folder / file).write_text("{")
    assert earlier_runs(params) == []


def test_what_is_done_takes_no_time(params):
    finish(params, "danet_r50", 20)
    paths = result_paths(params)
    scores = paths.evaluation("danet_r50", 1, "ss")
    scores.parent.mkdir(parents=True)
    scores.write_text("{}")
    jobs = by_name(forecast(params, CPU))
    for name in ("danet_r50 seed 1", "danet_r50 seed 1 ss"):
        assert (jobs[name].gpu_hours, jobs[name].basis) == (0, "done")
    assert jobs["fcn_r50 seed 1"].gpu_hours > 0

    after = scores.stat().st_mtime + 100
    os.utime(paths.run("danet_r50", 1).final, (after, after))
    assert by_name(forecast(params, CPU))["danet_r50 seed 1 ss"].gpu_hours > 0


def test_more_devices_help_until_one_training_is_the_limit(params):
    found = forecast(params, CPU)
    total = sum(job.gpu_hours for job in found.jobs)
    assert hours_with(found, 1) == pytest.approx(total)
    assert hours_with(found, 2) == pytest.approx(total / 2)
    jobs = by_name(found)
    longest = jobs["danet_r101_da_mg seed 1"].gpu_hours + max(
        jobs[f"danet_r101_da_mg seed 1 {name}"].gpu_hours for name in ("ss", "ms")
    )
    assert hours_with(found, 1000) == pytest.approx(longest)


def test_several_gpus_for_a_training_share_its_hours(project):
    raw = yaml.safe_load((project / "params.yaml").read_text())
    raw["compute"]["gpus"] = 4
    found = forecast(validate_params(raw | {"profile": "demo"}), CPU)
    job = by_name(found)["danet_r50 seed 1"]
    assert job.gpus == 4
    assert job.hours == pytest.approx(job.gpu_hours / 4)
    assert "compute.gpus asks for 4 for each training: more than 1" in describe(found, 1, NOW)
    assert "compute.gpus" not in describe(found, 4, NOW)


def test_a_card_that_is_too_small_is_told(params):
    found = forecast(params, Device("a small card", "cpu", 1e13, memory=10_000_000))
    assert "danet_r50 seed 1" in describe(found, 1, NOW).split("more than the device's 10.0 MB:")[1]
    large = forecast(params, Device("a large card", "cpu", 1e13, memory=10**12))
    assert "more than the device" not in describe(large, 1, NOW)


def test_the_text_of_a_plan(params):
    found = forecast(params, Device("a card", "cpu", 1e9))
    lines = describe(found, 2, NOW).splitlines()
    assert lines[0].startswith("profile demo, recipe paper_text: ")
    table = lines[2 : 3 + len(found.jobs)]
    assert table[0].split("  ")[0] == "job"
    assert [line.split("  ")[0] for line in table[1:]] == [job.name for job in found.jobs]
    row = next(line for line in table if line.startswith("danet_r50 seed 1  "))
    job = by_name(found)["danet_r50 seed 1"]
    numbers = f"{job.flops / 1e9:.0f} GFLOP {60 * job.gpu_hours:.1f} min {job.memory / 1e6:.1f} MB"
    assert f"{numbers} {job.disk / 1e6:.2f} MB 60% of the matrix rate" in " ".join(row.split())
    hours = hours_with(found, 2)
    end = datetime.fromtimestamp(NOW.timestamp() + 3600 * hours)
    assert any(f"with 2 GPUs; started now, not before {end:%Y-%m-%d %H:%M}" in line for line in lines)
    assert any("the share of it is assumed" in line for line in lines)
    assert any("1.00 GFLOP/s in matrix products: a card" in line for line in lines)


def test_the_command_looks_at_the_device():
    answer = CliRunner().invoke(
        app, ["plan", "--profile", "demo", "--probe-seconds", "0.2"], catch_exceptions=False
    )
    assert answer.exit_code == 0
    assert probe(0.1).name in answer.output
    answer = CliRunner().invoke(app, ["plan", "--profile", "demo", "--rate", "600", "--gpus", "3"])
    assert "with 3 GPUs" in answer.output
    assert "600 TFLOP/s in matrix products: a card as stated" in answer.output

"""Whole trainings of a thin network: what they leave, and how they stop when something is wrong."""

import json
import os
from collections.abc import Callable

import pytest
import torch
import yaml
from typer.testing import CliRunner

from danet.cli import app
from danet.data.training_set import BatchOrder
from danet.errors import CheckpointError, MissingDataError, RunBusyError, SettingsError, TrainingError
from danet.models.network import SegmentationNetwork
from danet.runs.writer import only_writer
from danet.training.optimiser import PlainSGD
from danet.training.train import train


def test_a_training_learns_and_leaves_its_records(settings):
    final = train(settings(iterations=40), "danet_r50", seed=3)
    folder = final.parent
    assert sorted(path.name for path in folder.iterdir()) == [
        ".finished",
        "config.yaml",
        "final.pth",
        "metrics.jsonl",
        "run.json",
    ]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(4, 41, 4))
    assert lines[-1]["loss"] < 0.7 * lines[0]["loss"]
    assert all(line["loss"] == pytest.approx(sum(line["losses"].values())) for line in lines)
    assert list(lines[0]["losses"]) == ["fused", "position", "channel"]
    assert lines[-1]["learning_rate"] == pytest.approx(0.02 * (1 / 40) ** 0.9)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert (config["training"]["iterations"], config["training"]["precision"]) == (40, "auto")


def test_run_json_says_what_auto_became(settings):
    run = json.loads((train(settings(), "fcn_r50", seed=3).parent / "run.json").read_text())
    assert (run["steps"], run["images"], run["resumed_at"]) == (12, 48, [])
    assert run["peak_memory_bytes"] > 10**8
    assert run["compute"] == {
        "precision": "bfloat16" if torch.cuda.is_available() else "float32",
        "gpus": 1,
        "attention": "auto",
        "compile": False,
        "deterministic": False,
    }


def test_the_seed_decides_the_weights(settings, weights, assert_same_bits):
    first = weights(train(settings(), "fcn_r50", seed=1))
    assert_same_bits(first, weights(train(settings(), "fcn_r50", seed=1)))
    other = weights(train(settings(), "fcn_r50", seed=2))
    assert not torch.equal(first["backbone.conv1.weight"], other["backbone.conv1.weight"])


def test_a_loss_that_is_not_finite_names_the_images_of_its_own_step(settings, monkeypatch):
    calls = []

    def losing(self, images):
        outputs = forward(self, images)
        calls.append(images)
        return {name: logits * (float("nan") if len(calls) == 6 else 1.0) for name, logits in outputs.items()}

    forward = SegmentationNetwork.forward
    monkeypatch.setattr(SegmentationNetwork, "forward", losing)
    plan = settings(log_every=4, checkpoint_every=3)
    with pytest.raises(TrainingError, match=r"fcn_r50 seed 1: loss nan at step 6, ") as caught:
        train(plan, "fcn_r50", seed=1)
    rate = 0.02 * (1 - 5 / 12) ** 0.9
    assert f"learning rate {rate:.3g}, images " in str(caught.value)
    assert f"images {', '.join(names_of_step(6))}\n" in str(caught.value)
    assert "experiments.fcn_r50.learning_rate" in str(caught.value)
    paths = plan.paths.run("fcn_r50", 1)
    assert torch.load(paths.last, weights_only=True)["progress"]["step"] == 3, "the last good state"
    assert not paths.final.exists()


def names_of_step(step: int) -> list[str]:
    order = BatchOrder(images=8, batch_size=4, steps=12, seed=1)
    return [f"image{index}" for _, index in order.batch(step - 1)]


def test_weights_that_are_not_finite_are_never_saved(settings, monkeypatch):
    def spoil(optimiser, *_):
        optimiser.param_groups[0]["params"][0].data.fill_(float("inf"))

    plan = settings(log_every=12, checkpoint_every=1)
    monkeypatch.setattr(PlainSGD, "step", spoil)
    with pytest.raises(TrainingError, match="weights that are not finite at step 1"):
        train(plan, "fcn_r50", seed=1)
    assert not list(plan.paths.run("fcn_r50", 1).root.glob("*.pth"))


def test_without_prepared_data_the_command_says_what_to_do(settings):
    with pytest.raises(MissingDataError, match="danet prepare"):
        train(settings(), "context_fcn_r50", seed=1)


def test_other_settings_are_refused_until_the_checkpoint_is_removed(settings, stopped):
    stopped(settings(), "fcn_r50")
    with pytest.raises(CheckpointError, match=r"training\.learning_rate: 0\.02 -> 0\.5"):
        train(settings(learning_rate=0.5), "fcn_r50", seed=1)
    with pytest.raises(CheckpointError, match=r"compute\.deterministic: False -> True"):
        train(settings(deterministic=True), "fcn_r50", seed=1)


def test_a_batch_that_cannot_be_divided_is_refused(settings):
    with pytest.raises(SettingsError, match=r"batch_size 4 of fcn_r50 .* times 3 \(training.accumulate\)"):
        train(settings(accumulate=3), "fcn_r50", seed=1)


def test_more_gpus_than_processes_are_refused(settings):
    with pytest.raises(SettingsError, match=r"compute\.gpus is 2, .* started as 1 processes"):
        train(settings(gpus=2), "fcn_r50", seed=1)


def test_a_gpu_that_is_too_small_is_told_with_sizes_and_remedies(settings, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")

    monkeypatch.setattr(SegmentationNetwork, "forward", full)
    with pytest.raises(TrainingError) as caught:
        train(settings(accumulate=2), "fcn_r50", seed=1)
    for words in (
        "2 crops of 32 x 32 at once (batch 4, compute.gpus 1, training.accumulate 2)",
        "compute.attention auto",
        "CUDA out of memory",
        "raise training.accumulate",
        "raise compute.gpus",
        "training.precision",
        "training.crop_size",
    ):
        assert words in str(caught.value)


def test_deterministic_is_set_and_two_trainings_agree(settings, weights, assert_same_bits):
    plan = settings(deterministic=True)
    try:
        first = weights(train(plan, "danet_r50", seed=1))
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.benchmark
        assert_same_bits(first, weights(train(plan, "danet_r50", seed=1)))
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.fixture
def danet(project) -> Callable[..., str]:
    """The command that trains fcn_r50, as a user types it."""

    def run(*options: str) -> str:
        command = ["train", "--experiment", "fcn_r50", "--seed", "1", *options]
        answer = CliRunner().invoke(app, command, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return answer.output

    return run


def test_a_finished_run_is_left_alone_and_comes_back_when_an_engine_deletes_it(danet, settings):
    danet()
    run = settings().paths.run("fcn_r50", 1)
    files = {path: path.read_bytes() for path in (run.final, run.record, run.config, run.metrics)}
    assert "train-fcn_r50-seed1 is finished and current; --again" in danet()
    for path in (run.final, run.record, run.config):  # what a workflow does that is stopped at the end
        path.unlink()
    assert "is finished and current" in danet()
    assert {path: path.read_bytes() for path in files} == files


def test_again_trains_from_the_first_step_and_sets_the_old_run_aside(
    danet, settings, weights, assert_same_bits
):
    danet()
    run = settings().paths.run("fcn_r50", 1)
    before = weights(run.final)
    answer = danet("--again")
    (folder,) = (run.root / "superseded").iterdir()
    assert f"the run that was there is now in {folder}" in answer
    assert_same_bits(weights(folder / "final.pth"), before)
    assert_same_bits(weights(run.final), before)


def test_a_run_that_is_being_written_is_refused(danet, settings):
    words = f"is being written by process {os.getpid()} on"
    with only_writer(settings().paths.run("fcn_r50", 1).root), pytest.raises(RunBusyError, match=words):
        danet()

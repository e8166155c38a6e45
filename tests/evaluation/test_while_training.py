"""A look at evaluation images during a training: what it says, and that the training does not notice."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from danet.errors import SettingsError
from danet.evaluation.while_training import look_at_validation
from danet.inference.prediction import predict_classes
from danet.runs.network_file import load_network
from danet.settings import Plan
from danet.settings.reading import validate_params
from danet.settings.resolution import resolve
from danet.training.train import train

ROOT = Path(__file__).parents[2]


@pytest.fixture
def plan(tmp_path, monkeypatch, made_split):
    """The demo for ten steps, with five evaluation images; keywords change ``compute``."""
    monkeypatch.chdir(tmp_path)
    for split in ("train", "val"):
        made_split(images=8 if split == "train" else 5, folder=Path("data/demo/cityscapes/prepared") / split)

    def make(**compute: object) -> Plan:
        raw = yaml.safe_load((ROOT / "params.yaml").read_text())
        raw |= {"profile": "demo", "tracking_uri": "none"}
        profile = raw["profiles"]["demo"]
        profile["training"] |= {"iterations": 10, "batch_size": 4, "learning_rate": 0.02}
        profile["compute"] = {"workers": 0, "log_every": 5, "checkpoint_every": 5} | compute
        profile["datasets"]["cityscapes"]["training"] = {"crop_size": 32, "short_side": 40}
        return resolve(validate_params(raw))

    return make


def trained(plan: Plan) -> tuple[dict[str, torch.Tensor], list[dict]]:
    final = train(plan, "danet_r50", 1, look=look_at_validation(plan, "danet_r50"))
    lines = [json.loads(line) for line in (final.parent / "metrics.jsonl").read_text().splitlines()]
    return load_network(final)[0].state_dict(), lines


def test_the_weights_are_the_same_with_and_without(plan):
    without, plain = trained(plan())
    weights, lines = trained(plan(validate_every=4, validate_images=3))
    assert all(torch.equal(weights[name], tensor) for name, tensor in without.items())
    assert [line["step"] for line in plain] == [5, 10]
    assert not any("validation" in line for line in plain)
    assert [(line["step"], "validation" in line) for line in lines] == [
        (4, True),
        (5, False),
        (8, True),
        (10, True),
    ]
    assert [line["loss"] for line in lines if line["step"] in (5, 10)] == [line["loss"] for line in plain]


def test_the_score_is_that_of_these_images_under_the_named_protocol(plan):
    settings = plan(validate_every=10, validate_images=3, validate_protocol="whole")
    _, lines = trained(settings)
    experiment, dataset = settings.experiment("danet_r50"), settings.dataset("cityscapes")
    network, _ = load_network(settings.paths.run("danet_r50", 1).final)
    look = look_at_validation(settings, "danet_r50")
    assert look is not None
    assert look(network, torch.float32) == lines[-1]["validation"]
    # Written out: the first, the middle and the last of five images, and IoU by its definition.
    from danet.data.prepared.split import PreparedSplit

    split = PreparedSplit(dataset.paths.prepared("val"))
    pairs = [
        (
            predict_classes(network, split.image(i), experiment.protocol("whole")),
            dataset.labels.lookup[split.label(i)],
        )
        for i in (0, 2, 4)
    ]
    predicted, truth = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    predicted, truth = predicted[truth != 255], truth[truth != 255]
    ious = [
        np.sum((predicted == k) & (truth == k)) / np.sum((predicted == k) | (truth == k))
        for k in np.unique(truth)
    ]
    assert lines[-1]["validation"] == {
        "protocol": "whole",
        "images": 3,
        "miou": pytest.approx(np.mean(ious)),
        "pixel_accuracy": pytest.approx(np.mean(predicted == truth)),
    }


def test_off_by_default_and_unknown_protocols_are_refused(plan):
    assert look_at_validation(plan(), "danet_r50") is None
    with pytest.raises(SettingsError, match='validate_protocol: no protocol "hole"; did you mean "whole"'):
        plan(validate_protocol="hole")


def test_a_network_in_training_stays_in_training(plan):
    settings = plan(validate_every=4)
    train(settings, "danet_r50", 1)
    network, _ = load_network(settings.paths.run("danet_r50", 1).final)
    look = look_at_validation(settings, "danet_r50")
    assert look is not None
    for training in (True, False):
        network.train(training)
        state = torch.get_rng_state()
        look(network, torch.float32)
        assert network.training == training
        assert torch.equal(torch.get_rng_state(), state)

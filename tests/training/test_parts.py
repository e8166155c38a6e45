"""Loss, schedule, metrics log and checkpoint against formulas written out in plain Python."""

import json
import math

import pytest
import torch
from torch import nn

from danet.errors import CheckpointError
from danet.training.checkpoint import Progress, differing_keys, load_checkpoint, save_checkpoint
from danet.training.loss import segmentation_losses
from danet.training.records import MetricsLog, read_metrics
from danet.training.schedule import poly, set_learning_rates

CPU = torch.device("cpu")


def test_loss_is_the_mean_over_labelled_pixels_of_each_output():
    torch.manual_seed(0)
    outputs = [torch.randn(2, 3, 4, 5, dtype=torch.float64) for _ in range(3)]
    label = torch.randint(0, 3, (2, 4, 5))
    label[0, :2] = 255
    losses = segmentation_losses(outputs, label)
    for loss, logits in zip(losses, outputs, strict=True):
        terms = []
        for b in range(2):
            for y in range(4):
                for x in range(5):
                    if label[b, y, x] != 255:
                        scores = logits[b, :, y, x].tolist()
                        normaliser = math.log(sum(math.exp(score) for score in scores))
                        terms.append(normaliser - scores[label[b, y, x]])
        assert loss.item() == pytest.approx(sum(terms) / len(terms), rel=1e-12)


def test_a_batch_without_labels_has_no_loss_and_no_gradient():
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = segmentation_losses([logits], torch.full((1, 2, 2), 255)).sum()
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_poly_schedule_keeps_the_heads_multiple_at_every_step():
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (0.01, 0.1)]
    optimiser = torch.optim.SGD(groups)
    for step in range(100):
        set_learning_rates(optimiser, poly(step, 100, 0.9))
        backbone, head = (group["lr"] for group in optimiser.param_groups)
        assert backbone == pytest.approx(0.01 * (1 - step / 100) ** 0.9, rel=1e-12)
        assert head == pytest.approx(10 * backbone, rel=1e-12)


def test_metrics_after_the_checkpoint_are_dropped_on_resume(tmp_path):
    with MetricsLog(tmp_path, done=0) as log:
        for step in (10, 20, 30):
            log.write({"step": step})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4')
    assert [line["step"] for line in read_metrics(tmp_path)] == [10, 20, 30]
    with MetricsLog(tmp_path, done=20) as log:
        log.write({"step": 30})
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [10, 20, 30]


@pytest.fixture
def trained():
    torch.manual_seed(1)
    network = nn.Linear(3, 2)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return network, optimiser


def test_a_checkpoint_brings_everything_back(tmp_path, trained):
    network, optimiser = trained
    path = tmp_path / "last.pth"
    save_checkpoint(path, {"lr": 0.1}, network, optimiser, Progress(step=3, seconds=1.5, resumed_at=[1]))
    expected = torch.rand(4)
    other = nn.Linear(3, 2)
    fresh = torch.optim.SGD(other.parameters(), lr=0.7, momentum=0.9)
    progress = load_checkpoint(path, {"lr": 0.1}, other, fresh, CPU)
    assert torch.equal(torch.rand(4), expected), "the random state is part of the checkpoint"
    assert torch.equal(network.weight, other.weight)
    assert torch.equal(
        optimiser.state[network.weight]["momentum_buffer"], fresh.state[other.weight]["momentum_buffer"]
    )
    assert (progress.step, progress.seconds, progress.resumed_at) == (3, 1.5, [1])
    assert list(tmp_path.iterdir()) == [path], "no temporary file is left"


def test_a_checkpoint_of_other_settings_is_refused_by_key(tmp_path, trained):
    path = tmp_path / "last.pth"
    save_checkpoint(path, {"training": {"lr": 0.1, "crop": 8}}, *trained, Progress())
    with pytest.raises(CheckpointError, match=r"training.lr: 0.1 -> 0.2") as caught:
        load_checkpoint(path, {"training": {"lr": 0.2, "crop": 8}}, *trained, CPU)
    assert "crop" not in str(caught.value)
    assert f"rm {path}" in str(caught.value)


def test_a_damaged_checkpoint_is_named(tmp_path, trained):
    path = tmp_path / "last.pth"
    save_checkpoint(path, {}, *trained, Progress())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match=r"last\.pth cannot be read"):
        load_checkpoint(path, {}, *trained, CPU)


def test_differing_keys_walks_nested_settings():
    before = {"a": 1, "b": {"c": [1, 2], "d": None}}
    now = {"a": 1, "b": {"c": [1, 3]}, "e": 5}
    assert differing_keys(before, now) == ["b.c: [1, 2] -> [1, 3]", "e: None -> 5"]

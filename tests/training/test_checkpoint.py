"""last.pth: everything comes back, and what does not fit is refused."""

import pytest
import torch
from torch import nn

from danet.errors import CheckpointError
from danet.training.checkpoint import Progress, differing_keys, load_checkpoint, save_checkpoint

CPU = torch.device("cpu")


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


def test_weights_in_place_of_a_checkpoint_are_refused(tmp_path, trained):
    path = tmp_path / "last.pth"
    torch.save(trained[0].state_dict(), path)
    with pytest.raises(CheckpointError, match=r"last\.pth is no checkpoint of this project"):
        load_checkpoint(path, {}, *trained, CPU)

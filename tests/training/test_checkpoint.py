"""Checkpoints: everything comes back, and what is damaged or does not fit is refused or passed over."""

import resource
import signal

import pytest
import torch
from torch import nn

from danet.errors import CheckpointError, StorageError
from danet.paths import RunPaths
from danet.runs.config import differing_keys
from danet.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from danet.training.ranks import Ranks

ALONE = Ranks()


@pytest.fixture
def paths(tmp_path) -> RunPaths:
    root = tmp_path / "results/demo/released_code/runs/fcn_r50/seed2"
    root.mkdir(parents=True)
    return RunPaths(root)


@pytest.fixture
def trained():
    torch.manual_seed(1)
    network = nn.Linear(3, 2)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return network, optimiser


def flip_a_bit(path, of: bytes) -> None:
    """Change one bit of a tensor, behind the back of every length and header."""
    content = bytearray(path.read_bytes())
    content[content.index(of)] ^= 1
    path.write_bytes(content)


def raw(tensor: torch.Tensor) -> bytes:
    return tensor.detach().numpy().tobytes()


def test_a_checkpoint_brings_everything_back(paths, trained):
    network, optimiser = trained
    before = Progress(step=3, seconds=1.5, resumed_at=[1])
    save_checkpoint(paths, {"lr": 0.1}, network, optimiser, before, ALONE)
    expected = torch.rand(4)
    other = nn.Linear(3, 2)
    fresh = torch.optim.SGD(other.parameters(), lr=0.7, momentum=0.9)
    progress = load_checkpoint(paths, {"lr": 0.1}, other, fresh, ALONE)
    assert torch.equal(torch.rand(4), expected), "the random state is part of the checkpoint"
    assert torch.equal(network.weight, other.weight)
    assert torch.equal(
        optimiser.state[network.weight]["momentum_buffer"], fresh.state[other.weight]["momentum_buffer"]
    )
    assert (progress.step, progress.seconds, progress.resumed_at) == (3, 1.5, [1])
    assert list(paths.root.iterdir()) == [paths.last], "no temporary file is left"


def test_without_a_checkpoint_there_is_nothing_to_load(paths, trained):
    assert load_checkpoint(paths, {}, *trained, ALONE) is None


def test_a_checkpoint_of_other_settings_is_refused_by_key(paths, trained):
    save_checkpoint(paths, {"training": {"lr": 0.1, "crop": 8}}, *trained, Progress(), ALONE)
    with pytest.raises(CheckpointError, match=r"training.lr: 0.1 -> 0.2") as caught:
        load_checkpoint(paths, {"training": {"lr": 0.2, "crop": 8}}, *trained, ALONE)
    assert "crop" not in str(caught.value)
    command = "danet train --experiment fcn_r50 --seed 2 --profile demo --recipe released_code --again"
    assert str(caught.value).endswith(f"set aside what is there: {command}")


@pytest.mark.parametrize("damage", ["cut off", "one bit", "empty", "gone"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(paths, trained, caplog, damage):
    for step in (1, 2, 3):
        save_checkpoint(paths, {}, *trained, Progress(step=step), ALONE)
    if damage == "one bit":
        flip_a_bit(paths.last, raw(trained[0].weight))
    elif damage == "gone":
        paths.last.unlink()
    else:
        paths.last.write_bytes(b"" if damage == "empty" else paths.last.read_bytes()[:500])
    assert load_checkpoint(paths, {}, *trained, ALONE).step == 2
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == (damage != "gone")
    assert all("last.pth" in line and f"going on from {paths.previous}" in line for line in warnings)


def test_when_both_are_damaged_the_training_does_not_silently_start_again(paths, trained):
    for step in (1, 2):
        save_checkpoint(paths, {}, *trained, Progress(step=step), ALONE)
    paths.last.write_bytes(b"")
    flip_a_bit(paths.previous, raw(trained[0].weight))
    with pytest.raises(CheckpointError, match=r"previous\.pth is damaged: its checksum") as caught:
        load_checkpoint(paths, {}, *trained, ALONE)
    assert "start again and set aside what is there: danet train" in str(caught.value)


def test_weights_in_place_of_a_checkpoint_are_refused(paths, trained):
    torch.save(trained[0].state_dict(), paths.last)
    with pytest.raises(CheckpointError, match=r"last\.pth is not a checkpoint of this project"):
        load_checkpoint(paths, {}, *trained, ALONE)


def test_a_full_disk_leaves_the_checkpoint_before(paths):
    """A limit on the size of files stands for the full disk; torch meets it in the same place."""
    network = nn.Linear(300, 300)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    save_checkpoint(paths, {}, network, optimiser, Progress(step=1), ALONE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StorageError, match=r"last\.pth: cannot be written"):
            save_checkpoint(paths, {}, network, optimiser, Progress(step=2), ALONE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(paths.root.iterdir()) == [paths.last]
    assert load_checkpoint(paths, {}, network, optimiser, ALONE).step == 1


def test_differing_keys_walks_nested_settings():
    before = {"a": 1, "b": {"c": [1, 2], "d": None}}
    now = {"a": 1, "b": {"c": [1, 3]}, "e": 5}
    assert differing_keys(before, now) == ["b.c: [1, 2] -> [1, 3]", "e: None -> 5"]

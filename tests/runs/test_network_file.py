"""What a run's final.pth may look like."""

import pytest
import torch

from danet.errors import CheckpointError
from danet.models.network import build_network
from danet.runs.network_file import load_network
from danet.settings import Experiment, load_plan


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return load_plan(profile="demo").experiment("fcn_r50")


@pytest.fixture
def final(tmp_path, experiment):
    """A final.pth as a training writes it: its path and content."""
    network = build_network(experiment.model)
    content = {
        "experiment": experiment.model_dump(mode="json"),
        "seed": 1,
        "network": network.state_dict(),
    }
    torch.save(content, tmp_path / "final.pth")
    return tmp_path / "final.pth", content


def test_final_checkpoint_is_read_back(final, experiment):
    path, content = final
    network, read_back = load_network(path)
    assert read_back == experiment
    assert not network.training
    state = network.state_dict()
    assert state.keys() == content["network"].keys()
    assert all(torch.equal(tensor, content["network"][name]) for name, tensor in state.items())


def test_missing_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match=r"final\.pth not found\n  -> .*danet train"):
        load_network(tmp_path / "final.pth")


def cut_off(path, content):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path, content):
    path.write_bytes(b"")


def of_text(path, content):
    path.write_text("no weights")


def of_weights_alone(path, content):
    torch.save(content["network"], path)


def of_a_tensor(path, content):
    torch.save(torch.zeros(3), path)


def of_another_network(path, content):
    content["network"]["head.classifier.1.bias"] = torch.zeros(7)
    torch.save(content, path)


def of_another_version(path, content):
    del content["experiment"]["model"]["dropout"]
    torch.save(content, path)


@pytest.mark.parametrize("spoil", [cut_off, empty, of_text])
def test_damaged_checkpoint_is_named(final, spoil):
    path, content = final
    spoil(path, content)
    with pytest.raises(CheckpointError, match=r"final\.pth cannot be read.*\n  -> .*danet train"):
        load_network(path)


@pytest.mark.parametrize(
    "spoil",
    [of_weights_alone, of_a_tensor, of_another_network, of_another_version],
)
def test_checkpoint_of_something_else_is_named(final, spoil):
    path, content = final
    spoil(path, content)
    with pytest.raises(CheckpointError, match=r"final\.pth is no trained network") as raised:
        load_network(path)
    assert str(raised.value).count("\n") == 1

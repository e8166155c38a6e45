"""One test that every network runs through, and what a run's final.pth may look like."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from danet.errors import CheckpointError
from danet.models.network import build_network, load_network, parameter_groups
from danet.settings import Experiment, load_params, resolve

RECIPES = {
    "paper_text": {
        "position_projection": "conv_bn_relu",
        "query_key_reduction": 1,
        "channel_similarity": "product",
    },
    "released_code": {
        "position_projection": "conv",
        "query_key_reduction": 8,
        "channel_similarity": "max_minus_product",
    },
}
HEADS = [(), ("position",), ("channel",), ("position", "channel")]
BACKBONES = [("resnet14_thin", None), ("resnet23_thin", None), ("resnet23_thin", (4, 8, 16))]


@pytest.mark.parametrize(
    ("backbone", "attention", "recipe"), list(itertools.product(BACKBONES, HEADS, RECIPES))
)
def test_every_network_trains_and_predicts(model_settings, backbone, attention, recipe):
    name, multi_grid = backbone
    torch.manual_seed(8)
    settings = model_settings(
        backbone=name, multi_grid=multi_grid, attention=attention, classes=5, **RECIPES[recipe]
    )
    network = build_network(settings)
    images, label = torch.randn(2, 3, 41, 48), torch.randint(0, 5, (2, 41, 48))

    outputs = network(images)
    assert isinstance(outputs, tuple)
    assert [output.shape for output in outputs] == [(2, 5, 41, 48)] * (3 if len(attention) == 2 else 1)
    sum(F.cross_entropy(output, label) for output in outputs).backward()
    untouched = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert untouched == []

    network.eval()
    with torch.inference_mode():
        torch.testing.assert_close(network.predict(images), network(images)[0])


def test_logits_are_upsampled_between_corner_pixels(model_settings):
    network = build_network(model_settings(attention=(), classes=3)).eval()
    images = torch.randn(1, 3, 33, 41)
    with torch.inference_mode():
        small, large = network.head(network.backbone(images))[0], network.predict(images)
    assert small.shape == (1, 3, 5, 6)
    torch.testing.assert_close(
        large[..., [0, 0, -1, -1], [0, -1, 0, -1]], small[..., [0, 0, -1, -1], [0, -1, 0, -1]]
    )
    torch.testing.assert_close(large[..., 4, 0], (small[..., 0, 0] + small[..., 1, 0]) / 2)


def test_parameter_groups_hold_every_parameter_once(model_settings):
    network = build_network(model_settings())
    backbone, head = parameter_groups(network, 0.003, 10.0)
    assert (backbone["name"], backbone["lr"]) == ("backbone", 0.003)
    assert (head["name"], head["lr"]) == ("head", pytest.approx(0.03))
    identities = [id(parameter) for group in (backbone, head) for parameter in group["params"]]
    assert sorted(identities) == sorted(id(parameter) for parameter in network.parameters())
    torch.optim.SGD([backbone, head], lr=1.0)


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return resolve(load_params(profile="demo"), "fcn_r50")


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
    with pytest.raises(CheckpointError, match=r"final\.pth is not here\n  -> .*danet train"):
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

"""Weights that fit, weights that do not, and what the user is told."""

import hashlib
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torchvision.models import get_weight

from danet.errors import CheckpointError
from danet.models import pretrained
from danet.models.network import build_network
from danet.models.pretrained import load_pretrained

PARTIAL_WEIGHTS = Path(__file__).parents[2] / "../shared/data/weights/resnet50_imagenet_stem_to_layer2.pth"


@pytest.fixture
def network(model_settings):
    return build_network(model_settings(attention=()))


@pytest.fixture
def weights(network) -> dict[str, torch.Tensor]:
    """Other values for every tensor of the backbone."""
    return {name: torch.full_like(tensor, 2) for name, tensor in network.backbone.state_dict().items()}


def load(network, content, folder: Path) -> list[str]:
    torch.save(content, folder / "weights.pth")
    return load_pretrained(network, str(folder / "weights.pth"), "resnet14_thin").not_loaded


def test_none_leaves_everything_random(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    loaded = load_pretrained(network, "none", "resnet14_thin")
    names = loaded.not_loaded
    assert (loaded.file, loaded.sha256) == (None, None)
    assert "conv1.weight" in names
    assert "layer4.0.bn3.running_var" in names
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_whole_backbone_with_a_classifier_to_drop(network, weights, tmp_path):
    weights |= {"fc.weight": torch.zeros(1000, 256), "fc.bias": torch.zeros(1000)}
    head = network.head.classifier[1].weight.clone()
    assert load(network, weights, tmp_path) == []
    assert all((tensor == 2).all() for tensor in network.backbone.state_dict().values())
    assert torch.equal(network.head.classifier[1].weight, head)


def test_absent_tensors_are_named_and_stay(network, weights, tmp_path):
    kept = network.backbone.layer4[0].conv1.weight.clone()
    del weights["layer4.0.conv1.weight"], weights["bn1.num_batches_tracked"]
    assert load(network, weights, tmp_path) == ["layer4.0.conv1.weight"]
    assert torch.equal(network.backbone.layer4[0].conv1.weight, kept)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda weights: {}, "holds no tensor of resnet14_thin"),
        (lambda weights: {"fc.bias": torch.zeros(1)}, "holds no tensor of resnet14_thin"),
        (lambda weights: weights | {"conv1.0.weight": torch.zeros(1)}, r"no tensor conv1\.0\.weight"),
        (
            lambda weights: weights | {"conv1.weight": torch.zeros(64, 3, 7, 7)},
            r"conv1\.weight has shape \(64, 3, 7, 7\), in resnet14_thin \(8, 3, 7, 7\)",
        ),
        (lambda weights: {"state_dict": weights}, "not a table of tensors"),
        (lambda weights: [1, 2], "not a table of tensors"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(network, weights, tmp_path, spoil, message):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(CheckpointError, match=message) as raised:
        load(network, spoil(weights), tmp_path)
    assert "weights.pth" in str(raised.value)
    assert "training.pretrained" in str(raised.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"])
def test_damaged_file(network, tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"weights\.pth cannot be read"):
        load_pretrained(network, str(path), "resnet14_thin")


def test_missing_file(network, tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere\.pth not found"):
        load_pretrained(network, str(tmp_path / "nowhere.pth"), "resnet14_thin")


def test_stand_in_has_no_imagenet_weights(network):
    with pytest.raises(
        CheckpointError,
        match="no ImageNet weights for the backbone resnet14_thin\n  -> state pretrained: none",
    ):
        load_pretrained(network, "imagenet", "resnet14_thin")


def test_failed_download_says_where_the_file_goes(network, tmp_path, monkeypatch):
    def no_network(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    with pytest.raises(CheckpointError) as raised:
        load_pretrained(network, "imagenet", "resnet50")
    message = str(raised.value)
    assert "https://download.pytorch.org/models/resnet50-0676ba61.pth" in message
    assert "no route to host" in message
    assert str(tmp_path / "hub" / "checkpoints") in message
    assert "DANET_RESNET50_WEIGHTS" in message


def test_a_variable_names_other_imagenet_weights(model_settings, tmp_path, monkeypatch):
    network = build_network(model_settings(backbone="resnet50", attention=()))
    path = tmp_path / "mine.pth"
    torch.save({"bn1.bias": torch.full((64,), 5.0)}, path)
    monkeypatch.setenv("DANET_RESNET50_WEIGHTS", str(path))
    loaded = load_pretrained(network, "imagenet", "resnet50")
    assert (network.backbone.bn1.bias == 5).all()
    assert loaded.file == "mine.pth"
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "conv1.weight" in loaded.not_loaded
    monkeypatch.setenv("DANET_RESNET50_WEIGHTS", str(tmp_path / "nowhere.pth"))
    with pytest.raises(CheckpointError, match=r"nowhere\.pth not found\n  -> correct DANET_RESNET50_WEIGHTS"):
        load_pretrained(network, "imagenet", "resnet50")


def test_damaged_file_in_the_cache_is_no_traceback(network, tmp_path, monkeypatch):
    cached = tmp_path / "hub" / "checkpoints" / "resnet50-0676ba61.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"cut off")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"resnet50-0676ba61\.pth"):
        load_pretrained(network, "imagenet", "resnet50")


@pytest.mark.parametrize("name", pretrained.IMAGENET_WEIGHTS)
def test_imagenet_names_exist_in_torchvision(name):
    weights = get_weight(pretrained.IMAGENET_WEIGHTS[name])
    assert f"/{name}-" in weights.url


@pytest.mark.skipif(not PARTIAL_WEIGHTS.exists(), reason="the weights to develop with are not here")
def test_real_partial_weights(model_settings):
    network = build_network(model_settings(backbone="resnet50", attention=()))
    names = load_pretrained(network, str(PARTIAL_WEIGHTS), "resnet50").not_loaded
    assert {name.split(".")[0] for name in names} == {"layer3", "layer4"}
    # ImageNet's stem has seen images: its statistics are not those of a new layer.
    assert not torch.equal(network.backbone.bn1.running_mean, torch.zeros(64))

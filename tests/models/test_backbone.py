"""The backbone against torchvision's own dilated ResNet, and its dilations block by block."""

import math

import pytest
import torch
from torchvision.models import resnet50, resnet101

from danet.models.backbone import LAYOUTS, DilatedResNet

COUNTS = {"resnet50": 23_508_032, "resnet101": 42_500_160}


@pytest.fixture(scope="module")
def backbone() -> DilatedResNet:
    torch.manual_seed(1)
    return DilatedResNet(LAYOUTS["resnet50"]).eval()


def dilations(stage: torch.nn.Sequential) -> list[int]:
    """Dilation of the 3x3 convolution of each block, checked to equal its padding."""
    for block in stage:
        assert block.conv2.padding == block.conv2.dilation
    return [block.conv2.dilation[0] for block in stage]


def test_features_equal_those_of_torchvision(backbone):
    reference = resnet50(replace_stride_with_dilation=[False, True, True]).eval()
    reference.load_state_dict(backbone.state_dict(), strict=False)
    reference.avgpool = reference.fc = torch.nn.Identity()
    images = torch.randn(1, 3, 65, 72)
    with torch.inference_mode():
        (ours,), theirs = backbone(images), reference(images)
    assert ours.shape == (1, 2048, 9, 9)
    assert torch.equal(ours.flatten(1), theirs)


@pytest.mark.parametrize(("name", "build"), [("resnet50", resnet50), ("resnet101", resnet101)])
def test_names_and_shapes_are_torchvisions(name, build):
    with torch.device("meta"):
        ours, theirs = DilatedResNet(LAYOUTS[name]), build()
    expected = {key: tensor.shape for key, tensor in theirs.state_dict().items() if not key.startswith("fc.")}
    assert {key: tensor.shape for key, tensor in ours.state_dict().items()} == expected
    assert sum(parameter.numel() for parameter in ours.parameters()) == COUNTS[name]


@pytest.mark.parametrize(
    ("name", "multi_grid", "third", "fourth"),
    [
        ("resnet50", None, [1] + [2] * 5, [2, 4, 4]),
        ("resnet50", (4, 8, 16), [1] + [2] * 5, [4, 8, 16]),
        ("resnet101", None, [1] + [2] * 22, [2, 4, 4]),
        ("resnet101", (4, 8, 16), [1] + [2] * 22, [4, 8, 16]),
        ("resnet14_thin", None, [1], [2]),
        ("resnet23_thin", (4, 8, 16), [1, 2], [4, 8, 16]),
    ],
)
def test_dilations(name, multi_grid, third, fourth):
    with torch.device("meta"):
        backbone = DilatedResNet(LAYOUTS[name], multi_grid)
    assert dilations(backbone.layer1) == [1] * LAYOUTS[name].blocks[0]
    assert dilations(backbone.layer2) == [1] * LAYOUTS[name].blocks[1]
    assert dilations(backbone.layer3) == third
    assert dilations(backbone.layer4) == fourth


@pytest.mark.parametrize(
    ("name", "dilation", "third", "fourth"),
    [
        ("resnet101", "hybrid", [2] + [2, 5, 9, 1] * 5 + [2, 5], [5, 9, 17]),
        ("resnet50", "hybrid", [2, 2, 5, 9, 1, 2], [5, 9, 17]),
        ("resnet14_thin", "hybrid", [2], [5]),
        ("resnet50", "none", [1] * 6, [1] * 3),
    ],
)
def test_other_dilations(name, dilation, third, fourth):
    with torch.device("meta"):
        backbone = DilatedResNet(LAYOUTS[name], dilation=dilation)
    assert (dilations(backbone.layer3), dilations(backbone.layer4)) == (third, fourth)


def test_without_dilation_it_is_the_plain_network():
    torch.manual_seed(2)
    backbone, reference = DilatedResNet(LAYOUTS["resnet50"], dilation="none").eval(), resnet50().eval()
    reference.load_state_dict(backbone.state_dict(), strict=False)
    reference.avgpool = reference.fc = torch.nn.Identity()
    images = torch.randn(1, 3, 65, 72)
    with torch.inference_mode():
        given, third, fourth = backbone(images, (0, 3, 4))
        assert torch.equal(fourth.flatten(1), reference(images))
    assert given is images
    assert (third.shape, fourth.shape) == ((1, 1024, 5, 5), (1, 2048, 3, 3))


@pytest.mark.parametrize("name", LAYOUTS)
def test_layers_are_counted_by_the_name(name):
    # One convolution in the stem, three in each block, and the classifier that is left out.
    assert f"resnet{2 + 3 * sum(LAYOUTS[name].blocks)}" == name.partition("_")[0]


def test_initial_values(backbone):
    weight = backbone.layer4[1].conv2.weight
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (3 * 3 * 512)), rel=0.01)
    assert weight.mean().item() == pytest.approx(0, abs=1e-3)
    assert torch.equal(backbone.bn1.weight, torch.ones(64))
    assert torch.equal(backbone.bn1.bias, torch.zeros(64))

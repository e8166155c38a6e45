"""The one list that every head runs through, on the networks that experiments build with it."""

import itertools
from typing import ClassVar

import pytest
import torch
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from danet.heads import HEADS, PAPERS
from danet.models.attention.position import force_attention
from danet.models.heads import Head, head_class
from danet.models.network import SegmentationNetwork, build_network
from danet.settings import Model

RECIPES = {
    "paper_text": {
        "position_projection": "conv_bn_relu",
        "query_key_reduction": 1,
        "channel_similarity": "product",
        "auxiliary_losses": False,
    },
    "released_code": {
        "position_projection": "conv",
        "query_key_reduction": 8,
        "channel_similarity": "max_minus_product",
        "auxiliary_losses": True,
    },
}
VARIANTS = {"danet": [("position",), ("channel",), ("position", "channel")]}
"""Attention modules with which a head is tried, under both recipes; other heads have no such option."""
# For 2048 channels and 19 classes, from the sizes of the layers.
BRANCH = (2048 * 512 * 9 + 2 * 512) + (512 * 512 * 9 + 2 * 512)  # two 3x3 convolutions with BatchNorm
CLASSIFIER = 512 * 19 + 19
PROJECTIONS = {"released_code": 328_320, "paper_text": 789_504}
CLASSIFIERS = {"released_code": 3, "paper_text": 1}
PARAMETERS = {
    ("fcn", ()): lambda recipe: 2048 * 512 * 9 + 2 * 512 + CLASSIFIER,
    ("danet", ("position",)): lambda recipe: BRANCH + PROJECTIONS[recipe] + 1 + CLASSIFIER,
    ("danet", ("channel",)): lambda recipe: BRANCH + 1 + CLASSIFIER,
    ("danet", ("position", "channel")): lambda recipe: (
        2 * (BRANCH + 1) + PROJECTIONS[recipe] + CLASSIFIERS[recipe] * CLASSIFIER
    ),
    # Others: what their authors' classes have (docs/peers.md), beside the auxiliary classifier.
    ("fcn_wide", ()): lambda recipe: 1298 * (2048 * 9 + 2 + 19) + 19,
    ("pspnet", ()): lambda recipe: 23_083_539 + AUXILIARY,
    ("deeplabv3", ()): lambda recipe: 16_130_323,
    ("nonlocal", ()): lambda recipe: 24_131_859 + AUXILIARY,
    ("ccnet", ()): lambda recipe: 23_934_100 + WIDE_AUXILIARY,
    ("ocrnet", ()): lambda recipe: 10_635_027 + WIDE_AUXILIARY,
    ("encnet", ()): lambda recipe: 10_000_006 + AUXILIARY,
    ("psanet", ()): lambda recipe: 32_853_523 + AUXILIARY,
    ("denseaspp", ()): lambda recipe: 8_925_715,
    ("deeplabv2", ()): lambda recipe: 4 * (2048 * 19 * 9 + 19),
    ("dnl", ()): lambda recipe: 24_131_093 + WIDE_AUXILIARY,
    ("upernet", ()): lambda recipe: 40_523_283 + AUXILIARY,
    ("gcn", ()): lambda recipe: 2_291_248,
    ("duc", ()): lambda recipe: 4 * (2048 * 16 * 19 * 9 + 16 * 19),
    ("ccl", ()): lambda recipe: 31_022_771,
    ("dranet", ()): lambda recipe: 28_753_335 + AUXILIARY,
    ("fcn8s", ()): lambda recipe: (2048 + 1024 + 512) * 19 + 3 * 19,
    ("refinenet", ()): lambda recipe: 75_547_667,
    ("bisenet", ()): lambda recipe: 5_615_481,
}
# A 3x3 convolution of stage 3 and a classifier; the wide one's convolution has a bias.
AUXILIARY = 1024 * 256 * 9 + 2 * 256 + 256 * 19 + 19
WIDE_AUXILIARY = 1024 * 512 * 9 + 512 + 2 * 512 + CLASSIFIER
CASES = [
    (head, attention, recipe)
    for head in HEADS
    for attention, recipe in (
        itertools.product(VARIANTS[head], RECIPES) if head in VARIANTS else [((), "paper_text")]
    )
]


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0], *case[1], case[2]]))
def case(request) -> tuple[str, tuple[str, ...], str]:
    return request.param


@pytest.fixture
def settings(case, model_settings) -> Model:
    head, attention, recipe = case
    return model_settings(attention, head=head, classes=5, **RECIPES[recipe])


@pytest.fixture
def network(settings) -> SegmentationNetwork:
    torch.manual_seed(8)
    return build_network(settings)


def test_outputs_have_the_size_of_the_images_and_every_parameter_learns(network):
    images, label = torch.randn(2, 3, 41, 48), torch.randint(0, 5, (2, 41, 48))
    outputs, own = network(images), network.head.own_losses
    assert list(outputs) == list(network.head.outputs)
    assert {output.shape for name, output in outputs.items() if name not in own} == {(2, 5, 41, 48)}
    losses = [own.get(name, F.cross_entropy)(output, label) for name, output in outputs.items()]
    sum(losses).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("size", [(33, 57), (8, 8), (65, 40)])
def test_any_size_will_do(network, size):
    network.eval()
    with torch.inference_mode():
        assert network.predict(torch.randn(1, 3, *size)).shape == (1, 5, *size)


def test_a_backbone_without_dilation_will_do(settings):
    network = build_network(settings.model_copy(update={"dilation": "none"})).eval()
    with torch.inference_mode():
        assert network.predict(torch.randn(1, 3, 65, 90)).shape == (1, 5, 65, 90)


def test_evaluation_is_deterministic_and_predicts_the_first_output(network):
    network.eval()
    images = torch.randn(1, 3, 41, 48)
    with torch.inference_mode():
        first, again, outputs = network.predict(images), network.predict(images), network(images)
    assert torch.equal(first, again)
    torch.testing.assert_close(first, outputs[next(iter(network.head.outputs))])


def test_bfloat16_changes_only_the_last_digits(network):
    network.eval()
    images = torch.randn(1, 3, 41, 48)
    with torch.inference_mode():
        exact = network.predict(images)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network.predict(images)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).norm() < 0.05 * exact.norm() + 1e-6


def test_training_with_the_smallest_batch(network):
    """One image, but for heads that normalise a 1x1 map; they say so before torch has to."""
    smallest = network.head.smallest_batch
    assert torch.isfinite(sum(output.sum() for output in network(torch.randn(smallest, 3, 33, 40)).values()))
    if smallest > 1:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            network(torch.randn(smallest - 1, 3, 33, 40))


def test_prediction_is_one_graph(network):
    """Nothing in Python depends on the values of tensors, as writers of other formats need it."""
    network.eval()
    force_attention(network, "textbook")
    with torch.no_grad():
        features = network.backbone(torch.randn(1, 3, 41, 48), network.head.stages)
        exported = torch.export.export(Prediction(network.head), features).module()
        torch.testing.assert_close(exported(*features), network.head.predict(*features))


class Prediction(torch.nn.Module):
    """What inference needs of a head."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(self, *features: torch.Tensor) -> torch.Tensor:
        return self.head.predict(*features)


@pytest.mark.parametrize("name", ["danet", "nonlocal", "dnl", "ccnet", "ocrnet", "encnet", "dranet"])
def test_memory_grows_with_the_positions_and_not_with_their_square(name, model_settings):
    attention = ("position", "channel") if name == "danet" else ()
    head = build_network(model_settings(attention, head=name)).eval().head
    side = 64
    sizes = {1: (32, 2 * side), 2: (128, side), 3: (128, side), 4: (256, side)}
    channels, sides = zip(*(sizes[stage] for stage in head.stages), strict=True)
    features = [torch.randn(1, c, s, s) for c, s in zip(channels, sides, strict=True)]
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        head.predict(*features)
    largest = max(event.cpu_memory_usage for event in record.events())
    assert largest < 4 * side**4  # bytes of all pairs of positions


def test_the_state_dict_makes_the_same_network_again(network, settings):
    other = build_network(settings)
    other.load_state_dict(network.state_dict())
    images = torch.randn(1, 3, 32, 40)
    with torch.inference_mode():
        assert torch.equal(network.eval().predict(images), other.eval().predict(images))


def test_number_of_parameters(case, model_settings):
    head, attention, recipe = case
    with torch.device("meta"):
        built = build_network(model_settings(attention, head=head, backbone="resnet50", **RECIPES[recipe]))
    assert sum(parameter.numel() for parameter in built.head.parameters()) == PARAMETERS[head, attention](
        recipe
    )


def test_papers_are_those_of_heads():
    assert set(PAPERS) <= set(HEADS)
    assert all(paper.name and paper.key.isalnum() and paper.citation for paper in PAPERS.values())


@pytest.mark.parametrize("name", HEADS)
def test_the_table_names_classes_that_state_their_outputs_and_stages(name):
    head = head_class(name)
    assert issubclass(head, Head)
    assert set(head.stages) <= {0, 1, 2, 3, 4}
    assert len(head.outputs) >= 1
    assert all(weight > 0 for weight in head.outputs.values())
    assert set(head.own_losses) < set(head.outputs)
    assert next(iter(head.outputs)) not in head.own_losses


class TwoStageHead(Head):
    """Reads stages 2 and 4, and has an auxiliary output with a loss weight of its own."""

    stages = (2, 4)
    outputs: ClassVar = {"main": 1.0, "auxiliary": 0.4}

    def __init__(self, shallow: int, deep: int, classes: int) -> None:
        super().__init__()
        self.main = torch.nn.Conv2d(deep, classes, 1)
        self.auxiliary = torch.nn.Conv2d(shallow, classes, 1)

    @classmethod
    def build(cls, model, channels):
        return cls(*channels, model.classes)

    def forward(self, shallow, deep):
        return {"main": self.main(deep), "auxiliary": self.auxiliary(shallow)}


def test_a_head_chooses_its_stages_of_the_backbone(model_settings, monkeypatch):
    monkeypatch.setitem(HEADS, "two_stages", f"{__name__}.TwoStageHead")
    network = build_network(model_settings((), head="two_stages", classes=5)).eval()
    images = torch.randn(1, 3, 40, 48)
    with torch.inference_mode():
        assert [features.shape[1] for features in network.backbone(images, (2, 4))] == [64, 256]
        assert {name: tuple(out.shape) for name, out in network(images).items()} == {
            "main": (1, 5, 40, 48),
            "auxiliary": (1, 5, 40, 48),
        }

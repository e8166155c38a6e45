"""The cost of whole networks against layer-by-layer sums and the published counts."""

import pytest
import torch
from torch import Tensor, nn

from danet.models.network import build_network
from danet.planning.cost import parameter_bytes, prediction_cost, training_cost
from danet.settings import Model, load_plan

CROP, BATCH = 96, 3
N = (CROP // 8) ** 2


def model(experiment: str = "danet_r50", profile: str = "demo", recipe: str = "released_code") -> Model:
    return load_plan(profile=profile, recipe=recipe).experiment(experiment).model


def convolution_flops(settings: Model) -> list[int]:
    """Forward operations of each convolution of the network, in order, for one image."""
    flops: list[int] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        flops.append(2 * output[0].numel() * layer.weight[0].numel())

    with torch.device("meta"):
        network = build_network(settings)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(count)
        network.backbone(torch.empty(1, 3, CROP, CROP))
    with torch.device("cpu"):
        head = build_network(settings).head
        for layer in head.modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(count)
        head.eval()(torch.zeros(1, network.backbone.channels[4], CROP // 8, CROP // 8))
    return flops


@pytest.mark.parametrize("recipe", ["paper_text", "released_code"])
def test_a_step_is_its_convolutions_and_its_attention(recipe: str) -> None:
    settings = model(recipe=recipe)
    channels = build_network(settings).backbone.channels[4] // 4
    width = channels // settings.query_key_reduction
    position = 2 * N * N * (width + channels)  # query . key, and the sum over all positions
    channel = 2 * channels * channels * (N + N)  # A . A^T, and the sum over all channels
    stem, *others = convolution_flops(settings)
    # Backward has two products for each one of forward; nobody asks for the gradient of the images.
    one_image = 2 * stem + 3 * (sum(others) + position + channel)
    cost = training_cost(settings, CROP, BATCH, bfloat16=False, whole_map=False)
    assert cost.flops == BATCH * one_image


@pytest.mark.parametrize(("experiment", "giga"), [("danet_r50", 498.7), ("danet_r101", 673.3)])
def test_the_published_networks(experiment: str, giga: float) -> None:
    # Multiply-accumulates of one 768x768 image, counted by hand from the released code's layers.
    flops = prediction_cost(model(experiment, "paper"), 768, 768).flops
    assert flops / 2e9 == pytest.approx(giga, rel=1e-3)


def test_precision_changes_bytes_and_no_operation() -> None:
    full = training_cost(model(), CROP, BATCH, bfloat16=False, whole_map=False)
    half = training_cost(model(), CROP, BATCH, bfloat16=True, whole_map=False)
    assert half.flops == full.flops
    assert 0.5 * full.peak_bytes < half.peak_bytes < full.peak_bytes


def test_memory_grows_with_the_batch() -> None:
    costs = [training_cost(model(), CROP, batch, False, False).peak_bytes for batch in (2, 4, 6)]
    assert costs[2] - costs[1] == pytest.approx(costs[1] - costs[0], rel=0.01)
    # Weights and momentum are there for any batch; gradients come as activations go.
    assert 2 * costs[0] - costs[1] == pytest.approx(2 * parameter_bytes(model()), rel=0.05)


def test_a_whole_attention_map_takes_its_bytes() -> None:
    without = training_cost(model("danet_r50_pam"), CROP, BATCH, False, whole_map=False).peak_bytes
    with_it = training_cost(model("danet_r50_pam"), CROP, BATCH, False, whole_map=True).peak_bytes
    one = 4 * BATCH * N * N
    assert one <= with_it - without <= 4 * one


def test_counting_leaves_no_gradients_behind() -> None:
    first = training_cost(model(), CROP, 5, False, False)
    assert training_cost.__wrapped__(model(), CROP, 5, False, False) == first

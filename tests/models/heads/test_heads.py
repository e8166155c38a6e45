"""What each head is made of, counted and taken apart."""

import pytest
import torch

from danet.models.heads.danet import DANetHead
from danet.models.heads.fcn import FCNHead
from danet.models.network import build_network


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("classes", "parameters"), [(19, 23_954_619), (59, 24_016_179), (60, 24_017_718), (171, 24_188_547)]
)
def test_size_of_the_released_head(model_settings, classes, parameters):
    with torch.device("meta"):
        network = build_network(model_settings(backbone="resnet50", classes=classes))
    assert count(network.head) == parameters


@pytest.mark.parametrize("attention", [("position",), ("channel",)])
def test_one_attention_is_half_of_the_dual_head(model_settings, attention):
    with torch.device("meta"):
        single, other, both = (
            build_network(model_settings(backbone="resnet50", attention=names)).head
            for names in (
                attention,
                {("position",): ("channel",), ("channel",): ("position",)}[attention],
                ("position", "channel"),
            )
        )
    assert count(both) == count(single) + count(other) + count(both.fused_classifier)


def test_fcn_is_a_branch_without_attention():
    head = FCNHead(2048, 19, 0.1)
    assert count(head) == 2048 * 512 * 9 + 2 * 512 + 512 * 19 + 19


def test_fused_output_classifies_the_sum_of_the_branches(model_settings):
    torch.manual_seed(6)
    head: DANetHead = build_network(model_settings()).head.eval()
    for parameter in (head.position.attention.alpha, head.channel.attention.beta):
        torch.nn.init.constant_(parameter, 0.5)
    features = torch.randn(2, 256, 6, 7)
    fused, position, channel = head(features).values()

    def classify(layer, branch_features):
        weight, bias = layer[1].weight[:, :, 0, 0], layer[1].bias
        return torch.einsum("kc,bchw->bkhw", weight, branch_features) + bias[:, None, None]

    branches = head.position(features), head.channel(features)
    torch.testing.assert_close(fused, classify(head.fused_classifier, sum(branches)))
    torch.testing.assert_close(position, classify(head.position_classifier, branches[0]))
    torch.testing.assert_close(channel, classify(head.channel_classifier, branches[1]))


def test_dropout_drops_whole_channels_in_training_only(model_settings):
    torch.manual_seed(7)
    head = build_network(model_settings(attention=(), dropout=0.5)).head
    dropout = head.classifier[0]
    dropped = dropout(torch.ones(4, 64, 3, 3))
    shares = dropped.flatten(2)
    assert torch.equal(shares.amin(-1), shares.amax(-1))
    assert 0.3 < (shares[..., 0] == 0).float().mean() < 0.7
    head.eval()
    assert torch.equal(dropout(torch.ones(1, 4, 2, 2)), torch.ones(1, 4, 2, 2))


def test_attention_starts_as_two_plain_branches(model_settings):
    branch = build_network(model_settings(attention=("position",))).head.branch.eval()
    features = torch.randn(1, 256, 4, 4)
    torch.testing.assert_close(branch(features), branch.refine(branch.reduce(features)))

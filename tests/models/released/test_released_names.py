"""Names of others against DANets that are written under these names, output by output."""

import pytest
import torch
from released_networks import AuthorsDANet, MmsegmentationDANet, trained

from danet.errors import CheckpointError
from danet.models.network import build_network
from danet.models.released.names import (
    NAMES,
    from_released,
    published_protocol,
    to_released,
    with_counters,
)

BUILD = {"authors": AuthorsDANet, "mmsegmentation": MmsegmentationDANet}
DROPPED = {
    "authors": ("pretrained.fc.weight", "pretrained.fc.bias"),
    "mmsegmentation": ("auxiliary_head.conv_seg.weight", "auxiliary_head.conv_seg.bias"),
}


@pytest.mark.parametrize("style", NAMES)
@pytest.mark.parametrize(("depth", "multi_grid"), [(50, None), (101, (4, 8, 16))])
def test_outputs_are_those_of_the_other_network(style, depth, multi_grid, model_settings):
    torch.manual_seed(depth)
    theirs = trained(BUILD[style](depth, 19, multi_grid))
    translation = from_released(theirs.state_dict())
    assert (translation.style, translation.dropped, translation.unknown) == (style, DROPPED[style], ())

    ours = build_network(model_settings(backbone=f"resnet{depth}", multi_grid=multi_grid)).eval()
    ours.load_state_dict(translation.state)
    images = torch.randn(1, 3, 64, 72)
    with torch.inference_mode():
        for (name, one), other in zip(ours(images).items(), theirs(images), strict=True):
            assert other.std() > 0.01, name
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("style", NAMES)
def test_the_way_back_gives_every_tensor(style):
    theirs = trained(BUILD[style](50, 19)).state_dict()
    back = to_released(from_released(theirs).state, style)
    kept = {name: tensor for name, tensor in theirs.items() if name not in DROPPED[style]}
    assert back.keys() == kept.keys()
    for name, tensor in kept.items():
        assert back[name].shape == tensor.shape, name
        assert torch.equal(back[name], tensor), name


@pytest.mark.parametrize("style", NAMES)
def test_all_of_our_names_have_one_of_theirs(style, model_settings):
    with torch.device("meta"):
        ours, theirs = build_network(model_settings(backbone="resnet101")), BUILD[style](101, 19)
    names = to_released(ours.state_dict(), style)
    assert names.keys() == theirs.state_dict().keys() - set(DROPPED[style])
    assert len(names) == len(ours.state_dict())


def test_the_head_has_the_released_number_of_parameters(model_settings):
    with torch.device("meta"):
        ours, theirs = build_network(model_settings(backbone="resnet50")), AuthorsDANet(50, 19)
    for head in (ours.head, theirs.head):
        assert sum(parameter.numel() for parameter in head.parameters()) == 23_954_619


def test_counters_that_old_files_lack_become_zeros(model_settings):
    with torch.device("meta"):
        wanted = build_network(model_settings()).state_dict()
    state = {name: tensor for name, tensor in wanted.items() if not name.endswith("num_batches_tracked")}
    completed = with_counters(state, wanted)
    assert completed.keys() == wanted.keys()
    added = [completed[name] for name in completed.keys() - state.keys()]
    assert added
    assert all(tensor.shape == () and tensor.item() == 0 for tensor in added)


def test_names_of_no_danet_are_told():
    state = {"pretrained.conv1.weight": torch.zeros(1), "head.conv9.weight": torch.zeros(1)}
    assert from_released(state).unknown == ("head.conv9.weight",)


def test_the_wide_deep_stem_is_refused():
    state = {"pretrained.conv1.0.weight": torch.zeros(64, 3, 3, 3)}
    with pytest.raises(CheckpointError, match=r"64, 64 and 128 channels \(pretrained\.conv1\.0\.weight\)"):
        from_released(state)


@pytest.mark.parametrize("depth", [50, 101])
def test_mmsegmentations_deep_stem(depth, model_settings):
    torch.manual_seed(depth)
    theirs = trained(MmsegmentationDANet(depth, 19, deep_stem=True))
    published = {f"module.{name}": tensor for name, tensor in theirs.state_dict().items()}
    translation = from_released(published)
    assert (translation.dropped, translation.unknown) == (DROPPED["mmsegmentation"], ())
    ours = build_network(model_settings(backbone=f"resnet{depth}_v1c")).eval()
    ours.load_state_dict(translation.state)
    images = torch.randn(1, 3, 64, 72)
    with torch.inference_mode():
        torch.testing.assert_close(ours.predict(images), theirs(images)[0], rtol=1e-4, atol=1e-4)
    assert sum(t.numel() for t in ours.backbone.stem.parameters()) == 28_768


def test_a_prefix_that_only_some_names_have_is_no_prefix():
    state = {"module.head.conv8.1.bias": torch.zeros(19), "pretrained.bn1.bias": torch.zeros(64)}
    assert from_released(state).unknown == ("module.head.conv8.1.bias",)


@pytest.mark.parametrize(
    ("style", "file", "protocol"),
    [
        ("authors", "DANet101.pth.tar", "ss"),
        ("mmsegmentation", "danet_r101-d8_512x1024_40k_cityscapes_20200605.pth", "whole"),
        ("mmsegmentation", "danet_r101-d8_769x769_80k_cityscapes_20200607.pth", "windows_769"),
    ],
)
def test_the_protocol_of_the_publisher(style, file, protocol):
    assert published_protocol(style, file) == protocol


def test_other_state_dicts_are_refused():
    with pytest.raises(CheckpointError, match=r"the first is fc\.weight"):
        from_released({"fc.weight": torch.zeros(1)})


def test_networks_without_counterpart_have_no_way_back(model_settings):
    with torch.device("meta"):
        state = build_network(model_settings(attention=("position",))).state_dict()
    with pytest.raises(KeyError, match="no counterpart"):
        to_released(state, "authors")

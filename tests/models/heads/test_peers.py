"""The other networks' heads against torchvision's, or against their formulas written out."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead as TorchvisionFCNHead

from danet.models.heads.auxiliary import HeadWithAuxiliary
from danet.models.heads.bisenet import AttentionRefinement, BiSeHead, FeatureFusion
from danet.models.heads.ccl import BLOCKS, CCLHead, ContextContrast, GatedSum
from danet.models.heads.ccnet import CrissCrossAttention, RecurrentCrissCross
from danet.models.heads.deeplabv2 import DeepLabV2Head
from danet.models.heads.deeplabv3 import DeepLabV3Head
from danet.models.heads.denseaspp import DenseASPPHead
from danet.models.heads.dnl import DisentangledNonLocal
from danet.models.heads.dranet import CompactChannelAttention, CompactPositionAttention, CrossLevelGating
from danet.models.heads.duc import DUCHead
from danet.models.heads.encnet import CODEWORDS, EncHead, Encoding, presence_loss
from danet.models.heads.fcn import FCNHead
from danet.models.heads.fcn8s import FCN8sHead
from danet.models.heads.gcn import BoundaryRefinement, GCNHead, GlobalConvolution
from danet.models.heads.head import Head
from danet.models.heads.non_local import NonLocalBlock, NonLocalHead
from danet.models.heads.ocrnet import ObjectContext, OCRHead
from danet.models.heads.psanet import PointwiseSpatialAttention, PSAHead, absolute_places
from danet.models.heads.pspnet import PSPHead
from danet.models.heads.refinenet import ChainedPooling, Level, RefineHead, ResidualUnit
from danet.models.heads.upernet import UPerHead


def ready(module: nn.Module) -> nn.Module:
    """In float64 and evaluation mode, with every parameter and statistic away from what it starts at."""
    torch.manual_seed(11)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            fan_in = tensor[0].numel() if tensor.ndim > 1 else 1
            tensor.normal_(std=fan_in**-0.5)
            if name.endswith("running_var"):
                tensor.abs_().add_(0.5)
    return module.double().eval()


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def up(features: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(features, like.shape[-2:], mode="bilinear", align_corners=True)


def sequence(features: Tensor) -> Tensor:
    return features.flatten(2).transpose(1, 2)  # (B, N, C)


@torch.no_grad()
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: DeepLabV3Head(2048, 5, 0.1), lambda: DeepLabHead(2048, 5)),
        (lambda: FCNHead(64, 5, 0.1), lambda: TorchvisionFCNHead(64, 5)),
        (lambda: HeadWithAuxiliary(64, 5, 0.1).auxiliary, lambda: TorchvisionFCNHead(64, 5)),
    ],
    ids=["deeplabv3", "fcn", "auxiliary"],
)
def test_same_numbers_as_torchvision(ours, theirs):
    one, other = ours().eval(), theirs().eval()
    torch.manual_seed(12)
    for module in one.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    state = one.state_dict()
    other.load_state_dict(dict(zip(other.state_dict(), state.values(), strict=True)))
    features = torch.randn(2, next(iter(state.values())).shape[1], 9, 11)
    result = one.predict(features) if isinstance(one, Head) else one(features)
    torch.testing.assert_close(result, other(features))


@torch.no_grad()
def test_pyramid_pooling_is_means_of_parts_of_the_map():
    head, features = ready(PSPHead(16, 8, 3, 0.1)), randn(2, 16, 7, 8)
    height, width = features.shape[-2:]
    levels = [features]
    for bins, level in zip((1, 2, 3, 6), head.pooling.levels, strict=True):
        means = torch.empty(2, 16, bins, bins, dtype=torch.float64)
        for row, column in product(range(bins), repeat=2):
            top, bottom = row * height // bins, -(-(row + 1) * height // bins)
            left, right = column * width // bins, -(-(column + 1) * width // bins)
            means[:, :, row, column] = features[:, :, top:bottom, left:right].mean(dim=(2, 3))
        levels.append(up(level(means), features))
    expected = head.classifier(head.fuse(torch.cat(levels, dim=1)))
    torch.testing.assert_close(head.logits(features, features), expected)


@torch.no_grad()
def test_non_local_block_attends_to_all_positions():
    block, x = ready(NonLocalBlock(16)), randn(2, 16, 3, 4)
    theta, phi, g = (sequence(layer(x)) for layer in (block.theta, block.phi, block.g))
    weights = (theta @ phi.mT / 8**0.5).softmax(-1)
    torch.testing.assert_close(block(x), x + block.out((weights @ g).mT.reshape(2, 8, 3, 4)))
    torch.testing.assert_close(NonLocalBlock(16).eval()(x.float()), x.float())


@torch.no_grad()
def test_the_frame_of_a_context_block_joins_it_to_the_features():
    head, deep = ready(NonLocalHead(16, 8, 3, 0.1)), randn(1, 16, 4, 5)
    context = head.refine(head.block(head.reduce(deep)))
    expected = head.classifier(head.join(torch.cat([deep, context], dim=1)))
    torch.testing.assert_close(head.logits(deep, deep), expected)


@torch.no_grad()
def test_criss_cross_attention_sees_row_and_column_once():
    attention, x = ready(CrissCrossAttention(16)), randn(1, 16, 3, 4)
    query, key, value = (layer(x)[0] for layer in (attention.query, attention.key, attention.value))
    expected = x.clone()
    for y, column in product(range(3), range(4)):
        cross = [(i, column) for i in range(3) if i != y] + [(y, j) for j in range(4)]
        weights = torch.stack([query[:, y, column] @ key[:, i, j] for i, j in cross]).softmax(0)
        gathered = sum(weight * value[:, i, j] for weight, (i, j) in zip(weights, cross, strict=True))
        expected[0, :, y, column] += attention.gamma * gathered
    torch.testing.assert_close(attention(x), expected)


def test_criss_cross_twice_sees_everything():
    block, x = ready(RecurrentCrissCross(16)), randn(1, 16, 4, 5).requires_grad_()
    (gradient,) = torch.autograd.grad(block(x)[0, :, 1, 2].sum(), x)
    assert (gradient.abs().sum(dim=1) > 0).all()


@torch.no_grad()
def test_disentangled_block_is_a_pairwise_and_a_unary_sum():
    block, x = ready(DisentangledNonLocal(16)), randn(2, 16, 3, 4)
    query, key, value, mask = (
        sequence(layer(x)) for layer in (block.query, block.key, block.value, block.mask)
    )
    query, key = query - query.mean(1, keepdim=True), key - key.mean(1, keepdim=True)
    y = block.gamma * ((query @ key.mT).softmax(-1) @ value) + (mask.softmax(1) * value).sum(1, keepdim=True)
    torch.testing.assert_close(block(x), x + y.mT.reshape(x.shape))


@torch.no_grad()
def test_object_context_is_a_sum_over_classes():
    context, x, regions = ready(ObjectContext(16)), randn(2, 16, 3, 4), randn(2, 5, 3, 4)
    for image in range(2):
        pixels = x[image].flatten(1)  # (C, N)
        objects = []
        for region in regions[image].flatten(1):
            weights = torch.exp(region) / torch.exp(region).sum()
            objects.append(sum(weight * pixel for weight, pixel in zip(weights, pixels.T, strict=True)))
        objects = torch.stack(objects, dim=1)[None, :, :, None]  # (1, C, K, 1)
        query = context.query(x[image, None]).flatten(2)[0]
        key, value = (layer(objects)[0, :, :, 0] for layer in (context.key, context.value))
        relation = (query.T @ key / 8**0.5).softmax(1)  # (N, K)
        y = context.out((value @ relation.T).reshape(1, 8, 3, 4))
        expected = context.augment(torch.cat([y, x[image, None]], dim=1))
        torch.testing.assert_close(context(x[image, None], regions[image, None]), expected)
    torch.testing.assert_close(context(x, regions)[1:], expected)


@torch.no_grad()
def test_ocr_regions_are_the_auxiliary_output():
    head, deep, middle = ready(OCRHead(16, 8, 3, 0.1)), randn(1, 16, 4, 5), randn(1, 8, 4, 5)
    outputs = head(deep, middle)
    torch.testing.assert_close(outputs["auxiliary"], head.auxiliary(middle))
    expected = head.classifier(head.context(head.reduce(deep), outputs["auxiliary"]))
    torch.testing.assert_close(outputs["main"], expected)


@torch.no_grad()
def test_encoding_sums_residuals_to_codewords():
    encoding, x = ready(Encoding(6)), randn(2, 6, 3, 4)
    for image, codes in zip(x.flatten(2), encoding(x), strict=True):
        expected = torch.zeros(CODEWORDS, 6, dtype=torch.float64)
        for position in image.T:
            residuals = position - encoding.codewords  # (K, C)
            a = (encoding.smoothing * residuals.square().sum(1)).softmax(0)
            expected += a[:, None] * residuals
        torch.testing.assert_close(codes, expected)


def test_encoding_is_float32_under_autocast():
    torch.manual_seed(5)
    encoding, x = Encoding(16), torch.randn(1, 16, 3, 4)
    expected = encoding(x)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(encoding(x), expected, rtol=0, atol=0)


@torch.no_grad()
def test_encnet_gates_the_channels_of_its_features():
    head, deep = ready(EncHead(16, 8, 3, 0.1)), randn(2, 16, 4, 5)
    features = head.reduce(deep)
    convolve, encode, norm, relu = head.encode
    encoded = relu(norm(encode(convolve(features)))).mean(1)
    weight, bias = head.gate[0].weight, head.gate[0].bias
    gamma = torch.sigmoid(encoded @ weight.T + bias)
    gated = torch.relu(features * (1 + gamma[:, :, None, None]))
    outputs = head(deep, randn(2, 8, 4, 5))
    torch.testing.assert_close(outputs["main"], head.classifier(gated))
    torch.testing.assert_close(outputs["presence"], head.presence(encoded))


def test_presence_loss_asks_which_classes_occur():
    scores = randn(2, 4)
    label = torch.tensor([[[0, 0, 2], [2, 255, 0]], [[255, 255, 255], [3, 3, 3]]])
    terms = []
    for image, present in enumerate(({0, 2}, {3})):
        for k in range(4):
            probability = torch.sigmoid(scores[image, k])
            terms.append(-torch.log(probability if k in present else 1 - probability))
    loss = presence_loss(scores, label)
    torch.testing.assert_close(loss, torch.stack(terms).mean().float())


@torch.no_grad()
@pytest.mark.parametrize(("side", "size"), [(3, (4, 5)), (9, (4, 5)), (7, (4, 3)), (5, (1, 1)), (5, (1, 6))])
def test_weights_by_offset_become_weights_by_place(side, size):
    height, width = size
    mask = randn(2, side * side, height, width)
    expected = torch.zeros(2, height * width, height * width, dtype=torch.float64)
    places = list(product(range(height), range(width)))
    for (j, (v, u)), (i, (y, x)) in product(enumerate(places), enumerate(places)):
        row, column = v - y + side // 2, u - x + side // 2
        if 0 <= row < side and 0 <= column < side:
            expected[:, j, i] = mask[:, row * side + column, y, x]
    assert torch.equal(absolute_places(mask), expected)


@torch.no_grad()
@pytest.mark.parametrize("distributes", [False, True])
def test_pointwise_attention_collects_and_distributes(distributes):
    branch, features = ready(PointwiseSpatialAttention(16, 4, distributes)), randn(1, 16, 6, 7)
    reduced = branch.reduce(features)
    half = F.interpolate(reduced, (3, 4), mode="bilinear", align_corners=True)
    a = absolute_places(branch.attention(half))[0]  # [place, position that predicts]
    x = half[0].flatten(1)
    expected = torch.zeros_like(x)
    for target in range(12):
        # A source that distributes predicts the weight of the target; a target that collects, the source's.
        scores = torch.stack(
            [a[target, source] if distributes else a[source, target] for source in range(12)]
        )
        expected[:, target] = sum(w * x[:, source] for source, w in enumerate(scores.softmax(0)))
    torch.testing.assert_close(branch(features)[0].flatten(1), expected)


@torch.no_grad()
def test_psanet_puts_both_branches_beside_the_features():
    head, deep = ready(PSAHead(16, 8, 3, 0.1)), randn(1, 16, 6, 7)
    both = up(head.project(torch.cat([head.collect(deep), head.distribute(deep)], dim=1)), deep)
    expected = head.classifier(head.fuse(torch.cat([deep, both], dim=1)))
    torch.testing.assert_close(head.logits(deep, deep), expected)


@torch.no_grad()
def test_deeplabv2_sums_dilated_classifiers():
    head, features = ready(DeepLabV2Head(8, 3, 0.1)), randn(2, 8, 9, 10)
    expected = sum(
        F.conv2d(features, branch.weight, branch.bias, padding=rate, dilation=rate)
        for rate, branch in zip((6, 12, 18, 24), head.branches, strict=True)
    )
    torch.testing.assert_close(head(features)["main"], expected)


@torch.no_grad()
def test_denseaspp_puts_each_result_before_what_it_saw():
    head, features = ready(DenseASPPHead(32, 3, 0.1)), randn(1, 32, 9, 10)
    seen = features
    for number, (rate, layer) in enumerate(zip((3, 6, 12, 18, 24), head.layers, strict=True)):
        *norm, _, narrow, inner_norm, _, dilated, _ = layer
        assert len(norm) == (number > 0)
        inner = F.conv2d(F.relu(norm[0](seen) if norm else seen), narrow.weight, narrow.bias)
        result = F.conv2d(
            F.relu(inner_norm(inner)), dilated.weight, dilated.bias, padding=rate, dilation=rate
        )
        seen = torch.cat([result, seen], dim=1)
    torch.testing.assert_close(head(features)["main"], head.classifier(seen))


@torch.no_grad()
def test_upernet_adds_from_the_top_down():
    head = ready(UPerHead(32, 16, 8, 4, 3, 0.1))
    deep, middle, shallow, first = (
        randn(1, 32, 3, 4),
        randn(1, 16, 6, 8),
        randn(1, 8, 6, 8),
        randn(1, 4, 12, 16),
    )
    p4 = head.top(deep)
    p3 = head.lateral[0](middle) + up(p4, middle)
    p2 = head.lateral[1](shallow) + p3
    p1 = head.lateral[2](first) + up(p2, first)
    levels = [p4, *(smooth(p) for smooth, p in zip(head.smooth, (p3, p2, p1), strict=True))]
    fused = head.fuse(torch.cat([up(level, first) for level in levels], dim=1))
    torch.testing.assert_close(head.logits(deep, middle, shallow, first), head.classifier(fused))


@torch.no_grad()
def test_global_convolution_is_one_large_kernel():
    layer, features = ready(GlobalConvolution(6, 3)), randn(1, 6, 9, 10)
    for first, _ in (layer.left, layer.right):
        first.bias.zero_()  # a bias stops at the edge, where zeros are padded
    kernel = sum(
        torch.einsum("oiab,ickl->ocakbl", second.weight, first.weight).reshape(3, 6, 15, 15)
        for first, second in (layer.left, layer.right)
    )
    bias = layer.left[1].bias + layer.right[1].bias
    torch.testing.assert_close(layer(features), F.conv2d(features, kernel, bias, padding=7))


@torch.no_grad()
def test_gcn_refines_step_by_step():
    head = ready(GCNHead(8, 8, 4, 4, 3, 0.0))
    features = randn(1, 8, 3, 4), randn(1, 8, 3, 4), randn(1, 4, 3, 4), randn(1, 4, 6, 8)
    g4, g3, g2, g1 = (score(stage) for score, stage in zip(head.scores, features, strict=True))
    path = head.fused[0](g4 + g3)
    path = head.fused[1](path + g2)
    path = head.fused[2](up(path, g1) + g1)
    path = head.at_half(up(path, torch.empty(12, 16)))
    torch.testing.assert_close(head(*features)["main"], head.at_full(up(path, torch.empty(24, 32))))
    refinement, logits = ready(BoundaryRefinement(3)), randn(1, 3, 5, 6)
    one, _, two = refinement.correction
    expected = logits + F.conv2d(
        F.relu(F.conv2d(logits, one.weight, one.bias, padding=1)), two.weight, two.bias, padding=1
    )
    torch.testing.assert_close(refinement(logits), expected)


@torch.no_grad()
def test_duc_fills_cells_of_four_by_four():
    head, features = ready(DUCHead(8, 3, 0.0)), randn(1, 8, 4, 5)
    cells = sum(branch(features) for branch in head.branches)[0]
    logits = head(features)["main"][0]
    assert logits.shape == (3, 16, 20)
    for k, y, x in product(range(3), range(16), range(20)):
        assert logits[k, y, x] == cells[16 * k + 4 * (y % 4) + x % 4, y // 4, x // 4]


@torch.no_grad()
def test_context_contrast_is_local_minus_surroundings():
    block, features = ready(ContextContrast(6)), randn(1, 6, 5, 7)
    normed = block.norm(features)
    means = torch.empty_like(normed)
    for y, x in product(range(5), range(7)):
        means[..., y, x] = normed[..., max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].mean(dim=(2, 3))
    local = F.conv2d(normed, block.local.weight, block.local.bias, padding=1)
    context = F.conv2d(means, block.context.weight, block.context.bias, padding=5, dilation=5)
    torch.testing.assert_close(block(features), F.relu(local - context))


@torch.no_grad()
def test_gated_sum_weighs_scores_at_each_position():
    fuse = ready(GatedSum(6, 3))
    features, scores = [randn(1, 6, 2, 3) for _ in range(3)], [randn(1, 4, 2, 3) for _ in range(3)]
    g = [gate(source) for gate, source in zip(fuse.gates, features, strict=True)]
    (f, fb), (w, v, b) = fuse.first.tolist(), fuse.step.tolist()
    states = [torch.tanh(f * g[0] + fb)]
    for gate in g[1:]:
        states.append(torch.tanh(w * states[-1] + v * gate + b))
    states = torch.cat(states, dim=1)
    weights = (states + fuse.refine(states)).softmax(1)
    expected = sum(3 * weights[:, [s]] * score for s, score in enumerate(scores))
    torch.testing.assert_close(fuse(features, scores), expected)


@torch.no_grad()
def test_ccl_chains_its_blocks_and_begins_at_zero():
    head, features = CCLHead(16, 3, 0.0).eval(), torch.randn(1, 16, 5, 6)
    assert not head(features)["main"].any()
    head, features = ready(head), features.double()
    contrasts = [head.adapt(features)]
    for block in head.blocks:
        contrasts.append(block(contrasts[-1]))
    scores = [score(contrast) for score, contrast in zip(head.scores, contrasts[1:], strict=True)]
    assert len(scores) == BLOCKS
    torch.testing.assert_close(head(features)["main"], head.fuse(contrasts[1:], scores))


@torch.no_grad()
def test_dranet_positions_attend_to_fifty_centres():
    block, x = ready(CompactPositionAttention(16)), randn(2, 16, 7, 8)
    centres = torch.cat(
        [
            layer(F.adaptive_avg_pool2d(x, bins)).flatten(2)
            for bins, layer in zip((1, 2, 3, 6), block.centres, strict=True)
        ],
        dim=2,
    )
    assert centres.shape == (2, 16, 50)
    weights = (sequence(block.query(x)) @ block.key(centres.mT).mT).softmax(-1)
    gathered = (weights @ block.value(centres.mT)).mT.reshape(x.shape)
    torch.testing.assert_close(block(x), x + block.scale * gathered)


@torch.no_grad()
def test_dranet_channels_attend_to_the_centres_least_like_them():
    block, x = ready(CompactChannelAttention(32)), randn(2, 32, 3, 4)
    centres = block.centres(x).flatten(2)  # (B, 2, N)
    energy = x.flatten(2) @ centres.mT
    weights = (energy.amax(-1, keepdim=True) - energy).softmax(-1)
    torch.testing.assert_close(block(x), x + block.scale * (weights @ centres).reshape(x.shape))


@torch.no_grad()
def test_dranet_gates_the_first_stage():
    decoder, low, deep = ready(CrossLevelGating(8, 16)), randn(1, 8, 6, 8), randn(1, 16, 3, 4)
    low_features, large = decoder.low(low), up(deep, low)
    weight, bias = decoder.gate[0].weight[0, :, 0, 0], decoder.gate[0].bias
    both = torch.cat([low_features, large], dim=1)
    gate = torch.sigmoid(torch.einsum("c,bchw->bhw", weight, both) + bias)[:, None]
    expected = decoder.fuse(torch.cat([decoder.gamma * gate * low_features, large], dim=1))
    torch.testing.assert_close(decoder(low, deep), expected)


@torch.no_grad()
def test_fcn8s_on_a_dilated_backbone_is_one_classifier_of_three_stages():
    head = ready(FCN8sHead(16, 8, 4, 3, 0.1))
    stages = randn(1, 16, 5, 6), randn(1, 8, 5, 6), randn(1, 4, 5, 6)
    weight = torch.cat([score.weight for score in head.scores], dim=1)
    bias = sum(score.bias for score in head.scores)
    expected = F.conv2d(torch.cat(stages, dim=1), weight, bias)
    torch.testing.assert_close(head(*stages)["main"], expected)
    deep, middle, shallow = randn(1, 16, 2, 3), randn(1, 8, 4, 5), randn(1, 4, 7, 9)
    fine = head.scores[2](shallow)
    coarse = head.scores[1](middle)
    coarse = up(head.scores[0](deep), coarse) + coarse
    torch.testing.assert_close(head(deep, middle, shallow)["main"], up(coarse, fine) + fine)


@torch.no_grad()
def test_refinenet_units():
    unit, pooling, x = ready(ResidualUnit(6)), ready(ChainedPooling(6)), randn(1, 6, 7, 8)
    _, one, _, two = unit.convolutions
    inner = F.conv2d(F.relu(x), one.weight, one.bias, padding=1)
    torch.testing.assert_close(unit(x), x + F.conv2d(F.relu(inner), two.weight, padding=1))
    terms = [F.relu(x)]
    for convolution in pooling.convolutions:
        padded = F.pad(terms[-1], (2, 2, 2, 2), value=-torch.inf)
        largest = padded.unfold(2, 5, 1).unfold(3, 5, 1).amax(dim=(4, 5))
        terms.append(F.conv2d(largest, convolution.weight, padding=1))
    torch.testing.assert_close(pooling(x), sum(terms))


@torch.no_grad()
def test_refinenet_joins_each_level_to_the_one_above():
    head = ready(RefineHead(32, 16, 8, 8, 3, 0.1))
    stages = randn(1, 32, 2, 3), randn(1, 16, 4, 5), randn(1, 8, 7, 9), randn(1, 8, 13, 17)
    path = head.levels[0].refine(head.levels[0].adapt(stages[0]))
    for level, stage in zip(list(head.levels)[1:], stages[1:], strict=True):
        own = level.fuse[0](level.adapt(stage))
        path = level.refine(own + up(level.fuse[1](path), own))
    torch.testing.assert_close(head(*stages)["main"], head.classifier(path))
    assert Level(8, 4, None, 0.0).fuse is None


@torch.no_grad()
def test_bisenet_gates_channels_by_their_means():
    refinement, fusion, x = ready(AttentionRefinement(6)), ready(FeatureFusion()), randn(2, 6, 4, 5)
    reduced = refinement.reduce(x)
    _, convolution, norm, _ = refinement.gate
    gate = torch.sigmoid(norm(convolution(reduced.mean(dim=(2, 3), keepdim=True))))
    torch.testing.assert_close(refinement(x), gate * reduced)
    spatial, context = randn(2, 128, 4, 5), randn(2, 128, 4, 5)
    fused = fusion.reduce(torch.cat([spatial, context], dim=1))
    _, one, _, two, _ = fusion.gate
    gate = torch.sigmoid(two(F.relu(one(fused.mean(dim=(2, 3), keepdim=True)))))
    torch.testing.assert_close(fusion(spatial, context), fused * (1 + gate))


@torch.no_grad()
def test_bisenet_leads_context_from_the_deepest_stage_to_the_spatial_path():
    head = ready(BiSeHead(32, 16, 3, 5, 0.1))
    deep, middle, image = randn(1, 32, 2, 3), randn(1, 16, 4, 5), randn(1, 3, 64, 80)
    spatial = head.spatial(image)
    assert spatial.shape == (1, 128, 8, 10)
    whole = head.image_mean[1](deep.mean(dim=(2, 3), keepdim=True))
    context = head.deep_refine(up(head.deep_attention(deep) + whole, middle))
    outputs = head(deep, middle, image)
    torch.testing.assert_close(outputs["deep_context"], head.deep_context(context))
    context = head.refine(up(head.attention(middle) + context, spatial))
    torch.testing.assert_close(outputs["context"], head.context(context))
    torch.testing.assert_close(outputs["main"], head.main(head.fuse(spatial, context)))

"""The first table of docs/peers.md against the networks that this project builds."""

import re
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from danet.heads import HEADS
from danet.models.attention.position import force_attention
from danet.models.heads import head_class
from danet.planning.counting import Counting
from danet.settings import Model

CHANNELS = [3, 256, 512, 1024, 2048]
"""Of the images and the four stages."""
ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| \[(\w+)\]\(\.\./src/(\S+)\.py\) \| [^|]+ \| ([\d,]+) \| ([\d.]+)(, `dilation: none`)? \| (.*)\|$",
    (ROOT / "docs/peers.md").read_text(),
    flags=re.MULTILINE,
)


def test_every_head_has_its_row():
    assert sorted(row[0] for row in ROWS) == sorted(HEADS)


@pytest.mark.parametrize(("head", "file", "parameters", "giga", "plain", "losses"), ROWS)
def test_a_row_is_what_is_built(head, file, parameters, giga, plain, losses):
    assert file.replace("/", ".") == HEADS[head].rpartition(".")[0]
    model = Model(
        backbone="resnet50",
        head=head,
        attention=("position", "channel") if head == "danet" else (),
        multi_grid=None,
        dilation="none" if plain else "last_two",
        classes=19,
        position_projection="conv",
        query_key_reduction=8,
        channel_similarity="max_minus_product",
        dropout=0.1,
        auxiliary_losses=True,
    )
    sides = [768, 192, 96, 48, 24] if plain else [768, 192, 96, 96, 96]
    stages = head_class(head).stages
    with FakeTensorMode(), torch.no_grad():
        built = head_class(head).build(model, [CHANNELS[stage] for stage in stages]).eval()
        force_attention(built, "textbook")
        features = [torch.empty(1, CHANNELS[stage], sides[stage], sides[stage]) for stage in stages]
        with Counting() as counts:
            built.predict(*features)
    assert f"{sum(parameter.numel() for parameter in built.parameters()):,}" == parameters
    assert counts.flops / 2e9 == pytest.approx(float(giga), abs=0.051)
    stated = {float(weight) for weight in re.findall(r" (\d[.\d]*)(?=[, ])", f" {losses}")}
    assert stated - {3} == set(list(built.outputs.values())[1:])  # 3: of "stage 3"

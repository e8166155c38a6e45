"""Images, windows and bytes, counted one by one."""

import math
from collections import Counter

import pytest

from danet.planning.workload import forward_passes, prepared_bytes, split_sizes, windows_of
from danet.settings import load_params, resolve


def test_official_sizes():
    params = load_params(profile="paper")
    assert split_sizes(params, "cityscapes", "train") == {(1024, 2048): 2975}
    assert split_sizes(params, "pascal_context", "val") == {(375, 500): 5105}
    assert split_sizes(load_params(profile="camvid"), "camvid", "val") == {(360, 480): 101}


def test_generated_sizes():
    assert split_sizes(load_params(profile="demo"), "cityscapes", "train") == {(128, 256): 64}


def test_what_is_prepared_counts(project, made_split):
    folder = project / "data/paper/cityscapes/prepared/val"
    made_split(images=5, height=40, width=60, folder=folder, split="val")
    sizes = split_sizes(load_params(profile="paper"), "cityscapes", "val")
    assert sizes == {(40, 60): 5}
    written = sum((folder / name).stat().st_size for name in ("images.npy", "labels.npy"))
    assert prepared_bytes(sizes) == pytest.approx(written, abs=1000)  # the headers


def covered_by_hand(long_side: int, scale: float, crop: int, stride: int, height: int, width: int) -> int:
    """Windows of a landscape image: laid side by side until the far edge is covered."""
    columns_pixels = math.ceil(long_side * scale)
    rows_pixels = int(height * columns_pixels / width + 0.5)
    count = 1
    for pixels in (rows_pixels, columns_pixels):
        windows = 1
        while (windows - 1) * stride + crop < pixels:
            windows += 1
        count *= windows
    return count


@pytest.mark.parametrize("name", ["ss", "ms"])
def test_windows_of_an_image(name):
    protocol = resolve(load_params(profile="paper"), "danet_r101_da_mg").protocols[name]
    stride = int(protocol.crop_size * protocol.stride)
    expected = 2 * sum(
        covered_by_hand(2048, scale, protocol.crop_size, stride, 1024, 2048) for scale in protocol.scales
    )
    assert windows_of(protocol, 1024, 2048) == expected
    assert forward_passes(protocol, Counter({(1024, 2048): 3})) == 3 * expected

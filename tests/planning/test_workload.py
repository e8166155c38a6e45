"""Images, windows and bytes, counted one by one."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from danet.data.prepared.split import PreparedSplit
from danet.planning.workload import forward_passes, forwards_of, prepared_bytes, split_sizes
from danet.settings import OwnFolders, load_plan


def test_official_sizes() -> None:
    plan = load_plan(profile="paper")
    assert split_sizes(plan.dataset("cityscapes"), "train") == {(1024, 2048): 2975}
    assert split_sizes(plan.dataset("pascal_context"), "val") == {(375, 500): 5105}
    assert split_sizes(load_plan(profile="camvid").dataset("camvid"), "val") == {(360, 480): 101}


def test_generated_sizes() -> None:
    assert split_sizes(load_plan(profile="demo").dataset("cityscapes"), "train") == {(128, 256): 64}


def test_sizes_of_the_users_own_images(tmp_path: Path) -> None:
    for number in range(5):
        for kind, mode in (("images", "RGB"), ("labels", "L")):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.new(mode, (30, 20 + number)).save(tmp_path / kind / f"{number}.png")
    folders = OwnFolders(
        images=str(tmp_path / "images"),
        labels=str(tmp_path / "labels"),
        classes="classes.txt",
        validation=0.4,
    )
    own = replace(load_plan(profile="demo").dataset("camvid"), folders=folders, folder_variable=None)
    train, val = split_sizes(own, "train"), split_sizes(own, "val")
    assert (train.total(), val.total()) == (3, 2)
    assert train + val == {(20 + number, 30): 1 for number in range(5)}


def test_what_is_prepared_counts(project: Path, made_split: Callable[..., PreparedSplit]) -> None:
    folder = project / "data/paper/cityscapes/prepared/val"
    made_split(images=5, height=40, width=60, folder=folder, split="val")
    sizes = split_sizes(load_plan(profile="paper").dataset("cityscapes"), "val")
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
def test_windows_of_an_image(name: str) -> None:
    protocol = load_plan(profile="paper").experiment("danet_r101_da_mg").protocol(name)
    crop, stride = protocol.crop_and_step
    expected = 2 * sum(covered_by_hand(2048, scale, crop, stride, 1024, 2048) for scale in protocol.scales)
    assert forwards_of(protocol, 1024, 2048) == {(crop, crop): expected}
    assert forward_passes(protocol, Counter({(1024, 2048): 3})) == {(crop, crop): 3 * expected}


def test_a_whole_image_is_one_forward_pass_for_each_scale_and_view() -> None:
    protocol = load_plan(profile="paper").experiment("danet_r101_da_mg").protocol("whole_ms")
    sizes = [(int(1024 * scale), int(2048 * scale)) for scale in protocol.scales]
    assert forwards_of(protocol, 1024, 2048) == dict.fromkeys(sizes, 2)

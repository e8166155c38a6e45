"""Fixtures that several folders of tests share."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from danet.data.prepared import PreparedSplit

ROOT = Path(__file__).parents[1]


@pytest.fixture
def made_split(tmp_path: Path) -> Callable[..., PreparedSplit]:
    """Make a prepared split of random images in which the colour tells the class."""

    def make(
        images: int = 8,
        height: int = 40,
        width: int = 60,
        classes: int = 4,
        folder: Path | None = None,
        dataset: str = "cityscapes",
        split: str = "train",
    ) -> PreparedSplit:
        folder = folder or tmp_path / "prepared"
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(images * height + width)
        coarse = random.integers(0, classes, (images, height // 10, width // 10))
        labels = coarse.repeat(10, axis=1).repeat(10, axis=2).astype(np.uint8)
        colours = np.random.default_rng(1).integers(0, 256, (classes, 3))
        pixels = np.clip(colours[labels] + random.normal(0, 20, (*labels.shape, 3)), 0, 255).astype(np.uint8)
        np.save(folder / "images.npy", pixels.reshape(-1, 3))
        np.save(folder / "labels.npy", labels.reshape(-1))
        area = labels[0].size
        entries = [
            {"name": f"image{i}", "height": labels.shape[1], "width": labels.shape[2], "offset": i * area}
            for i in range(images)
        ]
        index = {"dataset": dataset, "split": split, "digest": "0" * 64, "images": entries}
        (folder / "index.json").write_text(json.dumps(index))
        return PreparedSplit(folder)

    return make

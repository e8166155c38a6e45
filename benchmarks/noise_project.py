"""A project in the current folder that can be trained in: params.yaml and a prepared split of noise."""

import zlib
from pathlib import Path

import numpy as np
import yaml

from danet.data.prepared import Entry, write_index
from danet.settings import Params, validate_params

PROJECT = Path(__file__).parents[1]


def settings(profile: str, recipe: str = "paper_text", **changes: object) -> Params:
    """The project's params.yaml with changes, untracked.

    Args:
        profile: the one that holds and that is changed.
        recipe: the one that holds.
        changes: of the profile, or of its ``compute`` or ``training``.
    """
    raw = yaml.safe_load((PROJECT / "params.yaml").read_text())
    raw |= {"profile": profile, "recipe": recipe, "tracking_uri": "none"}
    for key, value in changes.items():
        block = raw["profiles"][profile]
        if key not in block:
            block = block["compute" if key in raw["compute"] else "training"]
        block[key] = value
    Path("params.yaml").write_text(yaml.safe_dump(raw))
    return validate_params(raw)


def write_noise(folder: Path, images: int, height: int, width: int) -> None:
    """A prepared split of random pixels, in the geometry of Cityscapes or any other."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (images, height, width, 3), dtype=np.uint8)
    labels = random.integers(0, 19, (images, height, width), dtype=np.uint8)
    np.save(folder / "images.npy", pixels.reshape(-1, 3))
    np.save(folder / "labels.npy", labels.ravel())
    area = height * width
    entries = [
        Entry(f"noise{i}", height, width, i * area, zlib.crc32(pixels[i]), zlib.crc32(labels[i]))
        for i in range(images)
    ]
    write_index(folder, "cityscapes", "train", entries)

"""A tree of the size and the names of Cityscapes, in which every file is a PNG of a single pixel.

    python benchmarks/bare_cityscapes.py FOLDER

It is what ``danet check`` is timed on: 5,000 images with their labels, as many by city as the release
has.
"""

import io
import sys
from pathlib import Path

from PIL import Image

from danet.data.manifest import expected_counts, expected_groups


def write_bare_tree(root: Path) -> None:
    """Write ``leftImg8bit`` and ``gtFine`` below ``root``."""
    image, label = _png("RGB"), _png("L")
    for split in expected_counts("cityscapes"):
        for city, images in expected_groups("cityscapes", split).items():
            pictures, labels = root / "leftImg8bit" / split / city, root / "gtFine" / split / city
            pictures.mkdir(parents=True)
            labels.mkdir(parents=True)
            for number in range(images):
                name = f"{city}_{number:06d}_000019"
                (pictures / f"{name}_leftImg8bit.png").write_bytes(image)
                (labels / f"{name}_gtFine_labelIds.png").write_bytes(label)


def _png(mode: str) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (1, 1)).save(stream, "PNG")
    return stream.getvalue()


if __name__ == "__main__":
    write_bare_tree(Path(sys.argv[1]))

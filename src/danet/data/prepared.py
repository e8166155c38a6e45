"""The prepared form of a split: two flat memory-mapped arrays and an index.

``images.npy`` and ``labels.npy`` hold all pixels of the split one image after the other, so a crop
costs only the pages it touches and no decoding. ``index.json`` says where each image begins.
Labels are indices of the data set's label map, 255 for pixels to ignore.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from danet.errors import MissingDataError
from danet.files import read_json

IGNORED = 255


@dataclass(frozen=True)
class Entry:
    """One image of a prepared split."""

    name: str
    height: int
    width: int
    offset: int
    """Pixels before this image in the split."""


class PreparedSplit:
    """Random access to the images and labels of one prepared split.

    Args:
        folder: what the prepare stage wrote: images.npy, labels.npy, index.json.

    Raises:
        MissingDataError: the split has not been prepared.
    """

    def __init__(self, folder: Path) -> None:
        try:
            index = read_json(folder / "index.json")
        except FileNotFoundError:
            raise MissingDataError(f"{folder} holds no prepared split", "danet prepare --help") from None
        self.dataset: str = index["dataset"]
        self.split: str = index["split"]
        self.digest: str = index["digest"]
        self.entries = tuple(Entry(**entry) for entry in index["images"])
        self._images = np.load(folder / "images.npy", mmap_mode="r")
        self._labels = np.load(folder / "labels.npy", mmap_mode="r")

    def __len__(self) -> int:
        return len(self.entries)

    def image(self, position: int) -> np.ndarray:
        """RGB pixels, (H, W, 3) uint8; a view of the memory map."""
        entry = self.entries[position]
        pixels = self._images[entry.offset : entry.offset + entry.height * entry.width]
        return pixels.reshape(entry.height, entry.width, 3)

    def label(self, position: int) -> np.ndarray:
        """Class indices, (H, W) uint8, 255 where a pixel is to be ignored; a view of the memory map."""
        entry = self.entries[position]
        pixels = self._labels[entry.offset : entry.offset + entry.height * entry.width]
        return pixels.reshape(entry.height, entry.width)

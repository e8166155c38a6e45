"""Files of pixels are NumPy's own, written and read in pieces."""

import os

import numpy as np
import pytest

from danet.data.prepared.pixel_files import PixelFile, allocate, write_pixels
from danet.errors import BadDataError, StorageError


@pytest.mark.parametrize("channels", [(), (3,)])
def test_pieces_make_up_the_file_that_numpy_writes(channels, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (50, *channels), np.uint8)
    np.save(tmp_path / "whole.npy", pixels)
    path = tmp_path / "pieces.npy"
    allocate(path, pixels.shape)
    write_pixels(path, pixels.shape, 20, pixels[20:])
    write_pixels(path, pixels.shape, 0, pixels[:20].reshape(4, 5, *channels))
    assert path.read_bytes() == (tmp_path / "whole.npy").read_bytes()
    file = PixelFile(path, pixels.shape, "")
    assert np.array_equal(file.read(7, (4, 9)), pixels[7:43].reshape(4, 9, *channels))
    assert file.read(49, (1,)).flags.writeable


def test_every_changed_byte_of_the_header_is_noticed(tmp_path):
    path = tmp_path / "pixels.npy"
    pixels = np.arange(200, dtype=np.uint8)
    np.save(path, pixels)
    content = path.read_bytes()
    for position in range(len(content) - pixels.size):
        for mask in (0x01, 0xFF):
            path.write_bytes(content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :])
            with pytest.raises(BadDataError, match=r"pixels.npy: not the uint8 pixels, \(200,\)"):
                PixelFile(path, (200,), "")


def test_a_disk_that_fills_up_on_the_way(tmp_path, small_disk, monkeypatch):
    file = small_disk(65536) / "images.npy"
    monkeypatch.delattr(os, "posix_fallocate")
    allocate(file, (30_000, 3))
    with pytest.raises(StorageError, match=r"images.npy: cannot be written .*No space left"):
        write_pixels(file, (30_000, 3), 0, np.ones((30_000, 3), np.uint8))

"""Images and labels: which kinds are read, and what is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from danet.data.releases.pictures import image_size, read_image, read_index_image
from danet.errors import BadDataError, StorageError

VALUES = np.arange(12, dtype=np.uint8).reshape(3, 4)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values, depth, kind, palette=b"", missing=0):
    """A PNG file written by hand: (H, W) values of ``depth`` bits."""
    height, width = values.shape
    rows = []
    for row in values.tolist():
        bits = "".join(f"{value:0{depth}b}" for value in row)
        bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
        rows.append(b"\0" + bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)))
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = b"".join(rows)
    pixels = pixels[: len(pixels) - missing]
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + (chunk(b"PLTE", palette) if palette else b"")
    return content + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "some.png"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palette_is_read_by_index(depth, write):
    values = VALUES.astype(int) % 2**depth
    path = write(png(values, depth, 3, palette=bytes(range(3 * 2**depth)) if depth < 8 else bytes(36)))
    assert np.array_equal(read_index_image(path), values)


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_is_read_as_it_is(depth, write):
    values = VALUES.astype(np.uint16) + (250 if depth == 8 else 448) - 11
    found = read_index_image(write(png(values, depth, 0)))
    assert np.array_equal(found, values)
    assert found.dtype == (np.uint8 if depth == 8 else np.uint16)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_of_few_bits_is_refused_for_pillow_scales_it(depth, write):
    path = write(png(VALUES % 2**depth, depth, 0))
    with Image.open(path) as picture:
        assert np.asarray(picture).astype(int).max() != (VALUES % 2**depth).max() or depth == 1
    with pytest.raises(BadDataError, match=r"some\.png: .*fewer than 8 bits of grey"):
        read_index_image(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_label_in_colours_is_refused(mode, tmp_path):
    Image.new(mode, (4, 3)).save(tmp_path / "a.png")
    with pytest.raises(BadDataError, match=rf"a\.png: .*holds colours \({mode}\)"):
        read_index_image(tmp_path / "a.png")


def test_label_as_jpeg_is_refused(tmp_path):
    Image.fromarray(VALUES).save(tmp_path / "label.png", "JPEG")
    with pytest.raises(BadDataError, match=r"label\.png: a label is one number .* this holds a JPEG picture"):
        read_index_image(tmp_path / "label.png")
    assert read_image(tmp_path / "label.png").shape == (3, 4, 3)


@pytest.mark.parametrize("missing", range(1, 15))
def test_pixels_that_are_missing_under_right_checksums(missing, write):
    path = write(png(VALUES, 8, 0, missing=missing))
    with pytest.raises(BadDataError, match=r"some\.png: this image does not decode"):
        read_index_image(path)


@pytest.mark.parametrize("lines", [1, 2])
def test_lines_that_are_missing_under_right_checksums(lines, write):
    path = write(png(VALUES, 8, 0, missing=5 * lines))  # four pixels, and the byte that names the filter
    with Image.open(path) as picture:
        assert np.asarray(picture)[2].tolist() == [0] * 4
    with pytest.raises(BadDataError, match=r"some\.png: .*does not hold as many pixels as it says"):
        read_index_image(path)


def test_bytes_that_pillow_alone_reads_as_other_pixels(tmp_path):
    pixels = np.repeat(np.arange(48, dtype=np.uint8)[:, None] // 5, 64, axis=1)
    path = tmp_path / "label.png"
    Image.fromarray(pixels).save(path)
    content, misread = path.read_bytes(), 0
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        for read in (read_image, read_index_image):
            with pytest.raises(BadDataError, match=r"label\.png: this image does not decode"):
                read(path)
        try:
            with Image.open(path) as picture:
                misread += not np.array_equal(np.asarray(picture), pixels)
        except (OSError, SyntaxError, ValueError):
            continue
    assert misread


def test_interlaced_label_is_refused(write):
    content = bytearray(png(VALUES, 8, 0))
    content[28] = 1
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    with pytest.raises(BadDataError, match=r"some\.png: .*holds interlaced lines"):
        read_index_image(write(bytes(content)))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_image_cut_anywhere(form, tmp_path):
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 9, 3), np.uint8)).save(stream, form)
    path = tmp_path / "image"
    for size in range(len(stream.getvalue())):
        path.write_bytes(stream.getvalue()[:size])
        with pytest.raises(BadDataError, match="image: this image does not decode"):
            read_image(path)


def test_size_out_of_a_damaged_header_is_not_allocated(write):
    content = bytearray(png(VALUES, 8, 0))
    content[16:24] = struct.pack(">II", 50_000, 50_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    for read in (image_size, read_image, read_index_image):
        with pytest.raises(BadDataError, match=r"some\.png: this image does not decode"):
            read(write(bytes(content)))


def test_size_is_height_then_width(write):
    assert image_size(write(png(VALUES, 8, 0))) == (3, 4)


@pytest.mark.parametrize("read", [image_size, read_image, read_index_image])
def test_file_that_is_missing_or_of_another_kind(read, tmp_path, write):
    with pytest.raises(BadDataError, match=r"gone\.png: this image does not decode"):
        read(tmp_path / "gone.png")
    stream = io.BytesIO()
    Image.new("L", (4, 3)).save(stream, "GIF")
    with pytest.raises(BadDataError, match=r"some\.png: .*not an image"):
        read(write(stream.getvalue()))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_16_bits_of_grey_are_scaled_and_not_cut_off(form, tmp_path):
    values = np.array([[0, 128, 129, 257], [300, 32768, 60_000, 65535]], np.uint16)
    path = tmp_path / f"grey.{ {'PNG': 'png', 'TIFF': 'tif', 'PPM': 'pgm'}[form] }"
    Image.fromarray(values).save(path, form)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert np.array_equal(image, np.repeat(np.round(values / 257).astype(np.uint8)[..., None], 3, axis=-1))


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_values_of_no_known_range_are_refused(dtype, tmp_path):
    Image.fromarray(np.full((3, 4), 1, dtype)).save(tmp_path / "a.tif")
    with pytest.raises(BadDataError, match=r"a\.tif: this image has 32 bits a pixel"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("read", [image_size, read_image, read_index_image])
def test_missing_permission_is_told_as_permission(read, tmp_path, as_nobody):
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    as_nobody(tmp_path / "a.png", 0o000)
    with pytest.raises(StorageError, match=r"a\.png: permission to read it is missing\n  -> ls -ld .*a\.png"):
        read(tmp_path / "a.png")

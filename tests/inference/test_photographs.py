"""Photographs of every kind become the same pixels; what is no photograph is named."""

import numpy as np
import pytest
from PIL import Image

from danet.errors import BadDataError, MissingDataError
from danet.inference.photographs import enlarged, find_photographs, read_photograph, reduced

# How far lossy files, and CMYK's way there and back, may be off.
NEAR = 14


def saved(picture: Image.Image, path, **options) -> np.ndarray:
    picture.save(path, **options)
    return read_photograph(path).astype(int)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tif"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK"])
def test_formats_and_modes(photograph, tmp_path, mode, suffix):
    if (mode == "CMYK" and suffix not in ("jpg", "tif")) or (mode == "RGBA" and suffix == "jpg"):
        pytest.skip("no such files")
    found = saved(photograph.convert(mode), tmp_path / f"photo.{suffix}")
    assert found.shape == (60, 90, 3)
    for row, column in ((10, 10), (10, 80), (50, 10), (50, 80)):
        assert np.abs(found[row, column] - np.asarray(photograph)[row, column]).max() <= NEAR


def test_grey_of_8_and_16_bits_and_a_palette(photograph, tmp_path):
    grey = np.asarray(photograph.convert("L")).astype(int)
    for name, picture in {
        "8": photograph.convert("L"),
        "16": Image.fromarray((grey * 257).astype(np.uint16)),
    }.items():
        found = saved(picture, tmp_path / f"{name}.png")
        np.testing.assert_array_equal(found, np.repeat(grey[..., None], 3, axis=-1))
    found = saved(photograph.convert("P", palette=Image.Palette.ADAPTIVE), tmp_path / "palette.png")
    np.testing.assert_array_equal(found, np.asarray(photograph))


# From the EXIF standard: which corner of the stored pixels is the upper left one of the view.
@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [(1, (60, 90), (0, 0)), (3, (60, 90), (-1, -1)), (6, (90, 60), (-1, 0)), (8, (90, 60), (0, -1))],
)
def test_exif_rotation(photograph, tmp_path, orientation, size, corner):
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = saved(photograph, tmp_path / "photo.png", exif=exif)
    assert found.shape[:2] == size
    np.testing.assert_array_equal(found[0, 0], np.asarray(photograph)[corner])


def test_what_is_transparent_becomes_white(photograph, tmp_path):
    clear = photograph.convert("RGBA")
    clear.putalpha(0)
    assert (saved(clear, tmp_path / "clear.png") == 255).all()


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-60])


def changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil", [cut_off, changed, lambda path: path.write_text("no image"), lambda path: path.write_bytes(b"")]
)
def test_a_damaged_file_is_named(photograph, tmp_path, spoil):
    photograph.save(tmp_path / "photo.png")
    spoil(tmp_path / "photo.png")
    with pytest.raises(BadDataError, match=r"photo\.png: .*\n  -> open it in a viewer"):
        read_photograph(tmp_path / "photo.png")


def test_floating_point_values_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "depth.tif")
    with pytest.raises(BadDataError, match="none is known to be white"):
        read_photograph(tmp_path / "depth.tif")


def test_images_of_a_folder_and_its_folders(photograph, tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("z.JPG", "a.png", "b/c.webp", ".hidden.png"):
        photograph.save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    names = [str(path.relative_to(tmp_path)) for path in find_photographs(tmp_path)]
    assert names == ["a.png", "b/c.webp", "z.JPG"]
    assert find_photographs(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]


def test_nothing_there(tmp_path):
    with pytest.raises(MissingDataError, match="holds no image"):
        find_photographs(tmp_path)
    with pytest.raises(MissingDataError, match="nowhere not found"):
        find_photographs(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("size", "most", "expected"),
    [
        ((60, 90), 6000, (60, 90)),
        ((200, 800), 10_000, (50, 200)),
        ((1, 20_000), 500, (1, 500)),
        ((9000, 1), 70, (70, 1)),
    ],
)
def test_a_reduced_image_keeps_its_shape(size, most, expected):
    assert reduced(np.zeros((*size, 3), np.uint8), most).shape[:2] == expected


def test_enlarged_classes_are_those_of_the_nearest_pixel():
    small = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(enlarged(small, (4, 6)), small.repeat(2, axis=0).repeat(2, axis=1))

"""Run lengths against pycocotools, by hand, and with every character changed."""

from dataclasses import replace

import numpy as np
import pytest

from danet.data.releases.run_lengths import EncodedRegion, decode, encode, paint
from danet.errors import BadDataError

CHARACTERS = [chr(code) for code in range(32, 127)]


def masks():
    random = np.random.default_rng(7)
    yield from (np.zeros((3, 5), bool), np.ones((3, 5), bool), np.ones((1, 1), bool))
    for height, width, share in [(1, 9, 0.5), (9, 1, 0.5), (48, 64, 0.5), (48, 64, 0.02), (200, 150, 0.001)]:
        yield random.random((height, width)) < share
    large = np.zeros((1500, 1200), bool)
    large[300:900, 200:1000] = True
    yield large


# pycocotools 2.0.11 lacks an argument of NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("mask", list(masks()))
def test_agrees_with_pycocotools(mask):
    official = pytest.importorskip("pycocotools.mask")
    encoded = official.encode(np.asfortranarray(mask.astype(np.uint8)))
    region = encode(mask, 7)
    assert region == EncodedRegion(7, *mask.shape, encoded["counts"].decode(), int(mask.sum()))
    assert np.array_equal(decode(region, "file"), mask)
    assert np.array_equal(official.decode({"size": list(mask.shape), "counts": region.counts}) == 1, mask)


def test_a_region_by_hand():
    """Column by column: runs of 1, 4, 1, 2 and 1; the last two are stored as -2 and 0."""
    mask = np.array([[0, 1, 1], [1, 1, 1], [1, 0, 0]], bool)
    # The five bits of -2 are 11110, which is 30; 48 + 30 is the code of N.
    assert encode(mask, 1).counts == "141N0"
    assert np.array_equal(decode(EncodedRegion(1, 3, 3, "141N0", 6), "file"), mask)


def test_every_changed_character_is_an_error():
    mask = np.random.default_rng(5).random((6, 9)) < 0.5
    region = encode(mask, 1)
    for place, right in enumerate(region.counts):
        for other in CHARACTERS:
            if other != right:
                changed = region.counts[:place] + other + region.counts[place + 1 :]
                with pytest.raises(BadDataError, match=r"some\.json: a region of category 1, 9x6 pixels"):
                    decode(replace(region, counts=changed), "some.json")


def test_number_that_is_longer_than_necessary():
    """A changed character can join two numbers so that sum and area agree: Q0 is 1, as 1 is."""
    assert decode(EncodedRegion(1, 2, 2, "13"), "file").sum() == 3
    with pytest.raises(BadDataError, match="not as short as possible"):
        decode(EncodedRegion(1, 2, 2, "Q03"), "file")


@pytest.mark.parametrize("counts", ["", "1", "1o", "oooooooooooo0", "é", "00000", "O1"])
def test_text_that_is_not_run_lengths(counts):
    with pytest.raises(BadDataError, match="is damaged: its run"):
        decode(EncodedRegion(1, 2, 3, counts), "file")


def test_area_that_differs():
    region = encode(np.eye(4, dtype=bool), 5)
    with pytest.raises(BadDataError, match="its runs cover 4 pixels, its area is 5"):
        decode(replace(region, area=5), "file")
    assert decode(replace(region, area=4.0), "file").sum() == 4


def test_later_regions_cover_earlier_ones():
    left, middle = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    left[:, :2], middle[:, 1:3] = True, True
    painted = paint([encode(left, 9), encode(middle, 459)], (2, 4), "file")
    assert painted.tolist() == [[9, 459, 459, 0]] * 2
    assert paint([encode(middle, 459), encode(left, 9)], (2, 4), "file").tolist() == [[9, 9, 459, 0]] * 2
    assert paint([], (2, 4), "file").tolist() == [[0] * 4] * 2


def test_region_of_another_size():
    with pytest.raises(BadDataError, match="its size is not the image's, 3x2"):
        paint([encode(np.ones((3, 2), bool), 1)], (2, 3), "file")

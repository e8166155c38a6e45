"""Windows: where they lie; interpolation by rows and by columns against torch's."""

import pytest
import torch

from danet.inference.windows import (
    neighbours,
    resize,
    scaled_size,
    stretch_columns,
    stretch_rows,
    window_origins,
)


@pytest.mark.parametrize(
    ("size", "long_side", "scale", "expected"),
    [
        ((1024, 2048), 2048, 1.0, (1024, 2048)),
        ((1024, 2048), 2048, 2.2, (2253, 4506)),  # ceil(4505.6)
        ((360, 480), 480, 1.25, (450, 600)),
        ((375, 500), 520, 0.5, (195, 260)),
        ((500, 333), 520, 1.0, (520, 346)),  # 346.32
        ((500, 334), 520, 1.0, (520, 347)),  # 347.36
        ((100, 100), 80, 1.0, (80, 80)),
        ((1, 20_000), 2048, 1.0, (1, 2048)),
    ],
)
def test_scaled_size(size, long_side, scale, expected):
    assert scaled_size(*size, long_side, scale) == expected


@pytest.mark.parametrize(
    ("length", "crop_size", "stride", "expected"),
    [
        (2048, 768, 512, [0, 512, 1024, 1536]),  # Cityscapes: 2 x 4 windows, the last ones cut off
        (1024, 768, 512, [0, 512]),
        (768, 768, 512, [0]),
        (500, 768, 512, [0]),
        (769, 768, 512, [0, 512]),
        (1280, 768, 512, [0, 512]),
    ],
)
def test_window_origins(length, crop_size, stride, expected):
    assert window_origins(length, crop_size, stride) == expected


@pytest.mark.parametrize("crop_size", range(1, 8))
def test_windows_cover_every_pixel(crop_size):
    for length in range(1, 20):
        for stride in range(1, crop_size + 1):
            seen = {
                origin + step
                for origin in window_origins(length, crop_size, stride)
                for step in range(crop_size)
            }
            assert seen >= set(range(length))


@pytest.mark.parametrize("length", range(1, 20))
def test_windows_inside_the_image_cover_it_and_end_with_it(length):
    origins = window_origins(length, 6, 4, inside=True)
    seen = {origin + step for origin in origins for step in range(min(6, length))}
    assert seen == set(range(length))


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize(("length", "of"), [(9, 4), (4, 9), (5, 5), (1, 3), (3, 1)])
def test_rows_and_columns_are_stretched_as_resize_does(length, of, align):
    images = torch.rand(2, of, 7, generator=torch.Generator().manual_seed(2))
    expected = resize(images[None], length, 7, align)[0]
    places = neighbours(length, of, align)
    for first, last in ((0, length), (length // 2, length)):
        part = places.part(first, last)
        torch.testing.assert_close(stretch_rows(images[:, part.span], part), expected[:, first:last])
    across = stretch_columns(images.transpose(1, 2).contiguous(), length, align)
    torch.testing.assert_close(across.transpose(1, 2), expected)


def test_resize_keeps_corners_and_the_identity():
    image = torch.rand(1, 2, 4, 5)
    assert torch.equal(resize(image, 4, 5), image)
    larger = resize(image, 9, 11)
    torch.testing.assert_close(larger[..., -1, -1], image[..., -1, -1])
    torch.testing.assert_close(larger[..., 0, 0], image[..., 0, 0])

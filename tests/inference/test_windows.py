"""Windows: where they lie, what they see, and their average against a brute-force count."""

import pytest
import torch

from danet.inference.windows import resize, scaled_size, slide, window_origins


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


def position_dependent(windows: torch.Tensor) -> torch.Tensor:
    """Two scores that know where in the window a pixel lies, so that a misplaced window shows."""
    size = windows.shape[-1]
    ramp = torch.arange(size * size, dtype=windows.dtype).reshape(size, size)
    return torch.stack([windows[:, 0] + ramp, windows.sum(dim=1) * ramp], dim=1)


def brute_force(image: torch.Tensor, crop_size: int, stride: int) -> torch.Tensor:
    """Every pixel averages the scores that each window which shows it gives to it."""
    _, height, width = image.shape
    scores = torch.zeros(2, height, width, dtype=image.dtype)
    black = torch.zeros(3, height + 2 * crop_size, width + 2 * crop_size, dtype=image.dtype)
    black[:, :height, :width] = image
    for row in range(height):
        for column in range(width):
            seen = [
                position_dependent(black[None, :, top : top + crop_size, left : left + crop_size])[
                    0, :, row - top, column - left
                ]
                for top in window_origins(height, crop_size, stride)
                for left in window_origins(width, crop_size, stride)
                if 0 <= row - top < crop_size and 0 <= column - left < crop_size
            ]
            scores[:, row, column] = sum(seen) / len(seen)
    return scores


@pytest.mark.parametrize("size", [(7, 11), (4, 11), (6, 6), (5, 4), (13, 6)])
@pytest.mark.parametrize("windows_at_once", [1, 4, 100])
def test_average_against_brute_force(size, windows_at_once):
    torch.manual_seed(12)
    image = torch.rand(3, *size, dtype=torch.float64)
    ours = slide(image, 6, 4, position_dependent, windows_at_once)
    torch.testing.assert_close(ours, brute_force(image, 6, 4))


def test_no_call_gets_more_windows_than_allowed():
    calls = []

    def score(windows):
        calls.append(len(windows))
        return windows

    slide(torch.rand(3, 10, 10), 4, 2, score, windows_at_once=3)
    assert sum(calls) == 16
    assert max(calls) == 3


def test_image_within_one_window_is_one_forward_of_the_padded_image():
    seen = []

    def score(windows):
        seen.append(windows)
        return windows[:, :1]

    image = torch.rand(3, 3, 5)
    scores = slide(image, 6, 4, score, windows_at_once=8)
    (window,) = seen
    assert window.shape == (1, 3, 6, 6)
    assert torch.equal(window[0, :, :3, :5], image)
    assert window.sum() == pytest.approx(image.sum().item(), rel=1e-5)
    assert torch.equal(scores, image[:1])


def test_resize_keeps_corners_and_the_identity():
    image = torch.rand(1, 2, 4, 5)
    assert torch.equal(resize(image, 4, 5), image)
    larger = resize(image, 9, 11)
    torch.testing.assert_close(larger[..., -1, -1], image[..., -1, -1])
    torch.testing.assert_close(larger[..., 0, 0], image[..., 0, 0])

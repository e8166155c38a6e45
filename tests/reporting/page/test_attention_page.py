"""The page of attention: its small factors of S, its size, and what it does in a real browser."""

import numpy as np
import pytest
from headless_browser import CHROMIUM, browser

from danet.inference.attention_rows import AttendedImage
from danet.labels import label_map
from danet.reporting.page.attention_factors import factorise, mean_difference
from danet.reporting.page.attention_page import write_attention_page

LABELS = label_map("cityscapes")


def made_up(rows: int, columns: int, width: int, height: int, features: int = 64) -> AttendedImage:
    """Random features whose scores range as widely as trained ones; predictions that differ by switch."""
    random = np.random.default_rng(3)
    query, key = random.gamma(1, 0.5, (2, rows * columns, features)).astype(np.float32)
    maps = random.gamma(1, 1, (features, rows, columns)).astype(np.float32)
    classes = {
        (position, channel): np.full((height, width), 10 * position + 3 * channel, np.uint8)
        for position in (False, True)
        for channel in (False, True)
    }
    classes[True, False][: height // 4] = 13
    return AttendedImage((height, width), (rows, columns), query, key, maps, classes)


def test_factors_of_full_rank_give_the_exact_rows():
    attended = made_up(6, 9, 90, 60)
    factors = factorise(attended.query, attended.key)
    assert mean_difference(factors, attended.query, attended.key) < 0.01
    for position in (0, 20, 53):
        exact = attended.row((position // 9 * 10, position % 9 * 10)).ravel()
        np.testing.assert_allclose(factors.row(position), exact, atol=0.02 * exact.max())


def test_fewer_bytes_are_less_exact():
    attended = made_up(20, 30, 90, 60)
    sizes = (2 * 600 * (rank + 8) for rank in (9, 20, 64))
    differences = [
        mean_difference(factorise(attended.query, attended.key, size), attended.query, attended.key)
        for size in sizes
    ]
    assert differences == sorted(differences, reverse=True)
    assert differences[-1] < 0.01 < differences[0]


def test_a_page_of_1024_pixels_stays_below_10_mb(tmp_path):
    """Noise is the worst that can happen to JPEG and PNG; 512 channels as in DANet on ResNet-50."""
    attended = made_up(128, 128, 1024, 1024, features=512)
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (1024, 1024, 3), np.uint8)
    write_attention_page(tmp_path / "page.html", "noise", "danet_r50", noise, attended, LABELS)
    assert (tmp_path / "page.html").stat().st_size < 10_000_000


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_a_click_shows_what_the_pixel_attends_to(tmp_path):
    attended = made_up(12, 18, 180, 120)
    photograph = np.random.default_rng(1).integers(0, 256, (120, 180, 3), np.uint8)
    title = "</script><b>photo"
    write_attention_page(tmp_path / "page.html", title, "danet_r50", photograph, attended, LABELS)
    assert "http" not in (tmp_path / "page.html").read_text().replace("http-equiv", "")
    with browser(tmp_path / "profile") as tab:
        tab.open(tmp_path / "page.html")
        assert tab.value("document.title").endswith(title)

        tab.click("#photograph", 0.25, 0.75)
        x, y = map(int, tab.value("document.getElementById('chosen').textContent").split()[1].split(","))
        assert (abs(x - 45) <= 1, abs(y - 90) <= 1) == (True, True)
        exact = attended.row((y, x))
        shown = tab.value("({...document.getElementById('map').dataset})")
        assert (int(shown["peakRow"]), int(shown["peakColumn"])) == divmod(int(exact.argmax()), 18)
        assert float(shown["most"]) == pytest.approx(exact.max(), rel=0.02)
        row = tab.value(f"Array.from(attentionRow({x}, {y}))")
        np.testing.assert_allclose(row, exact.ravel(), atol=0.02 * exact.max())

        tab.press("ArrowRight")
        assert tab.value("document.getElementById('chosen').textContent") == f"Point {x + 10},{y}"

        tab.click("#atlas", 0.95, 0.08)
        assert tab.value("document.getElementById('channel').dataset.number") == "12"

        assert pixel(tab) == LABELS.colours[13].tolist()  # 10 + 3: both modules are on
        tab.click("#cam")
        assert pixel(tab) == LABELS.colours[10].tolist()
        # A quarter of the pixels are of class 13 there, too.
        assert tab.value("document.getElementById('changed').textContent") == "75.0 % of the pixels change"
        tab.click("#pam")
        assert pixel(tab) == LABELS.colours[0].tolist()
        tab.click("#cam")
        assert pixel(tab) == LABELS.colours[3].tolist()
        assert tab.faults == []


def pixel(tab) -> list[int]:
    """The colour in the middle of the prediction."""
    code = "getContext('2d').getImageData(90, 60, 1, 1).data.slice(0, 3)"
    return tab.value(f"Array.from(document.getElementById('prediction').{code})")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_the_page_of_a_network_with_one_module(tmp_path):
    whole = made_up(6, 9, 90, 60)
    classes = {(False, on): whole.classes[False, on] for on in (False, True)}
    attended = AttendedImage(whole.size, whole.grid, None, None, whole.channels, classes)
    photograph = np.zeros((60, 90, 3), np.uint8)
    write_attention_page(tmp_path / "page.html", "photo", "danet_r50_cam", photograph, attended, LABELS)
    with browser(tmp_path / "profile") as tab:
        tab.open(tmp_path / "page.html")
        assert tab.value("document.getElementById('position-section').hidden")
        assert tab.value("document.getElementById('prediction').dataset.shown") == "01"
        assert tab.faults == []

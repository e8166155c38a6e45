"""One page on which a click on a photograph shows what that pixel attends to; it needs no network."""

import base64
import io
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl
import numpy as np
from PIL import Image

from danet.files import write_text
from danet.inference.attention_rows import AttendedImage
from danet.labels import LabelMap
from danet.reporting.page.attention_factors import factorise, mean_difference

SHOWN = 1024
"""Longer side of the photograph in the page, in pixels."""
ATLAS_PIXELS = 2_000_000
"""Of all channel maps together."""
BLOCK = 8
"""Pixels of a block of JPEG, which no two channel maps share."""
ATLAS_COLUMNS = 12


def write_attention_page(
    target: Path, title: str, run: str, photograph: np.ndarray, attended: AttendedImage, labels: LabelMap
) -> None:
    """Write the page.

    Args:
        target: an .html file.
        title: of the photograph.
        run: which network looked at it, in words.
        photograph: (H, W, 3) uint8.
        attended: what its attention modules make of it.
        labels: names and colours of the classes.

    Raises:
        StorageError: the file cannot be written.
    """
    template = files("danet.reporting.page").joinpath("attention.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    data = page_data(photograph, attended, labels)
    write_text(target, environment.from_string(template).render(title=title, run=run, data=data))


def page_data(photograph: np.ndarray, attended: AttendedImage, labels: LabelMap) -> dict[str, Any]:
    """All that the page's program takes."""
    height, width = attended.size
    factor = min(1.0, SHOWN / max(height, width))
    shown = max(1, round(width * factor)), max(1, round(height * factor))
    present = sorted({int(index) for classes in attended.classes.values() for index in np.unique(classes)})
    colours = (np.asarray(mpl.colormaps["magma"](np.arange(256)))[:, :3] * 255).round().astype(np.uint8)
    return {
        "width": width,
        "height": height,
        "columns": attended.grid[1],
        "rows": attended.grid[0],
        "photograph": _jpeg(Image.fromarray(photograph).resize(shown, Image.Resampling.LANCZOS)),
        "colours": _text(colours),
        "position": _position(attended),
        "channel": _channels(attended),
        "classes": [
            {"index": index, "name": labels.names[index], "colour": labels.colours[index].tolist()}
            for index in present
        ],
        "predictions": {
            f"{int(position)}{int(channel)}": _prediction(classes, shown)
            for (position, channel), classes in attended.classes.items()
        },
    }


def _position(attended: AttendedImage) -> dict[str, Any] | None:
    if attended.query is None or attended.key is None:
        return None
    factors = factorise(attended.query, attended.key)
    return {
        "queryFine": _text(factors.query_fine),
        "queryCoarse": _text(factors.query_coarse),
        "keyFine": _text(factors.key_fine),
        "keyCoarse": _text(factors.key_coarse),
        "steps": factors.steps.tolist(),
        "fine": factors.query_fine.shape[1],
        "coarse": factors.query_coarse.shape[1],
        "difference": mean_difference(factors, attended.query, attended.key),
    }


def _channels(attended: AttendedImage) -> dict[str, Any] | None:
    """All channel maps side by side in one picture, each from its least value to its 99th percentile."""
    if attended.channels is None:
        return None
    count, rows, columns = attended.channels.shape
    factor = min(1.0, (ATLAS_PIXELS / count / (rows * columns)) ** 0.5)
    width, height = max(1, int(columns * factor)), max(1, int(rows * factor))
    step_x, step_y = -(-width // BLOCK) * BLOCK, -(-height // BLOCK) * BLOCK
    across = min(ATLAS_COLUMNS, count)
    atlas = Image.new("L", (across * step_x, -(-count // across) * step_y))
    for number, values in enumerate(attended.channels):
        low, high = float(values.min()), float(np.percentile(values, 99))
        shades = 255 * ((values - low) / (high - low if high > low else 1)).clip(0, 1)
        tile = Image.fromarray(shades.astype(np.uint8)).resize((width, height), Image.Resampling.BOX)
        atlas.paste(tile, (number % across * step_x, number // across * step_y))
    return {
        "atlas": _jpeg(atlas, 80),
        "count": count,
        "across": across,
        "width": width,
        "height": height,
        "stepX": step_x,
        "stepY": step_y,
    }


def _prediction(classes: np.ndarray, size: tuple[int, int]) -> str:
    # The indices are the grey values: the page gives them their colours.
    stream = io.BytesIO()
    Image.fromarray(classes).resize(size, Image.Resampling.NEAREST).save(stream, "PNG", optimize=True)
    return _uri("image/png", stream.getvalue())


def _jpeg(picture: Image.Image, quality: int = 85) -> str:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return _uri("image/jpeg", stream.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _text(numbers: np.ndarray) -> str:
    """Little-endian, row by row."""
    little = numbers.astype(numbers.dtype.newbyteorder("<"))
    return base64.b64encode(np.ascontiguousarray(little).tobytes()).decode()

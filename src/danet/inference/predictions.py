"""Predictions of photographs as files: for each a palette PNG and an overlay, for all a legend."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from danet.errors import BadDataError, MissingDataError, SettingsError
from danet.files import replacing, write_text
from danet.inference.photographs import find_photographs
from danet.inference.trained import Prediction, TrainedNetwork
from danet.labels import LabelMap
from danet.progress import ProgressLine

LINE = 28
"""Pixels of a line of the legend."""


@dataclass
class Predicted:
    """What came of a row of photographs."""

    files: list[Path] = field(default_factory=list)
    """All that was written."""
    faults: list[str] = field(default_factory=list)
    """Photographs that could not be read, and why, one after the other."""


def predict_files(network: TrainedNetwork, place: Path, out: Path) -> Predicted:
    """Predict a photograph, or every one in a folder; one that cannot be read does not stop the others.

    Args:
        network: does it.
        place: an image, or a folder.
        out: folder for ``<name>.png`` (class indices, with a palette), ``<name>_overlay.png``, ``legend.png``
            and ``legend.csv``; folders below ``place`` are found again below it.

    Raises:
        MissingDataError: there is no image at ``place``.
        SettingsError: ``out`` lies in ``place``, where the next call would take predictions for photographs.
        StorageError: ``out`` cannot be written to.
    """
    if place.is_dir() and out.resolve().is_relative_to(place.resolve()):
        raise SettingsError(f"--out {out} lies in the folder of the photographs", "name another folder")
    photographs = find_photographs(place)
    result, pixels = Predicted(), Counter[str]()
    with ProgressLine(f"predict {network.experiment.id}", len(photographs), "images") as progress:
        for photograph, name in zip(photographs, output_names(photographs, place), strict=True):
            try:
                prediction = network(photograph)
            except (BadDataError, MissingDataError) as error:
                result.faults.append(error.problem)
            else:
                result.files += _write(prediction, out / name)
                for label, share in prediction.shares().items():
                    pixels[label] += round(share * prediction.classes.size)
            progress.advance()
    if result.files:
        result.files += _write_legend(network.labels, pixels, out)
    return result


def output_names(photographs: Sequence[Path], place: Path) -> list[Path]:
    """A name for each, relative to the folder of results; with its suffix where that alone differs."""
    relative = [path.relative_to(place) if place.is_dir() else Path(path.name) for path in photographs]
    taken = Counter(path.with_suffix("") for path in relative)
    return [path if taken[path.with_suffix("")] > 1 else path.with_suffix("") for path in relative]


def _write(prediction: Prediction, name: Path) -> Iterator[Path]:
    pictures = {"": prediction.palette_image(), "_overlay": prediction.overlay()}
    for ending, picture in pictures.items():
        target = name.with_name(f"{name.name}{ending}.png")
        _save(picture, target)
        yield target


def _write_legend(labels: LabelMap, pixels: Counter[str], out: Path) -> list[Path]:
    """Colour, name and share of the classes that occur, as a picture; all classes as a table."""
    total = pixels.total()
    occurring = [(index, name) for index, name in enumerate(labels.names) if pixels[name]]
    _save(_legend(labels, occurring, pixels, total), out / "legend.png")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["index", "name", "red", "green", "blue", "share"])
    for index, name in enumerate(labels.names):
        writer.writerow([index, name, *labels.colours[index].tolist(), f"{pixels[name] / total:.6f}"])
    write_text(out / "legend.csv", table.getvalue())
    return [out / "legend.png", out / "legend.csv"]


def _legend(
    labels: LabelMap, occurring: Sequence[tuple[int, str]], pixels: Counter[str], total: int
) -> Image.Image:
    font = ImageFont.load_default(16)
    lines = [f"{name}  {100 * pixels[name] / total:.1f} %" for _, name in occurring]
    width = 60 + round(max(font.getlength(line) for line in lines))
    picture = Image.new("RGB", (width, LINE * len(lines) + 12), "white")
    draw = ImageDraw.Draw(picture)
    for place, ((index, _), line) in enumerate(zip(occurring, lines, strict=True)):
        top = 6 + place * LINE
        colour = tuple(labels.colours[index].tolist())
        draw.rectangle((8, top + 4, 36, top + LINE - 4), fill=colour, outline="grey")
        draw.text((46, top + LINE / 2), line, fill="black", font=font, anchor="lm")
    return picture


def _save(picture: Image.Image, target: Path) -> None:
    with replacing(target) as temporary:
        picture.save(temporary)

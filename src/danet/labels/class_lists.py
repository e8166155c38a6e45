"""Lists of classes: of releases from the CSV files beside this module, of own data sets from the user's file.

A row of a CSV file is one class: its index in the prepared labels, its official name and colour, and the
values that stand for it in the official label files (``7``, or a list with ranges: ``0-6 9-10``). The row
with index 255 lists the values that are not evaluated. Any other value is a fault of the file. In an own
data set the index of a class is its line in the list, and its only value; 255 is not evaluated.

Where names and colours of releases come from:
    cityscapes      cityscapesScripts, helpers/labels.py, in the order of its train ids.
    pascal_context  background, then the 59 classes by ascending id among the 459 of the release, the
                    order in which the released code numbers them. The list of the 59 names that
                    comes with the release has another order and calls table "diningtable",
                    bedclothes "bedcloth" and cloth "clothes"; either name is accepted.
                    Colours: the bit-shift palette of PASCAL VOC.
    coco_stuff      the 182 names of version 1.1 without the 11 that it never annotates. The official
                    colours are a shuffle by MATLAB's random numbers; ours are hues a golden ratio
                    apart, in light shades for things and dark ones for stuff.
    camvid          the 11 classes and colours of SegNet.
"""

import csv
import re
from collections import Counter
from colorsys import hsv_to_rgb
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from danet.errors import BadDataError, MissingDataError

LABELS_FOLDER = Path(__file__).parent

MOST_CLASSES = 253
"""A label is a byte, 255 is ignored, and 254 stands for values that a format does not have."""

ONE_CLASS_A_LINE = "write one class a line: its name, or name and colour, as in road,128,64,128"

# A part of a colour.
NUMBER = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True)
class LabelRow:
    """One class."""

    index: int
    name: str
    colour: tuple[int, int, int]
    values: tuple[int, ...]
    """Values in the label files."""


@cache
def release_rows(dataset: str) -> tuple[LabelRow, ...]:
    """The CSV file of a release, in ascending order of index; 255 stands for the ignored values."""
    with (LABELS_FOLDER / f"{dataset}.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(
            LabelRow(
                int(line["index"]),
                line["name"],
                (int(line["red"]), int(line["green"]), int(line["blue"])),
                _values(line["source"]),
            )
            for line in csv.DictReader(stream)
        )


def _values(text: str) -> tuple[int, ...]:
    """``0-2 7`` as (0, 1, 2, 7)."""
    values: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        values.extend(range(int(first), int(last or first) + 1))
    return tuple(values)


def own_rows(dataset: str, classes: Path) -> list[LabelRow]:
    """The classes of an own data set; errors as of :func:`danet.labels.own_label_map`."""
    lines = _lines(dataset, classes)
    if not 2 <= len(lines) <= MOST_CLASSES:
        raise BadDataError(
            f"{classes}: {len(lines)} classes found, 2 to {MOST_CLASSES} are possible", ONE_CLASS_A_LINE
        )
    rows = [_own_row(index, line, classes) for index, line in enumerate(lines)]
    name, occurrences = Counter(row.name for row in rows).most_common(1)[0]
    if occurrences > 1:
        raise BadDataError(f"{classes}: the class {name!r} is listed twice", ONE_CLASS_A_LINE)
    return rows


def _lines(dataset: str, classes: Path) -> list[str]:
    """The lines of a text file that are not blank."""
    try:
        text = classes.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingDataError(
            f"{classes}: this list of classes is not found",
            f"correct datasets.{dataset}.folders.classes in params.yaml, or {ONE_CLASS_A_LINE}",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataError(
            f"{classes}: this list of classes cannot be read ({error})", ONE_CLASS_A_LINE
        ) from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _own_row(index: int, line: str, source: Path) -> LabelRow:
    name, *colour = (part.strip() for part in line.split(","))
    if not colour:
        # Hues a golden ratio apart, so that neighbours in the list differ.
        hue, saturation, value = index * 0.618034 % 1, 0.55 + 0.4 * (index % 2), 0.95 - 0.175 * (index % 3)
        red, green, blue = (round(255 * part) for part in hsv_to_rgb(hue, saturation, value))
        return LabelRow(index, name, (red, green, blue), (index,))
    if not name or len(colour) != 3 or not all(NUMBER.fullmatch(part) and int(part) < 256 for part in colour):
        raise BadDataError(f"{source}: {line!r} is neither a name nor a name with a colour", ONE_CLASS_A_LINE)
    red, green, blue = map(int, colour)
    return LabelRow(index, name, (red, green, blue), (index,))

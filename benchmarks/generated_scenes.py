"""A training split in the layout of Cityscapes, of any number of images, drawn and then linked."""

from itertools import cycle, islice
from pathlib import Path

from PIL import Image

from danet.data.extraction import unpack
from danet.data.generated.archives import write_archives
from danet.data.processes import core_count
from danet.settings.schema import GeneratedData

UNPACKED_LIMIT = 1 << 40
IMAGE, LABEL = "leftImg8bit.png", "gtFine_labelIds.png"


def write_scenes(folder: Path, images: int, drawn: int) -> list[tuple[Path, Path]]:
    """Write a tree to ``folder``; return image and label of each sample, in the adapter's order.

    Args:
        folder: where to write.
        images: of the training split.
        drawn: different ones among them; the others are links to these.
    """
    size = GeneratedData(train=drawn, val=1, width=2048, height=1024)
    (folder / "drawn").mkdir(parents=True)
    for archive in write_archives("cityscapes", size, folder, core_count()):
        unpack(archive, folder / "drawn", UNPACKED_LIMIT)
        archive.unlink()
    pictures = sorted((folder / "drawn/leftImg8bit/train").rglob(f"*_{IMAGE}"))
    for path in pictures:
        _shrink(path)
    return [_link(folder, path, number) for number, path in enumerate(islice(cycle(pictures), images))]


def _shrink(path: Path) -> None:
    """Bring a drawn image, whose noise hardly deflates, to the 2.3 MB of an official one."""
    with Image.open(path) as image:
        even = image.point([value // 4 * 4 for value in range(256)] * 3)
    even.save(path, compress_level=6)


def _link(folder: Path, picture: Path, number: int) -> tuple[Path, Path]:
    """Give an image and its label another name; return the new paths."""
    stem = f"train/aachen/aachen_{number:06d}_000019"
    image, label = folder / f"leftImg8bit/{stem}_{IMAGE}", folder / f"gtFine/{stem}_{LABEL}"
    drawn_label = picture.name.replace(IMAGE, LABEL)
    for target, source in (
        (image, picture),
        (label, folder / "drawn/gtFine/train" / picture.parent.name / drawn_label),
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(source)
    return image, label

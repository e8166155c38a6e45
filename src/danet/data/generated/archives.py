"""Generated scenes, written as the archives in which the real data sets are published.

From unpacking on, the code is the same for generated and for real data. Equal settings give equal
bytes, whatever the number of processes, and only a few scenes are in memory at a time.
"""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from danet.data.generated.detail_json import document
from danet.data.generated.official_files import FORMATS, OfficialFile, ReleaseFormat
from danet.data.generated.scenes import draw_scene
from danet.machine.processes import in_processes
from danet.progress import ProgressLine
from danet.settings import GeneratedData

Add = Callable[[str, bytes], None]
"""Adds a file, given its path in the archive and its content."""

FIRST_YEAR_OF_ZIP = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class SceneToDraw:
    """One scene that another process draws."""

    release: tuple[str, str]
    """Data set and flavour of its labels."""
    split: str
    index: int
    """Number in the split."""
    height: int
    width: int


def write_archives(
    dataset: str, size: GeneratedData, folder: Path, processes: int = 1, variant: str = ""
) -> list[Path]:
    """Draw a data set and write its archives to ``folder``; return them in the order of the sources.

    Args:
        dataset: data set that the scenes stand in for.
        size: number and size of the images.
        folder: where to write; it exists.
        processes: most processes to draw with.
        variant: flavour of the labels, as the data set's adapter calls it.
    """
    layout = FORMATS[dataset, variant]
    counts = _counts(layout, size)
    scenes = [
        SceneToDraw((dataset, variant), split, index, size.height, size.width)
        for split, count in counts.items()
        for index in range(count)
    ]
    paths = {name: folder / name for name in layout.archives}
    with ExitStack() as stack, ProgressLine(f"drawing {dataset}", len(scenes), "scenes") as progress:
        add = {name: stack.enter_context(_open_archive(path)) for name, path in paths.items()}
        for files in in_processes(_draw, scenes, processes):
            _add_all(add, files)
            progress.advance()
        _add_all(add, layout.lists(counts))
    return list(paths.values())


def _counts(layout: ReleaseFormat, size: GeneratedData) -> dict[str, int]:
    """Images of each split."""
    test = {"test": max(1, size.val // 4)} if layout.has_test else {}
    return {"train": size.train, "val": size.val} | test


def _draw(wanted: SceneToDraw) -> list[OfficialFile]:
    """All files of one scene, encoded."""
    scene = draw_scene(wanted.release[0], wanted.split, wanted.index, wanted.height, wanted.width)
    return FORMATS[wanted.release].scene(wanted.split, wanted.index, scene)


def _add_all(add: dict[str, Add], files: list[OfficialFile]) -> None:
    for archive, path, content in files:
        add[archive](path, content)


@contextmanager
def _open_archive(path: Path) -> Iterator[Add]:
    """Open a zip or tar archive, the latter compressed if its name ends in .gz; or a JSON file, which is
    assembled at the end from the entries of its images."""
    if path.suffix == ".json":
        entries: list[bytes] = []
        yield lambda name, content: entries.append(content)
        path.write_bytes(document(entries))
        return
    with ExitStack() as stack:
        if path.suffix == ".zip":
            zipped = stack.enter_context(zipfile.ZipFile(path, "w"))
            yield lambda name, content: _add_to_zip(zipped, name, content)
            return
        stream = stack.enter_context(path.open("wb"))
        if path.suffix == ".gz":
            # No name and no time of day in the header: equal content gives equal bytes.
            stream = stack.enter_context(gzip.GzipFile("", "wb", fileobj=stream, mtime=0))
        taped = stack.enter_context(tarfile.open(fileobj=stream, mode="w"))
        yield lambda name, content: _add_to_tar(taped, name, content)


def _add_to_zip(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, FIRST_YEAR_OF_ZIP)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _add_to_tar(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
    # A tar file keeps every entry that it has written in memory; they are not needed here.
    archive.members.clear()  # pyright: ignore[reportAttributeAccessIssue]  # typeshed lacks it

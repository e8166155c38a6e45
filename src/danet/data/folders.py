"""Writing folders so that a reader never sees half of one: a temporary name first, then a rename."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from danet.files import storing


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` and remove it afterwards.

    What a killed process left behind is removed at the next call, so no two processes may work on
    one ``target`` at a time.

    Raises:
        StorageError: the place is full, read-only or forbidden.
    """
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
            yield Path(folder)


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``target`` if the block succeeds.

    On an exception the new folder is removed and ``target`` stays as it was.
    """
    with scratch_folder(target) as scratch:
        new = scratch / "new"
        new.mkdir()
        yield new
        if target.exists():
            target.replace(scratch / "old")
        new.replace(target)

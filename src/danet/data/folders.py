"""Writing folders so that a reader never sees half of one: a temporary name first, then a rename."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` that takes its place if the block succeeds.

    On an exception the new folder is removed and ``target`` stays as it was. What a killed process
    left behind is removed at the next call, so no two processes may write one ``target`` at a time.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(leftover)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        content = temporary / "new"
        content.mkdir()
        yield content
        if target.exists():
            target.replace(temporary / "old")
        content.replace(target)
    finally:
        shutil.rmtree(temporary)

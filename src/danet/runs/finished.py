"""A finished run is kept apart from the files that a workflow engine may delete.

An engine that is stopped deletes the outputs of the job that it believes unfinished, even if the
training had just ended. So the files of a finished run have a second name each, in ``.finished``
within the run's folder: hard links, which take no room. The training puts lost files back from there.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from danet.files import replacing_folder, write_text
from danet.paths import RunPaths

FOLDER = ".finished"


def keep_finished(paths: RunPaths) -> None:
    """Give the files of a run that has ended their second names, where they have none yet."""
    there = [file for file in _files(paths) if file.exists()]
    names = ((file, paths.root / FOLDER / file.name) for file in there)
    if all(second.exists() and second.samefile(file) for file, second in names):
        return
    with replacing_folder(paths.root / FOLDER) as folder:
        for file in there:
            _link(file, folder / file.name)


def restore_finished(paths: RunPaths) -> list[Path]:
    """Put back what is missing of a finished run.

    One that has no curve gets an empty file, as both engines ask for one: earlier versions imported networks
    without.

    Returns:
        The files that were missing.
    """
    kept = paths.root / FOLDER
    missing = [file for file in _files(paths) if not file.exists() and (kept / file.name).exists()]
    for file in missing:
        _link(kept / file.name, file)
    if not paths.metrics.exists() and all(file.exists() for file in _files(paths) if file != paths.metrics):
        write_text(paths.metrics, "")
    return missing


def set_aside(paths: RunPaths) -> Path | None:
    """Move all files of a run to a folder of their own below ``superseded``; nothing is deleted.

    Returns:
        That folder; None where the run has no files.
    """
    unfinished = (paths.last, paths.previous, paths.unfinished_metrics, paths.tracking)
    names = [file.name for file in (*_files(paths), *unfinished) if file.exists()]
    if not names:
        return None
    folder = paths.root / "superseded" / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%f")
    folder.mkdir(parents=True)
    for name in names:
        (paths.root / name).rename(folder / name)
    shutil.rmtree(paths.root / FOLDER, ignore_errors=True)
    return folder


def _files(paths: RunPaths) -> tuple[Path, ...]:
    return (paths.config, paths.metrics, paths.record, paths.final)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)

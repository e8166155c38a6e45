"""Checksums of archives whose publishers state none: noted when an archive is first used, then compared.

Some of these come over plain http, and none of them would otherwise be known to be the file of last time.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from danet.data.obtaining.receipt import ArchiveFacts
from danet.data.obtaining.sources import Source
from danet.errors import BadDataError
from danet.files import read_json, write_json
from danet.settings import Dataset

log = logging.getLogger(__name__)


def pinned(dataset: Dataset, source: Source) -> Source:
    """The source with the checksum that the archive had when it was first used, if none is published.

    Raises:
        BadDataError: the file of checksums is damaged.
    """
    path = _pins_file(dataset)
    checksum = "" if source.checksum else _read(path).get(source.archive, "")
    return replace(source, checksum=checksum, pins=path) if checksum else source


def pin(dataset: Dataset, used: Iterable[tuple[Source, ArchiveFacts]]) -> None:
    """Note the checksums of archives that turned out to be whole, where neither a publisher nor an earlier
    call has stated them."""
    path = _pins_file(dataset)
    new = {facts.name: f"sha256:{facts.sha256}" for source, facts in used if not source.checksum}
    if new:
        write_json(path, _read(path) | new)
    for name, checksum in new.items():
        log.warning("note: nobody states a checksum of %s; it has %s, kept in %s", name, checksum, path)


def _pins_file(dataset: Dataset) -> Path:
    return dataset.paths.root / "pins.json"


def _read(path: Path) -> dict[str, str]:
    try:
        content = read_json(path)
    except FileNotFoundError:
        return {}
    except ValueError:
        content = None
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise BadDataError(f"{path}: these checksums of archives are damaged", f"rm {path}")
    return content

"""What a plan has found out and need not find out again: small JSON files in the user's cache folder.

``$XDG_CACHE_HOME/danet``, by default ``~/.cache/danet``. They can be deleted at any time. Where they cannot
be written, everything is found out each time.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from danet.errors import StorageError
from danet.files import read_json, write_json


def folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "danet"


def kept(file: str, key: str) -> Any:
    """What was kept in a file under a key; None where there is nothing that can be read."""
    return _read(file).get(key)


def keep(file: str, found: Mapping[str, Any]) -> None:
    """Add to a file what was found, by key."""
    with suppress(OSError, RuntimeError, StorageError):
        write_json(folder() / file, _read(file) | dict(found))


def _read(file: str) -> dict[str, Any]:
    try:
        content = read_json(folder() / file)
    except (OSError, RuntimeError, ValueError):  # RuntimeError: there is no home
        return {}
    return content if isinstance(content, dict) else {}

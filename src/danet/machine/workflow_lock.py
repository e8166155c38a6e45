"""Snakemake's lock on a folder, where the process that took it has been killed.

Snakemake leaves its lock behind when it is killed, and then refuses to work until somebody types
``snakemake --unlock``. Here a lock is dropped if this machine took it and no Snakemake of this machine
works in the folder any more; that of a living process, or of another machine, is respected.
"""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

STATE = Path(".snakemake")
OWNER = "last-started.json"


def note_owner(state: Path = STATE) -> None:
    """Note that this machine has the lock; called once Snakemake has taken it."""
    state.mkdir(exist_ok=True)
    owner = {"host": socket.gethostname(), "pid": os.getpid()}
    (state / OWNER).write_text(json.dumps(owner), encoding="utf-8")


def drop_dead_lock(state: Path = STATE) -> list[Path]:
    """Remove the lock files that a killed Snakemake has left in the current folder.

    Returns:
        The files that were removed.
    """
    locks = sorted((state / "locks").glob("*.lock"))
    if not locks or not _taken_here(state) or any(_others_at_work(Path.cwd())):
        return []
    for lock in locks:
        lock.unlink(missing_ok=True)
    return locks


def _taken_here(state: Path) -> bool:
    try:
        owner = json.loads((state / OWNER).read_text(encoding="utf-8"))
        return owner["host"] == socket.gethostname()
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _others_at_work(folder: Path) -> Iterator[int]:
    """Ids of the processes that run Snakemake in a folder, but for this one and those that it comes from."""
    own = set(_with_ancestors(os.getpid()))
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            here = (process / "cwd").samefile(folder)
        except OSError:  # it has ended, or belongs to another user
            continue
        if here and int(process.name) not in own and any(word.endswith(b"snakemake") for word in words):
            yield int(process.name)


def _with_ancestors(pid: int) -> Iterator[int]:
    while pid:
        yield pid
        # The parent is the second word behind the name, which stands in brackets and may hold anything.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        pid = int(stat.rpartition(")")[2].split()[1])

"""Names that one process of this machine holds at a time: who has a GPU, and who waits for one.

The names are those of Unix sockets in Linux's abstract namespace. All users may take one, the kernel
gives each to one process and drops it however that process ends, and no file lies anywhere that could
be planted, removed or left behind. Containers with a network of their own have names of their own.
"""

import errno
import os
import pwd
import re
import socket
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PARTS = 8
"""Each GPU is shared out in so many parts; a job that has it to itself takes all."""
PREFIX = "danet-gpu"
TABLE = Path("/proc/net/unix")
NAME = re.compile(rf"@{PREFIX}:(?P<device>[^:\s]+):(?P<kind>part|held|wait):(?P<rest>[\d:]+)$", re.MULTILINE)

Name = socket.socket
"""A name that is held until the socket is closed, here and in all processes that inherited it."""


@dataclass(frozen=True, order=True)
class Claim:
    """A job that waits for GPUs, or that has some."""

    since: int
    """Nanoseconds of the machine's monotonic clock, which all processes share."""
    pid: int
    count: int
    """GPUs."""
    parts: int
    """Of each."""

    @property
    def user(self) -> str:
        """Of the process; "?" where it is not to be seen from here."""
        try:
            owner = Path(f"/proc/{self.pid}").stat().st_uid
            return pwd.getpwuid(owner).pw_name
        except (OSError, KeyError):
            return "?"

    @property
    def is_stopped(self) -> bool:
        """Whether the process is suspended, as by Ctrl-Z."""
        with suppress(OSError):
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace")
            return stat.rpartition(")")[2].split()[0] in ("T", "t")
        return False


@dataclass
class Claims:
    """What is known of one GPU."""

    parts: int = 0
    """Those that are taken."""
    holders: list[Claim] = field(default_factory=list)
    waiting: list[Claim] = field(default_factory=list)
    """First come, first served."""


def claims() -> defaultdict[str, Claims]:
    """All claims on this machine, by UUID of the GPU.

    They are what processes say of themselves: only the parts are more than words.
    """
    found: defaultdict[str, Claims] = defaultdict(Claims)
    for name in NAME.finditer(TABLE.read_text(encoding="utf-8", errors="replace")):
        of_device = found[name["device"]]
        if name["kind"] == "part":
            of_device.parts += 1
            continue
        with suppress(ValueError, TypeError):  # not one of ours
            claim = Claim(*map(int, name["rest"].split(":")))
            (of_device.holders if name["kind"] == "held" else of_device.waiting).append(claim)
    for of_device in found.values():
        of_device.holders.sort()
        of_device.waiting.sort()
    return found


def take_parts(device: str, wanted: int) -> list[Name]:
    """So many parts of a GPU, or none if there are too few."""
    taken: list[Name] = []
    for part in range(PARTS):
        if len(taken) < wanted and (name := _take(f"{device}:part:{part}")):
            taken.append(name)
    if len(taken) == wanted:
        return taken
    release(taken)
    return []


def announce(kind: str, devices: Sequence[str], claim: Claim) -> list[Name]:
    """Let others see that a job waits for (``wait``) or has (``held``) GPUs."""
    words = f"{kind}:{claim.since}:{claim.pid}:{claim.count}:{claim.parts}"
    return [name for device in devices if (name := _take(f"{device}:{words}"))]


def claim_of_this_process(since: int, count: int, parts: int) -> Claim:
    return Claim(since, os.getpid(), count, parts)


def release(names: Sequence[Name]) -> None:
    for name in names:
        name.close()


def _take(name: str) -> Name | None:
    # A stream that nobody listens on: nothing can be sent to it.
    taken = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        taken.bind(f"\0{PREFIX}:{name}")
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return taken

"""Where the official archives are, read from ``sources.csv``.

A row is one archive. ``url`` may hold several addresses, tried in turn. ``bytes`` and ``checksum``
are blank where the publisher states none. ``credential`` names the account that the address asks for.
``unpacked_limit`` is our own safety bound, generous and round: an archive that would unpack to more
bytes is not the official one, and is refused before it fills the disk. ``instead_of`` names the
archive that this one can replace; it is used only where the user has put it, since the two may hold
different images, and the user must choose which of them a score belongs to.
"""

import csv
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shlex import quote

SOURCES_FILE = Path(__file__).parent / "sources.csv"


@dataclass(frozen=True)
class Credential:
    """An account, given in two environment variables."""

    username_variable: str
    password_variable: str
    registration: str
    """Where one gets an account."""
    tool: str
    """Commands of the publisher's own tool, which asks for the account itself; ``{folder}`` is where
    it puts the archives."""

    @property
    def given(self) -> bool:
        """Whether both variables are set."""
        return bool(os.environ.get(self.username_variable) and os.environ.get(self.password_variable))

    def ways(self, folder: Path) -> tuple[str, str]:
        """How the user can get the archives into ``folder``: by the variables, by the tool."""
        return (
            f"register at {self.registration}, then set {self.username_variable}"
            f" and {self.password_variable}",
            f"fetch them with the official tool: {self.tool.format(folder=quote(str(folder)))}",
        )


CREDENTIALS = {
    "cityscapes": Credential(
        "CITYSCAPES_USERNAME",
        "CITYSCAPES_PASSWORD",
        "https://www.cityscapes-dataset.com/register/",
        "pip install cityscapesscripts; mkdir -p {folder}; "
        "csDownload -d {folder} gtFine_trainvaltest.zip leftImg8bit_trainvaltest.zip",
    ),
}


@dataclass(frozen=True)
class Source:
    """One archive of a data set."""

    archive: str
    """File name."""
    urls: tuple[str, ...]
    bytes: int | None
    """Size, if known."""
    checksum: str
    """``algorithm:hexadecimal``, or empty if unknown."""
    licence: str
    """Page with the terms of use."""
    credential: Credential | None
    """Account that the addresses ask for."""
    unpacked_limit: int
    """Most bytes that it may unpack to."""
    alternatives: tuple["Source", ...] = ()
    """Archives of which any one can replace this one."""
    pins: Path | None = None
    """File that has the checksum, where it is not the publisher's but that of the archive first used here."""


@cache
def sources_of(dataset: str) -> tuple[Source, ...]:
    """The archives that make up a data set, each with its alternatives."""
    with SOURCES_FILE.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["dataset"] == dataset]
    return tuple(_source(row, rows) for row in rows if not row["instead_of"])


def choose(source: Source, folder: Path) -> Source:
    """The archive to use for ``source``: itself, unless only an alternative lies in ``folder``."""
    if not (folder / source.archive).exists():
        for alternative in source.alternatives:
            if (folder / alternative.archive).exists():
                return alternative
    return source


def _source(row: dict[str, str], rows: list[dict[str, str]]) -> Source:
    return Source(
        archive=row["archive"],
        urls=tuple(row["url"].split()),
        bytes=int(row["bytes"]) if row["bytes"] else None,
        checksum=row["checksum"],
        licence=row["licence"],
        credential=CREDENTIALS[row["credential"]] if row["credential"] else None,
        unpacked_limit=int(row["unpacked_limit"]),
        alternatives=tuple(_source(other, rows) for other in rows if other["instead_of"] == row["archive"]),
    )

"""Where the official archives are, read from ``sources.csv``.

A row is one archive. ``url`` may hold several addresses, tried in turn. ``bytes`` and ``checksum``
are blank where the publisher states none. ``credential`` names the account that the address asks for.
"""

import csv
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCES_FILE = Path(__file__).parent / "sources.csv"


@dataclass(frozen=True)
class Credential:
    """An account, given in two environment variables."""

    username_variable: str
    password_variable: str
    registration: str
    """Where one gets an account."""

    @property
    def given(self) -> bool:
        """Whether both variables are set."""
        return bool(os.environ.get(self.username_variable) and os.environ.get(self.password_variable))


CREDENTIALS = {
    "cityscapes": Credential(
        "CITYSCAPES_USERNAME", "CITYSCAPES_PASSWORD", "https://www.cityscapes-dataset.com/register/"
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
    """Page with the terms."""
    credential: Credential | None
    """Account that the addresses ask for."""


@cache
def sources_of(dataset: str) -> tuple[Source, ...]:
    """The archives that make up a data set."""
    with SOURCES_FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(_source(row) for row in csv.DictReader(stream) if row["dataset"] == dataset)


def _source(row: dict[str, str]) -> Source:
    return Source(
        archive=row["archive"],
        urls=tuple(row["url"].split()),
        bytes=int(row["bytes"]) if row["bytes"] else None,
        checksum=row["checksum"],
        licence=row["licence"],
        credential=CREDENTIALS[row["credential"]] if row["credential"] else None,
    )

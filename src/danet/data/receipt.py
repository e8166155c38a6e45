"""The receipt of the download stage: where the official tree lies, how it came there, what is in it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from danet.errors import BadDataError, MissingDataError
from danet.files import read_json, write_json


@dataclass(frozen=True)
class ArchiveFacts:
    """An archive as it was unpacked."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Receipt:
    """Equal downloads leave equal receipts: no times, no machine names."""

    dataset: str
    root: str
    """Folder of the official tree; relative to the project's folder where it is inside."""
    how: Literal["adopted", "generated", "downloaded"]
    archives: tuple[ArchiveFacts, ...]
    """Empty for a tree that was adopted as such."""
    images: dict[str, int]
    """Number of images of each split."""


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Write a receipt as a whole or not at all."""
    write_json(path, asdict(receipt))


def read_receipt(path: Path, dataset: str) -> Receipt:
    """Read what ``write_receipt`` wrote.

    Raises:
        MissingDataError: there is none.
        BadDataError: it is damaged.
    """
    try:
        content = read_json(path)
        archives = tuple(ArchiveFacts(**facts) for facts in content.pop("archives"))
        return Receipt(archives=archives, **content)
    except FileNotFoundError:
        raise MissingDataError(
            f"{path}: {dataset} has not been downloaded", f"danet download --dataset {dataset}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadDataError(
            f"{path}: this receipt is damaged",
            f"remove it, then run danet download --dataset {dataset} again",
        ) from None

"""The receipt of the download stage: where the official tree lies, how it got there, what is in it."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from typing import Literal

from danet.errors import BadDataError, MissingDataError
from danet.files import read_json, write_json
from danet.settings import Dataset

HowObtained = Literal["adopted", "generated", "downloaded"]


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
    """Folder of the tree, of own folders the images; relative to the project's folder if inside it."""
    how: HowObtained
    archives: tuple[ArchiveFacts, ...]
    """Empty for a tree or folders that were adopted as they are."""
    images: dict[str, int]
    """Number of images of each split."""
    copy: str = ""
    """Folder of the user's from which archives were adopted; empty for anything else."""
    checksums: dict[str, str] = field(default_factory=dict)
    """CRC-32 in hexadecimal, by path below ``root``, of files whose format may hold none; as they were in the
    archives. What is not listed is not known."""


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Write all of a receipt or nothing."""
    write_json(path, asdict(receipt))


def read_receipt(dataset: Dataset) -> Receipt:
    """Read what ``write_receipt`` left for a data set.

    Raises:
        MissingDataError: there is no receipt.
        BadDataError: it is damaged.
    """
    path, command = dataset.paths.receipt, f"danet download {dataset.command}"
    try:
        content = read_json(path)
        archives = tuple(ArchiveFacts(**facts) for facts in content.pop("archives"))
        return Receipt(archives=archives, **content)
    except FileNotFoundError:
        raise MissingDataError(f"{path}: {dataset.name} has not been downloaded", command) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadDataError(f"{path}: this receipt is damaged", f"rm {quote(str(path))}; {command}") from None

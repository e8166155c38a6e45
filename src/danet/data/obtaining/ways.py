"""In which way a data set is obtained: the one place that decides the order, and says why.

1. ``folders``: a data set of the user's own, which params.yaml names.
2. ``generated``: the profile draws it; it has to run alike on every machine.
3. ``copy``: what the data set's environment variable names.
4. ``copy``: what it named when the receipt was written, as long as that is there.
5. ``archives``: from the archives folder, where those are fetched to that are not there yet.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from danet.data.obtaining.receipt import Receipt, read_receipt
from danet.data.obtaining.users_copy import UsersCopy, copy_named, recognise_copy
from danet.errors import MissingDataError
from danet.settings import Dataset


@dataclass(frozen=True)
class Way:
    """How a data set is obtained."""

    kind: Literal["folders", "generated", "copy", "archives"]
    reason: str
    """Why, in words for messages: ``CAMVID_DATASET``, ``CAMVID_DATASET is not set`` ..."""
    copy: Path | None = None
    """Of kind ``copy``: the path that is or was named."""

    @property
    def place(self) -> str:
        """``CAMVID_DATASET=/data/camvid``, or the path and the receipt that has it."""
        return f"{self.copy} ({self.reason})" if " " in self.reason else f"{self.reason}={self.copy}"


def chosen_way(dataset: Dataset) -> Way:
    """The first way that the user's settings, environment and earlier choice leave open.

    Raises:
        BadDataError: the receipt is damaged.
    """
    variable, named = dataset.folder_variable, copy_named(dataset)
    if dataset.folders is not None:
        return Way("folders", "params.yaml")
    if dataset.generated is not None:
        return Way("generated", f"by the profile; {variable} is not read" if named else "by the profile")
    if named:
        return Way("copy", str(variable), Path(named))
    receipt = read_receipt(dataset) if dataset.paths.receipt.exists() else None
    if receipt is not None and receipt.how == "adopted":
        before = Path(receipt.copy or receipt.root)
        if os.path.exists(before):  # noqa: PTH110  # False where permission is missing
            return Way("copy", f"{dataset.paths.receipt}; {variable} is not set", before)
    return Way("archives", f"{variable} is not set")


def is_of(receipt: Receipt, copy: UsersCopy) -> bool:
    """Whether a receipt is of this copy."""
    if receipt.how != "adopted" or bool(receipt.archives) != (copy.kind == "archives"):
        return False
    return Path(receipt.copy or receipt.root).resolve() == copy.root.resolve()


def is_gone(receipt: Receipt, named: Path) -> bool:
    """Whether a receipt is of the copy that is named, which has been removed since."""
    before = Path(receipt.copy or receipt.root).resolve()
    gone = not os.path.exists(named)  # noqa: PTH110  # False where permission is missing
    return receipt.how == "adopted" and gone and before.is_relative_to(named.resolve())


def is_in_place(dataset: Dataset) -> bool:
    """Whether the tree is where its receipt says; False of a copy that a variable names, which may be another
    one each time.

    Raises:
        BadDataError: the receipt is damaged.
    """
    if dataset.generated is None and copy_named(dataset):
        return False
    return dataset.paths.receipt.exists() and Path(read_receipt(dataset).root).is_dir()


def current_receipt(dataset: Dataset) -> Receipt:
    """The receipt, of the copy that is named today.

    Raises:
        MissingDataError: there is none, it is of another copy than the environment variable names, or that
            names nothing of the kind.
        BadDataError: the receipt is damaged.
        StorageError: permission to read the copy is missing.
    """
    receipt, named = read_receipt(dataset), copy_named(dataset)
    if named and dataset.generated is None and receipt.how != "generated":
        variable = dataset.folder_variable
        if is_gone(receipt, Path(named)):
            return receipt
        try:
            copy = recognise_copy(dataset, Path(named))
        except MissingDataError as error:
            raise MissingDataError(
                f"{variable}={named}: {error.problem}", f"correct or unset {variable}"
            ) from None
        if not is_of(receipt, copy):
            raise MissingDataError(
                f"{variable} names {copy.root}, but what was read is {receipt.root}",
                f"danet download {dataset.command} reads it; or unset {variable}",
            )
    return receipt

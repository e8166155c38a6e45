"""Copies of a data set that the user has: what its environment variable names, or folders of their own."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from danet.data.obtaining.sources import Source, choose, sources_of
from danet.data.releases.layout import find_root, forbidden
from danet.data.releases.samples import landmarks
from danet.errors import MissingDataError
from danet.settings import Dataset, OwnFolders


@dataclass(frozen=True)
class UsersCopy:
    """A copy of a release that the user has; it is read where it lies and never changed."""

    kind: Literal["tree", "archives"]
    root: Path
    """Root of the official tree, or the folder that holds the archives."""
    sources: tuple[Source, ...] = ()
    """The archives that lie there, by their names in ``root``; none for a tree."""


def copy_named(dataset: Dataset) -> str:
    """What the data set's environment variable names; empty where it is not set."""
    return os.environ.get(dataset.folder_variable, "") if dataset.folder_variable else ""


def recognise_copy(dataset: Dataset, path: Path) -> UsersCopy:
    """Find out what ``path`` holds of ``dataset``; nothing is verified.

    Args:
        dataset: a release.
        path: a folder with the official tree or with the official archives, or one of the archives,
            with the others beside it.

    Raises:
        MissingDataError: it is none of these, or an archive is missing.
        StorageError: permission to read it is missing.
    """
    try:
        return _recognised(dataset, path)
    except PermissionError as error:
        raise forbidden(Path(error.filename or path)) from None


def _recognised(dataset: Dataset, path: Path) -> UsersCopy:
    sources = sources_of(dataset.name)
    if path.is_file():
        names = [name for source in sources for name in _names(source)]
        if path.name not in names:
            raise MissingDataError(f"{path} is none of the official archives {', '.join(names)}")
        return _archives(sources, path.parent)
    try:
        return UsersCopy("tree", find_root(path, landmarks(dataset)))
    except MissingDataError as no_tree:
        if not any((path / name).is_file() for source in sources for name in _names(source)):
            wanted = " and ".join(" or ".join(_names(source)) for source in sources)
            raise MissingDataError(
                f"{no_tree.problem}, nor the official archives {wanted}" if path.is_dir() else no_tree.problem
            ) from None
    return _archives(sources, path)


def own_images(dataset: str, folders: OwnFolders) -> Path:
    """The folder of images of a data set of the user's own, once all that params.yaml names is found.

    Raises:
        MissingDataError: what is not found, by its key in params.yaml.
    """
    images, labels, classes = (
        Path(path).expanduser() for path in (folders.images, folders.labels, folders.classes)
    )
    named = [("images", images, images.is_dir()), ("labels", labels, labels.is_dir())]
    named.append(("classes", classes, classes.is_file()))
    if isinstance(folders.validation, str):
        listed = Path(folders.validation).expanduser()
        named.append(("validation", listed, listed.is_file()))
    block = f"datasets.{dataset}.folders"
    wrong = [f"{block}.{key}: {path} is not found" for key, path, found in named if not found]
    if wrong:
        raise MissingDataError("; ".join(wrong), f"correct {block} in params.yaml")
    return images


def _archives(sources: tuple[Source, ...], folder: Path) -> UsersCopy:
    chosen = tuple(choose(source, folder) for source in sources)
    absent = [source for source in chosen if not (folder / source.archive).is_file()]
    if absent:
        names = ", ".join(" or ".join(_names(source)) for source in absent)
        raise MissingDataError(f"{folder} holds some of the official archives, but not {names}")
    return UsersCopy("archives", folder, chosen)


def _names(source: Source) -> list[str]:
    """File names, of which one is needed."""
    return [source.archive, *(alternative.archive for alternative in source.alternatives)]

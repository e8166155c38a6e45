"""What a data set's environment variable points to: the official folder tree, or its archives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from danet.data.layout import find_root
from danet.data.samples import ADAPTERS
from danet.data.sources import Source, choose, sources_of
from danet.errors import MissingDataError


@dataclass(frozen=True)
class Adoptable:
    """A copy of a data set that the user has; it is read where it is and never changed."""

    kind: Literal["tree", "archives"]
    root: Path
    """Root of the official tree, or the folder that the archives lie in."""
    sources: tuple[Source, ...] = ()
    """The archives that are there, by their names in ``root``; none of a tree."""


def adoptable(dataset: str, path: Path) -> Adoptable:
    """Recognise the copy of ``dataset`` that ``path`` names; nothing is verified.

    Args:
        dataset: its key in params.yaml.
        path: a folder with the official tree or with the official archives, or one of the archives,
            beside which the others lie.

    Raises:
        MissingDataError: it is none of these, or an archive is missing.
    """
    sources = sources_of(dataset)
    if path.is_file():
        names = [name for source in sources for name in _names(source)]
        if path.name not in names:
            raise MissingDataError(f"{path} is none of the official archives {', '.join(names)}")
        return _archives(sources, path.parent)
    try:
        return Adoptable("tree", find_root(path, ADAPTERS[dataset].LANDMARKS))
    except MissingDataError as no_tree:
        if not any((path / name).is_file() for source in sources for name in _names(source)):
            wanted = " and ".join(" or ".join(_names(source)) for source in sources)
            raise MissingDataError(
                f"{no_tree.problem}, nor the official archives {wanted}" if path.is_dir() else no_tree.problem
            ) from None
    return _archives(sources, path)


def _archives(sources: tuple[Source, ...], folder: Path) -> Adoptable:
    chosen = tuple(choose(source, folder) for source in sources)
    absent = [source for source in chosen if not (folder / source.archive).is_file()]
    if absent:
        names = ", ".join(" or ".join(_names(source)) for source in absent)
        raise MissingDataError(f"{folder} holds some of the official archives, but not {names}")
    return Adoptable("archives", folder, chosen)


def _names(source: Source) -> list[str]:
    """File names of which one is needed."""
    return [source.archive, *(alternative.archive for alternative in source.alternatives)]

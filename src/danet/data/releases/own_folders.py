"""A data set of the user's own: a folder of images, and one of labels with the same relative names.

``photos/street/a.jpg`` goes with ``labels/street/a.png``; its name is ``street/a``. Folders may be nested in
any way and linked to; hidden files, and files in the image folder that are not images, are left out.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category

import numpy as np

from danet.data.releases.layout import SPLITS, Landmarks, Sample, read_text
from danet.data.releases.pictures import image_suffixes, read_index_image
from danet.errors import BadDataError, MissingDataError
from danet.settings import OwnFolders

CONTROL_OR_UNDECODED = ("Cc", "Cs")  # categories of characters that the index of a prepared split cannot hold


@dataclass(frozen=True)
class FolderPair:
    """The adapter of one such data set."""

    dataset: str
    """Its key in params.yaml."""
    folders: OwnFolders
    LANDMARKS: Landmarks = ((),)
    """Nothing to recognise a root by: params.yaml names both folders."""

    def list_samples(self, root: Path, split: str) -> list[Sample]:
        """Images of a split, sorted by name.

        Raises:
            MissingDataError: a folder or the validation list is not found, or fewer than two images are.
            BadDataError: two images have one name, or the validation list names an unknown image or leaves
                none to train on.
        """
        samples = self._samples()
        held_out = self._held_out(samples)
        chosen = {"train": set(range(len(samples))) - held_out, "val": held_out}.get(split, set())
        return [samples[position] for position in sorted(chosen)]

    def unlisted(self, root: Path, split: str) -> list[Path]:
        """PNG files among the labels that belong to no image."""
        if split != SPLITS[0]:
            return []
        used = {sample.label for sample in self._samples()}
        return [path for path in self._label_files() if path not in used]

    def variant(self, root: Path) -> str:
        """There is one."""
        return ""

    def read_label(self, sample: Sample) -> np.ndarray:
        """(H, W) class indices, 255 where ignored; raises BadDataError."""
        return read_index_image(sample.label_file)

    def _samples(self) -> list[Sample]:
        images, labels = self._folder("images"), self._folder("labels")
        if images.resolve() == labels.resolve():
            raise BadDataError(f"{images}: this is the folder of images and of labels", "use two folders")
        label_of = {_name(path, labels): path for path in self._label_files()}
        found: dict[str, Sample] = {}
        for path in _files(images, but_for=labels):
            if path.suffix.lower() not in image_suffixes():
                continue
            name = _name(path, images)
            if name in found:
                raise BadDataError(
                    f"{path}: {found[name].image} has the same name and so the same label",
                    "rename or remove one of them",
                )
            found[name] = Sample(name, path, label_of.get(name, labels / f"{name}.png"))
        return [found[name] for name in sorted(found)]

    def _label_files(self) -> list[Path]:
        files = _files(self._folder("labels"), but_for=self._folder("images"))
        return [path for path in files if path.suffix.lower() == ".png"]

    def _held_out(self, samples: Sequence[Sample]) -> set[int]:
        """Positions of the images to evaluate on."""
        total, validation = len(samples), self.folders.validation
        if total < 2:
            raise MissingDataError(
                f"{self.folders.images}: {total} images found, one to train on and one to evaluate on are"
                " needed at least",
                f"put images there, or correct {self._key('images')}",
            )
        if isinstance(validation, str):
            return self._listed(samples, Path(validation).expanduser())
        count = min(max(round(validation * total), 1), total - 1)
        return {int((place + 0.5) * total / count) for place in range(count)}

    def _listed(self, samples: Sequence[Sample], path: Path) -> set[int]:
        """Positions of the images that a file lists, by relative names with or without suffix."""
        remedy = f"correct it, or {self._key('validation')}"
        images = self._folder("images")
        positions = {sample.name: position for position, sample in enumerate(samples)}
        positions |= {
            sample.image.relative_to(images).as_posix(): position for position, sample in enumerate(samples)
        }
        names = [line.strip() for line in read_text(path, remedy).splitlines() if line.strip()]
        for name in names:
            if name not in positions:
                raise BadDataError(f"{path}: there is no image {name!r} below {images}", remedy)
        held_out = {positions[name] for name in names}
        if not held_out:
            raise BadDataError(f"{path}: this list names no image to evaluate on", remedy)
        if len(held_out) == len(samples):
            raise BadDataError(f"{path}: this list names every image and leaves none to train on", remedy)
        return held_out

    def _folder(self, kind: str) -> Path:
        folder = Path(getattr(self.folders, kind)).expanduser()
        if not folder.is_dir():
            raise MissingDataError(
                f"{folder}: this folder of {kind} is not found", f"correct {self._key(kind)}"
            )
        return folder

    def _key(self, key: str) -> str:
        return f"datasets.{self.dataset}.folders.{key} in params.yaml"


def _files(folder: Path, but_for: Path) -> Iterator[Path]:
    """Files below a folder, sorted folder by folder, without hidden ones and those below ``but_for``."""
    visited = {but_for.resolve()}
    for place, subfolders, names in os.walk(folder, onerror=_fail, followlinks=True):
        here = Path(place)
        if here.resolve() in visited:  # a link may lead back up
            subfolders.clear()
            continue
        visited.add(here.resolve())
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (here / name for name in sorted(names) if not name.startswith("."))


def _fail(error: OSError) -> None:
    raise error


def _name(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).with_suffix("").as_posix()
    if any(category(character) in CONTROL_OR_UNDECODED for character in name):
        raise BadDataError(f"{str(path)!r}: a name with a control character or not in UTF-8", "rename it")
    return name

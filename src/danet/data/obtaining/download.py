"""The download stage: one data set's official folder tree, adopted, generated or fetched."""

import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from shlex import quote

from danet.data.generated.archives import write_archives
from danet.data.obtaining.extraction import unpack
from danet.data.obtaining.fetching import archive_digest, fault_of, fetch
from danet.data.obtaining.pins import pin, pinned
from danet.data.obtaining.receipt import ArchiveFacts, HowObtained, Receipt, write_receipt
from danet.data.obtaining.sources import Source, choose, sources_of
from danet.data.obtaining.trial import refuse_mixture
from danet.data.obtaining.users_copy import UsersCopy, copy_named, own_images, recognise_copy
from danet.data.obtaining.ways import Way, chosen_way
from danet.data.one_at_a_time import one_at_a_time
from danet.data.releases.layout import Sample, find_root
from danet.data.releases.manifest import expected_counts
from danet.data.releases.samples import (
    is_release,
    landmarks,
    needs_checksum,
    samples_by_split,
    variant,
)
from danet.errors import BadDataError, MissingDataError, StorageError
from danet.files import replacing_folder, require_room, scratch_folder, storing
from danet.machine.processes import core_count
from danet.settings import Dataset, GeneratedData, OwnFolders

# No gzip stream unpacks to more than about this many times its size.
MOST_COMPRESSION = 1032

log = logging.getLogger(__name__)


def download(dataset: Dataset, trial: GeneratedData | None = None) -> None:
    """Bring the tree of ``dataset`` into place and write the receipt.

    The way is that of ``danet.data.obtaining.ways``: folders are adopted where they are, archives unpacked
    from where they are, or fetched first.

    Args:
        dataset: a release, or folders of the user's own.
        trial: generate this instead, whatever the way; of releases only.

    Raises:
        MissingDataError: what the variable or params.yaml names does not hold the data set.
        DownloadError: an archive cannot be fetched.
        BadDataError: an archive is damaged, or does not hold the data set, an image is in two splits, or
            the profile's folder holds real data where ``trial`` would go, or the other way round.
        StorageError: the disk is full, or a folder cannot be written to or read.
    """
    refuse_mixture(dataset, trial is not None)
    with one_at_a_time(dataset.paths.root):
        receipt = _receipt(dataset, trial)
        if receipt.how != "generated" and is_release(dataset):
            _compare_counts(dataset, receipt)
        write_receipt(dataset.paths.receipt, receipt)
    if trial is not None:
        log.warning("warning: %s: these are generated scenes, to try the commands on", dataset.paths.root)


def _receipt(dataset: Dataset, trial: GeneratedData | None) -> Receipt:
    """Go the way that is chosen."""
    if trial is not None:
        return _generate(dataset, trial, keep_archives=False)
    way = chosen_way(dataset)
    log.info("%s: %s (%s)", dataset.name, way.copy or way.kind, way.reason)
    if dataset.folders is not None:
        return _adopt_folders(dataset, dataset.folders)
    if dataset.generated is not None:
        return _generate(dataset, dataset.generated, keep_archives=True)
    if way.copy is not None:
        return _adopt(dataset, way, way.copy)
    return _fetch(dataset)


def _adopt_folders(dataset: Dataset, folders: OwnFolders) -> Receipt:
    images = own_images(dataset.name, folders)
    return Receipt(dataset.name, _from_project(images), "adopted", (), _count_images(dataset, images))


def _generate(dataset: Dataset, size: GeneratedData, keep_archives: bool) -> Receipt:
    """Write the official archives, then treat them as if a server had them.

    Those of a trial are not kept: without the receipt, their names would pass for the real ones.
    """
    kept = dataset.paths.archives
    with scratch_folder(kept) as folder:
        archives = write_archives(dataset.name, size, folder, core_count())
        sources = [_own_source(archive) for archive in archives]
        if not keep_archives:
            return _unpack_all(dataset, list(zip(sources, archives, strict=True)), "generated")
        for source in sources:
            # Archives of another size are not faulty, only out of date.
            (kept / source.archive).unlink(missing_ok=True)
        return _fetch_and_unpack(dataset, sources, "generated")


def _own_source(archive: Path) -> Source:
    """What the table of sources would say about a generated archive."""
    size = archive.stat().st_size
    return Source(
        archive=archive.name,
        urls=(archive.resolve().as_uri(),),
        bytes=size,
        checksum=f"sha256:{archive_digest(archive)}",
        licence="",
        credential=None,
        unpacked_limit=MOST_COMPRESSION * size,
    )


def _fetch(dataset: Dataset) -> Receipt:
    """Take the archives from the archives folder, or fetch them there."""
    chosen = [choose(source, dataset.paths.archives) for source in sources_of(dataset.name)]
    sources = [pinned(dataset, source) for source in chosen]
    receipt = _fetch_and_unpack(dataset, sources, "downloaded")
    pin(dataset, zip(sources, receipt.archives, strict=True))
    return receipt


def _fetch_and_unpack(dataset: Dataset, sources: Iterable[Source], how: HowObtained) -> Receipt:
    archives = [(source, fetch(source, dataset.paths.archives)) for source in sources]
    return _unpack_all(dataset, archives, how)


def _adopt(dataset: Dataset, way: Way, copy: Path) -> Receipt:
    """Use the tree or the archives that the data set's environment variable names, or has named."""
    variable = dataset.folder_variable
    correct = f"correct or unset {variable}" if copy_named(dataset) else f"set {variable}"
    try:
        found = recognise_copy(dataset, copy)
        if found.kind == "archives":
            return _unpack_adopted(dataset, found, correct)
        images = _count_images(dataset, found.root)
    except MissingDataError as error:
        remedy = f"{correct}; or {error.remedy}" if error.remedy else correct
        raise MissingDataError(f"{way.place}: {error.problem}", remedy) from None
    _warn_of_other_labels(dataset, found.root)
    return Receipt(dataset.name, _from_project(found.root), "adopted", (), images)


def _unpack_adopted(dataset: Dataset, found: UsersCopy, correct: str) -> Receipt:
    """Verify the user's archives and unpack them from where they are."""
    sources = [pinned(dataset, source) for source in found.sources]
    archives = [(source, found.root / source.archive) for source in sources]
    try:
        for source, path in archives:
            if fault := fault_of(path, source):
                raise BadDataError(f"{path} {fault}")
        receipt = _unpack_all(dataset, archives, "adopted")
    except BadDataError as error:
        # The usual remedy, to delete a damaged archive and fetch it again, does not suit a user's file.
        raise BadDataError(error.problem, f"fetch the official file, or {correct}") from None
    pin(dataset, zip(sources, receipt.archives, strict=True))
    return replace(receipt, copy=_from_project(found.root))


def _unpack_all(dataset: Dataset, archives: list[tuple[Source, Path]], how: HowObtained) -> Receipt:
    raw = dataset.paths.raw
    with replacing_folder(raw) as folder, _named_after(folder, archives, dataset):
        checksums: dict[str, int] = {}
        for source, path in archives:
            checksums |= _place(path, folder, source.unpacked_limit)
        root = find_root(folder, landmarks(dataset))
        samples = samples_by_split(dataset, root)
        place = root.relative_to(folder)
    facts = tuple(
        ArchiveFacts(path.name, path.stat().st_size, _sha256(source, path)) for source, path in archives
    )
    images = {split: len(found) for split, found in samples.items()}
    needed = _needed(folder, root, samples.values(), checksums)
    return Receipt(dataset.name, _from_project(raw / place), how, facts, images, checksums=needed)


@contextmanager
def _named_after(folder: Path, archives: list[tuple[Source, Path]], dataset: Dataset) -> Iterator[None]:
    """Name the archives in errors about what they hold: the folder will be gone when these are read."""
    try:
        yield
    except StorageError as error:
        raise StorageError(error.problem.replace(str(folder), str(dataset.paths.raw)), error.remedy) from None
    except (MissingDataError, BadDataError) as error:
        paths = [path for _, path in archives]
        problem, guilty = error.problem, [path for path in paths if error.problem.startswith(f"{path}: ")]
        if not guilty:
            inside = problem.replace(f"{folder}/", "").replace(str(folder), "the whole")
            problem = f"{' and '.join(map(str, paths))}: {inside}"
        names = " ".join(quote(str(path)) for path in guilty or paths)
        raise type(error)(problem, f"rm {names}; danet download {dataset.command}") from None


def _needed(
    folder: Path, root: Path, splits: Iterable[Sequence[Sample]], checksums: Mapping[str, int]
) -> dict[str, str]:
    """Checksums of the samples' files that may hold none themselves, by path below the root."""
    paths = (path for samples in splits for sample in samples for path in (sample.image, sample.label))
    return {
        path.relative_to(root).as_posix(): f"{checksums[path.relative_to(folder).as_posix()]:08x}"
        for path in paths
        if path is not None and needs_checksum(path)
    }


def _place(archive: Path, folder: Path, limit: int) -> dict[str, int]:
    """Unpack an archive; a JSON file is part of the tree as it is. Return the checksums of files."""
    if archive.suffix != ".json":
        return unpack(archive, folder, limit)
    with storing(folder):
        require_room(folder, archive.stat().st_size)
        shutil.copyfile(archive, folder / archive.name)
    return {}


def _sha256(source: Source, path: Path) -> str:
    """The checksum for the receipt; not computed again where the source was verified by it."""
    algorithm, _, known = source.checksum.partition(":")
    return known if algorithm == "sha256" else archive_digest(path)


def _count_images(dataset: Dataset, root: Path) -> dict[str, int]:
    return {split: len(samples) for split, samples in samples_by_split(dataset, root).items()}


def _compare_counts(dataset: Dataset, receipt: Receipt) -> None:
    """Warn of a tree that is not the whole release: its scores do not compare with the paper's."""
    official = expected_counts(dataset.name, variant(dataset, Path(receipt.root)))
    for split, count in receipt.images.items():
        if count != official[split]:
            log.warning(
                "warning: %s: split %s has %d images, the official release has %d",
                dataset.name,
                split,
                count,
                official[split],
            )


def _warn_of_other_labels(dataset: Dataset, root: Path) -> None:
    """Warn of labels in one file that is not the official one: only its checksum shows that."""
    if not variant(dataset, root):
        return
    for source in chain.from_iterable(source.alternatives for source in sources_of(dataset.name)):
        for path in (root / source.archive, root / "VOCdevkit/VOC2010" / source.archive):
            if path.is_file() and (fault := fault_of(path, source)):
                log.warning("warning: %s %s: it is not the official file", path, fault)


def _from_project(path: Path) -> str:
    """``path`` relative to the project's folder if it is inside."""
    resolved, project = path.resolve(), Path.cwd()
    return str(resolved.relative_to(project) if resolved.is_relative_to(project) else resolved)

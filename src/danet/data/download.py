"""The download stage: one data set's official folder tree, adopted, generated or fetched."""

import logging
import os
import shutil
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from danet.data.adoption import Adoptable, adoptable
from danet.data.extraction import unpack
from danet.data.fetching import archive_digest, fault_of, fetch
from danet.data.folders import replacing_folder, scratch_folder
from danet.data.generated.archives import write_archives
from danet.data.layout import SPLITS, find_root
from danet.data.manifest import expected_counts
from danet.data.processes import core_count
from danet.data.receipt import ArchiveFacts, Receipt, write_receipt
from danet.data.samples import ADAPTERS, find_samples
from danet.data.sources import Source, choose, sources_of
from danet.data.trial import refuse_mixture
from danet.errors import BadDataError, MissingDataError
from danet.files import require_room, storing
from danet.paths import DatasetPaths
from danet.settings import Params, active_profile, dataset_paths
from danet.settings.schema import GeneratedData

# No gzip stream unpacks to more than about this many times its size.
MOST_COMPRESSION = 1032

log = logging.getLogger(__name__)


def download(params: Params, dataset: str, trial: GeneratedData | None = None) -> None:
    """Bring the official tree of ``dataset`` into place and write the receipt.

    A profile that generates a data set does so whatever else there is: it has to run alike on every
    machine. Otherwise the copy that the data set's environment variable names is used: a tree where
    it is, archives unpacked from where they are. Without one the archives are fetched, or taken from
    the archives folder, and unpacked.

    Args:
        params: all settings.
        dataset: its key in params.yaml.
        trial: generate this instead, whatever the profile says.

    Raises:
        MissingDataError: what the variable names does not hold the data set.
        DownloadError: an archive cannot be had.
        BadDataError: an archive is damaged, or does not hold the data set, or the profile's folder
            holds real data where ``trial`` would go, or the other way round.
        StorageError: the disk is full, or the profile's folder cannot be written to.
    """
    paths = dataset_paths(params, dataset)
    refuse_mixture(params, dataset, paths, trial is not None)
    size = trial or active_profile(params).generated.get(dataset)
    variable = params.datasets[dataset].folder_variable
    if size is not None:
        receipt = _generate(dataset, size, paths, keep_archives=trial is None)
    elif os.environ.get(variable):
        receipt = _adopt(dataset, variable, paths)
    else:
        sources = [choose(source, paths.archives) for source in sources_of(dataset)]
        receipt = _fetch_and_unpack(dataset, sources, paths, "downloaded")
    if size is None:
        _compare_counts(dataset, receipt)
    write_receipt(paths.receipt, receipt)
    if trial is not None:
        log.warning("warning: %s: these are generated scenes, to try the commands on", paths.root)


def _generate(dataset: str, size: GeneratedData, paths: DatasetPaths, keep_archives: bool) -> Receipt:
    """Write the official archives, then treat them as if a server had them.

    Those of a trial are not kept: without the receipt, their names would pass for the real ones.
    """
    with scratch_folder(paths.archives) as folder:
        archives = write_archives(dataset, size, folder, core_count())
        sources = [_own_source(archive) for archive in archives]
        if not keep_archives:
            return _unpack_all(dataset, list(zip(sources, archives, strict=True)), paths, "generated")
        for source in sources:
            # Archives of another size are not faulty, only out of date.
            (paths.archives / source.archive).unlink(missing_ok=True)
        return _fetch_and_unpack(dataset, sources, paths, "generated")


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


def _fetch_and_unpack(dataset: str, sources: Iterable[Source], paths: DatasetPaths, how: str) -> Receipt:
    archives = [(source, fetch(source, paths.archives)) for source in sources]
    return _unpack_all(dataset, archives, paths, how)


def _adopt(dataset: str, variable: str, paths: DatasetPaths) -> Receipt:
    copy = os.environ[variable]
    mend = f"correct or unset {variable}"
    try:
        found = adoptable(dataset, Path(copy))
        if found.kind == "archives":
            return _unpack_adopted(dataset, found, mend, paths)
        images = _count_images(dataset, found.root)
    except MissingDataError as error:
        remedy = f"{error.remedy}; or {mend}" if error.remedy else mend
        raise MissingDataError(f"{variable}={copy}: {error.problem}", remedy) from None
    _warn_of_other_labels(dataset, found.root)
    return Receipt(dataset, _from_project(found.root), "adopted", (), images)


def _unpack_adopted(dataset: str, found: Adoptable, mend: str, paths: DatasetPaths) -> Receipt:
    """Verify archives of the user's and unpack them from where they are."""
    archives = [(source, found.root / source.archive) for source in found.sources]
    try:
        for source, path in archives:
            if fault := fault_of(path, source):
                raise BadDataError(f"{path} {fault}")
        return _unpack_all(dataset, archives, paths, "adopted")
    except BadDataError as error:
        # The usual remedy, to delete a damaged archive and fetch it anew, is not for a file of theirs.
        raise BadDataError(error.problem, f"fetch the official file, or {mend}") from None


def _unpack_all(dataset: str, archives: list[tuple[Source, Path]], paths: DatasetPaths, how: str) -> Receipt:
    with replacing_folder(paths.raw) as folder:
        for source, path in archives:
            _place(path, folder, source.unpacked_limit)
        root = find_root(folder, ADAPTERS[dataset].LANDMARKS)
        images = _count_images(dataset, root)
        place = root.relative_to(folder)
    facts = tuple(
        ArchiveFacts(path.name, path.stat().st_size, _sha256(source, path)) for source, path in archives
    )
    return Receipt(dataset, _from_project(paths.raw / place), how, facts, images)


def _place(archive: Path, folder: Path, limit: int) -> None:
    """Unpack an archive; a file that is none is part of the tree as it is."""
    if archive.suffix != ".json":
        unpack(archive, folder, limit)
        return
    with storing(folder):
        require_room(folder, archive.stat().st_size)
        shutil.copyfile(archive, folder / archive.name)


def _sha256(source: Source, path: Path) -> str:
    """The checksum for the receipt: computed once, if the source was verified by the same one."""
    algorithm, _, known = source.checksum.partition(":")
    return known if algorithm == "sha256" else archive_digest(path)


def _count_images(dataset: str, root: Path) -> dict[str, int]:
    return {split: len(find_samples(dataset, root, split)) for split in SPLITS}


def _compare_counts(dataset: str, receipt: Receipt) -> None:
    """Warn of a tree that is not the whole release: its scores do not compare with the paper's."""
    official = expected_counts(dataset, ADAPTERS[dataset].variant(Path(receipt.root)))
    for split, count in receipt.images.items():
        if count != official[split]:
            log.warning(
                "warning: %s: split %s has %d images, the official release has %d",
                dataset,
                split,
                count,
                official[split],
            )


def _warn_of_other_labels(dataset: str, root: Path) -> None:
    """Warn of labels in one file that is not the official one: nothing else of an adopted tree tells."""
    if not ADAPTERS[dataset].variant(root):
        return
    for source in chain.from_iterable(source.alternatives for source in sources_of(dataset)):
        for path in (root / source.archive, root / "VOCdevkit/VOC2010" / source.archive):
            if path.is_file() and (fault := fault_of(path, source)):
                log.warning("warning: %s %s: it is not the official file", path, fault)


def _from_project(path: Path) -> str:
    """``path`` relative to the project's folder if it is inside."""
    resolved, project = path.resolve(), Path.cwd()
    return str(resolved.relative_to(project) if resolved.is_relative_to(project) else resolved)

"""The download stage: one data set's official folder tree, adopted, generated or fetched."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from danet.data.extraction import unpack
from danet.data.fetching import fetch
from danet.data.folders import replacing_folder, scratch_folder
from danet.data.generated.archives import write_archives
from danet.data.layout import SPLITS, find_root
from danet.data.receipt import ArchiveFacts, Receipt, write_receipt
from danet.data.samples import ADAPTERS, find_samples
from danet.data.sources import Source, sources_of
from danet.errors import MissingDataError
from danet.files import file_digest
from danet.paths import DatasetPaths
from danet.settings import Params, active_profile, dataset_paths
from danet.settings.schema import GeneratedData

log = logging.getLogger(__name__)


def download(params: Params, dataset: str) -> None:
    """Bring the official tree of ``dataset`` into place and write the receipt.

    A profile that generates a data set does so whatever else there is: it has to run alike on every
    machine. Otherwise a folder named by the data set's environment variable is used where it is, and
    without one the archives are fetched, or taken from the archives folder, and unpacked.

    Raises:
        MissingDataError: the folder that the variable names does not hold the data set.
        DownloadError: an archive cannot be had.
        BadDataError: an archive is damaged, or does not hold the data set.
    """
    paths = dataset_paths(params, dataset)
    size = active_profile(params).generated.get(dataset)
    folder = os.environ.get(params.datasets[dataset].folder_variable)
    if size is not None:
        receipt = _generate(dataset, size, paths)
    elif folder:
        receipt = _adopt(dataset, Path(folder), params.datasets[dataset].folder_variable)
    else:
        receipt = _fetch_and_unpack(dataset, sources_of(dataset), paths, "downloaded")
    if size is None:
        _compare_counts(dataset, receipt.images, params.datasets[dataset].splits)
    write_receipt(paths.receipt, receipt)


def _generate(dataset: str, size: GeneratedData, paths: DatasetPaths) -> Receipt:
    """Write the official archives, then treat them as if a server had them."""
    with scratch_folder(paths.archives) as folder:
        sources = [_own_source(archive) for archive in write_archives(dataset, size, folder)]
        for source in sources:
            # Archives of another size are not faulty, only out of date.
            (paths.archives / source.archive).unlink(missing_ok=True)
        return _fetch_and_unpack(dataset, sources, paths, "generated")


def _own_source(archive: Path) -> Source:
    """What the table of sources would say about a generated archive."""
    return Source(
        archive=archive.name,
        urls=(archive.resolve().as_uri(),),
        bytes=archive.stat().st_size,
        checksum=f"sha256:{file_digest(archive)}",
        licence="",
        credential=None,
    )


def _fetch_and_unpack(dataset: str, sources: Iterable[Source], paths: DatasetPaths, how: str) -> Receipt:
    archives = [fetch(source, paths.archives) for source in sources]
    with replacing_folder(paths.raw) as folder:
        for archive in archives:
            unpack(archive, folder)
        root = find_root(folder, ADAPTERS[dataset].LANDMARKS)
        images = _count_images(dataset, root)
        place = root.relative_to(folder)
    facts = (ArchiveFacts(path.name, path.stat().st_size, file_digest(path)) for path in archives)
    return Receipt(dataset, _from_project(paths.raw / place), how, tuple(facts), images)


def _adopt(dataset: str, folder: Path, variable: str) -> Receipt:
    try:
        root = find_root(folder, ADAPTERS[dataset].LANDMARKS)
        images = _count_images(dataset, root)
    except MissingDataError as error:
        raise MissingDataError(f"{variable}={folder}: {error}", f"correct or unset {variable}") from None
    return Receipt(dataset, _from_project(root), "adopted", (), images)


def _count_images(dataset: str, root: Path) -> dict[str, int]:
    return {split: len(find_samples(dataset, root, split)) for split in SPLITS}


def _compare_counts(dataset: str, images: dict[str, int], official: dict[str, int]) -> None:
    """Warn of a tree that is not the whole release: its scores do not compare with the paper's."""
    for split, count in images.items():
        if count != official[split]:
            log.warning(
                "warning: %s: split %s has %d images, the official release has %d",
                dataset,
                split,
                count,
                official[split],
            )


def _from_project(path: Path) -> str:
    """``path`` relative to the project's folder if it is inside."""
    resolved, project = path.resolve(), Path.cwd()
    return str(resolved.relative_to(project) if resolved.is_relative_to(project) else resolved)

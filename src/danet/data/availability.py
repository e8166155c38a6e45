"""Whether the active profile can get all its data: asked before the first job starts.

Nothing is downloaded and no image is opened; the answer comes from files that are there or not.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from danet.data.layout import SPLITS, find_root
from danet.data.receipt import read_receipt
from danet.data.samples import ADAPTERS
from danet.data.sources import Credential, Source, sources_of
from danet.errors import MissingDataError
from danet.settings import Params, active_profile, dataset_paths, plan


@dataclass(frozen=True)
class Availability:
    """How one data set is, or can be, obtained."""

    dataset: str
    state: str
    """``prepared``, ``downloaded``, ``generated``, ``folder``, ``archives``, ``download``, ``missing``
    or ``wrong folder``."""
    detail: str
    """Where it is or comes from; for the last two states what is wrong."""

    @property
    def obtainable(self) -> bool:
        """Whether the workflow can go on without the user."""
        return self.state not in ("missing", "wrong folder")


def check_availability(params: Params) -> list[Availability]:
    """Look at each data set of the active profile, in the order of its plan."""
    return [_check(params, dataset) for dataset in plan(params).datasets]


def require_obtainable(params: Params, datasets: Collection[str] | None = None) -> None:
    """Stop unless the workflow can get its data by itself.

    Args:
        params: validated params.yaml.
        datasets: the data sets that are needed; None: all of the active profile.

    Raises:
        MissingDataError: one message for all of them: what is there, what is missing, and how to
            get it.
    """
    found = [
        availability
        for availability in check_availability(params)
        if datasets is None or availability.dataset in datasets
    ]
    if all(availability.obtainable for availability in found):
        return
    blocks = [_block(params, availability) for availability in found]
    raise MissingDataError(
        f"profile {params.profile} needs data that cannot be had without you\n" + "\n".join(blocks),
        "make demo tries everything on generated data (profile=demo), which needs none of this",
    )


def describe(params: Params) -> str:
    """A table of the data sets of the active profile, one a line."""
    rows = [("data set", "state", "where")]
    rows += [(found.dataset, found.state, found.detail) for found in check_availability(params)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{name:<{widths[0]}}  {state:<{widths[1]}}  {where}" for name, state, where in rows)


def _check(params: Params, dataset: str) -> Availability:
    """The first way that works, in the order in which the stages try them."""
    paths = dataset_paths(params, dataset)
    if all((paths.prepared(split) / "index.json").exists() for split in SPLITS):
        return Availability(dataset, "prepared", str(paths.root / "prepared"))
    root = _downloaded_root(paths.receipt, dataset)
    if root is not None:
        return Availability(dataset, "downloaded", str(root))
    size = active_profile(params).generated.get(dataset)
    if size is not None:
        scenes = f"{size.train} + {size.val} scenes of {size.width}x{size.height}"
        return Availability(dataset, "generated", scenes)
    folder = os.environ.get(params.datasets[dataset].folder_variable)
    if folder:
        return _check_folder(dataset, params.datasets[dataset].folder_variable, folder)
    return _check_archives(dataset, paths.archives)


def _downloaded_root(receipt: Path, dataset: str) -> Path | None:
    """Root of the tree that a receipt speaks of, if both are there."""
    if not receipt.exists():
        return None
    root = Path(read_receipt(receipt, dataset).root)
    return root if root.is_dir() else None


def _check_folder(dataset: str, variable: str, folder: str) -> Availability:
    try:
        root = find_root(Path(folder), ADAPTERS[dataset].LANDMARKS)
    except MissingDataError as error:
        return Availability(dataset, "wrong folder", f"{variable}={folder}: {error}")
    return Availability(dataset, "folder", f"{root} ({variable})")


def _check_archives(dataset: str, archives: Path) -> Availability:
    absent = [source for source in sources_of(dataset) if not (archives / source.archive).exists()]
    if not absent:
        return Availability(dataset, "archives", str(archives))
    if all(source.credential is None or source.credential.given for source in absent):
        return Availability(dataset, "download", ", ".join(source.archive for source in absent))
    names = ", ".join(source.archive for source in absent)
    return Availability(dataset, "missing", f"no folder, no account, and no {names} in {archives}")


def _block(params: Params, found: Availability) -> str:
    """Lines on one data set for the error message."""
    settings = params.datasets[found.dataset]
    lines = [f"{settings.title}: {found.state}: {found.detail}"]
    if found.state in ("download", "missing", "wrong folder"):
        sources = sources_of(found.dataset)
        archives = dataset_paths(params, found.dataset).archives
        lines += [f"set {settings.folder_variable} to a folder with {_landmarks(found.dataset)},"]
        lines += [f"or {way}," for way in _accounts(sources)]
        lines += [f"or put these archives into {archives} (terms: {sources[0].licence}):"]
        lines += [f"  {source.archive} from {source.urls[0]}" for source in sources]
    return "\n    ".join(["  " + lines[0], *lines[1:]])


def _landmarks(dataset: str) -> str:
    return ", ".join(ADAPTERS[dataset].LANDMARKS)


def _accounts(sources: tuple[Source, ...]) -> list[str]:
    """How to sign in, for each account that the sources ask for."""
    credentials: dict[Credential, None] = dict.fromkeys(
        source.credential for source in sources if source.credential is not None
    )
    return [
        f"register at {credential.registration} and set {credential.username_variable}"
        f" and {credential.password_variable}"
        for credential in credentials
    ]

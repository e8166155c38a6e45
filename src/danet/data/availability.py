"""Whether the active profile can get all its data: asked before the first job starts.

Nothing is downloaded and no image is opened; the answer comes from files that are there or not.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from danet.data.adoption import adoptable
from danet.data.layout import SPLITS, describe
from danet.data.receipt import Receipt, read_receipt
from danet.data.samples import ADAPTERS
from danet.data.sources import Credential, Source, choose, sources_of
from danet.errors import MissingDataError
from danet.settings import Params, active_profile, dataset_paths, plan


@dataclass(frozen=True)
class Availability:
    """How one data set is, or can be, obtained."""

    dataset: str
    state: str
    """``prepared``, ``downloaded``, ``generated``, ``folder``, ``archives``, ``download``, ``missing``,
    ``wrong folder`` or ``trial``."""
    detail: str
    """Where it is or comes from; for the last three states what is wrong."""
    root: Path | None = None
    """Root of the official tree, if it is there."""
    official: bool = True
    """Whether the tree claims to be the release; generated scenes do not."""

    @property
    def obtainable(self) -> bool:
        """Whether the workflow can go on without the user."""
        return self.state not in ("missing", "wrong folder", "trial")


def check_availability(params: Params, datasets: Collection[str] | None = None) -> list[Availability]:
    """Look at each data set that is asked for, by default at those of the active profile.

    Raises:
        BadDataError: a receipt of the download stage is damaged.
    """
    if datasets is None:
        datasets = plan(params).datasets
    return [_check(params, dataset) for dataset in params.datasets if dataset in datasets]


def require_obtainable(params: Params, datasets: Collection[str] | None = None) -> None:
    """Stop unless the workflow can get its data by itself.

    Args:
        params: validated params.yaml.
        datasets: the data sets that are needed; None: all of the active profile.

    Raises:
        MissingDataError: one message for all of them: what is there, what is missing, and how to
            get it.
    """
    found = check_availability(params, datasets)
    lacking = [availability for availability in found if not availability.obtainable]
    if not lacking:
        return
    if all(availability.state == "trial" for availability in lacking):
        names = ", ".join(params.datasets[trial.dataset].title for trial in lacking)
        folders = [str(dataset_paths(params, trial.dataset).root) for trial in lacking]
        raise MissingDataError(
            f"profile {params.profile} is not for generated scenes, and they are in the place of {names}",
            f"rm -r {' '.join(folders)}",
        )
    blocks = [_block(params, availability) for availability in found]
    raise MissingDataError(
        f"profile {params.profile} needs data that cannot be had without you\n" + "\n".join(blocks),
        "make demo tries everything on generated data (profile=demo), which needs none of this",
    )


def refuse_trials(params: Params) -> None:
    """Stop where scenes that ``danet download --generate`` made would pass for a data set.

    Raises:
        MissingDataError: a data set of the active profile is made of them.
    """
    trials = [found.dataset for found in check_availability(params) if found.state == "trial"]
    require_obtainable(params, trials)


def _check(params: Params, dataset: str) -> Availability:
    """The first way that works, in the order in which the stages try them."""
    paths = dataset_paths(params, dataset)
    receipt = _receipt(paths.receipt, dataset)
    root = Path(receipt.root) if receipt is not None else None
    size = active_profile(params).generated.get(dataset)
    generated = receipt is not None and receipt.how == "generated"
    if generated and size is None:
        detail = f"{root}: generated scenes, made by danet download --generate to try the commands on"
        return Availability(dataset, "trial", detail, root, official=False)
    if all((paths.prepared(split) / "index.json").exists() for split in SPLITS):
        return Availability(dataset, "prepared", str(paths.root / "prepared"), root, not generated)
    if root is not None:
        return Availability(dataset, "downloaded", str(root), root, not generated)
    if size is not None:
        scenes = f"{size.train} + {size.val} scenes of {size.width}x{size.height}"
        return Availability(dataset, "generated", scenes)
    copy = os.environ.get(params.datasets[dataset].folder_variable)
    if copy:
        return _check_copy(dataset, params.datasets[dataset].folder_variable, copy)
    return _check_archives(dataset, paths.archives)


def _receipt(path: Path, dataset: str) -> Receipt | None:
    """The receipt of the download stage, if the tree that it speaks of is there."""
    if not path.exists():
        return None
    receipt = read_receipt(path, dataset)
    return receipt if Path(receipt.root).is_dir() else None


def _check_copy(dataset: str, variable: str, copy: str) -> Availability:
    """What the data set's environment variable names."""
    try:
        found = adoptable(dataset, Path(copy))
    except MissingDataError as error:
        return Availability(dataset, "wrong folder", f"{variable}={copy}: {error.problem}")
    if found.kind == "archives":
        names = ", ".join(source.archive for source in found.sources)
        return Availability(dataset, "archives", f"{names} in {found.root} ({variable})")
    return Availability(dataset, "folder", f"{found.root} ({variable})", found.root)


def _check_archives(dataset: str, archives: Path) -> Availability:
    chosen = [choose(source, archives) for source in sources_of(dataset)]
    absent = [source for source in chosen if not (archives / source.archive).exists()]
    if not absent:
        return Availability(dataset, "archives", str(archives))
    names = ", ".join(source.archive for source in absent)
    if all(source.credential is None or source.credential.given for source in absent):
        return Availability(dataset, "download", names)
    return Availability(dataset, "missing", f"no folder, no account, and no {names} in {archives}")


def _block(params: Params, found: Availability) -> str:
    """Lines on one data set for the error message."""
    lines = [f"{params.datasets[found.dataset].title}: {found.state}: {found.detail}"]
    if found.state == "trial":
        lines.append(f"remove them: rm -r {dataset_paths(params, found.dataset).root}")
    if found.state in ("download", "missing", "wrong folder"):
        lines += _ways(params, found.dataset)
    return "\n    ".join(["  " + lines[0], *lines[1:]])


def _ways(params: Params, dataset: str) -> list[str]:
    """All that the user can do to have a data set."""
    sources, archives = sources_of(dataset), dataset_paths(params, dataset).archives
    variable, landmarks = params.datasets[dataset].folder_variable, describe(ADAPTERS[dataset].LANDMARKS)
    return [
        f"set {variable} to a folder with {landmarks}, or with the archives below",
        *(f"or {way}" for way in _accounts(sources, archives)),
        f"or put these archives into {archives} (terms: {sources[0].licence}):",
        *(f"  {source.archive} from {source.urls[0]}" for source in sources),
        *(
            f"  or, in place of {source.archive}, {other.archive} from {other.urls[0]}"
            for source in sources
            for other in source.alternatives
        ),
    ]


def _accounts(sources: tuple[Source, ...], archives: Path) -> list[str]:
    """How to fetch with an account, for each account that the sources ask for."""
    credentials: dict[Credential, None] = dict.fromkeys(
        source.credential for source in sources if source.credential is not None
    )
    return [way for credential in credentials for way in credential.ways(archives)]

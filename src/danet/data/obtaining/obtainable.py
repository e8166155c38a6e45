"""Whether the profile can get all its data: asked before the first job starts.

Nothing is downloaded and no image is opened; the answer comes from which files exist.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Literal

from danet.data.obtaining.receipt import Receipt, read_receipt
from danet.data.obtaining.sources import Credential, Source, choose, sources_of
from danet.data.obtaining.users_copy import UsersCopy, own_images, recognise_copy
from danet.data.obtaining.ways import Way, chosen_way, current_receipt, is_gone, is_of
from danet.data.releases.layout import SPLITS, describe
from danet.data.releases.samples import landmarks
from danet.errors import MissingDataError, StorageError
from danet.settings import Dataset, OwnFolders, Plan

State = Literal[
    "prepared",
    "downloaded",
    "generated",
    "folder",
    "archives",
    "download",
    "missing",
    "wrong folder",
    "trial",
]
"""With the last three, the workflow cannot go on without the user."""


@dataclass(frozen=True)
class Availability:
    """How one data set is, or can be, obtained."""

    dataset: Dataset
    state: State
    detail: str
    """Where it is or comes from, and why from there; for the last three states what is wrong."""
    root: Path | None = None
    """Root of the tree, of own folders the images; None where it does not exist yet."""
    official: bool = True
    """Whether the tree claims to be the release; generated scenes and own folders do not."""
    receipt: Receipt | None = None
    """Of the tree; None where it has not been read yet."""

    @property
    def obtainable(self) -> bool:
        """Whether the workflow can go on without the user."""
        return self.state not in ("missing", "wrong folder", "trial")


def availability(plan: Plan, datasets: Collection[str] | None = None) -> list[Availability]:
    """Look for each data set that is asked for, by default for those of the plan.

    Raises:
        SettingsError: params.yaml defines no such data set.
        BadDataError: a receipt of the download stage is damaged.
    """
    wanted = {plan.dataset(name).name for name in (plan.datasets if datasets is None else datasets)}
    return [_look_for(dataset) for name, dataset in plan.all_datasets.items() if name in wanted]


def require_obtainable(plan: Plan, datasets: Collection[str] | None = None) -> None:
    """Stop unless the workflow can get its data by itself.

    Args:
        plan: names the profile, and all data sets of params.yaml.
        datasets: the data sets that are needed; None: all of the plan.

    Raises:
        MissingDataError: one message for all of them: what is there, what is missing, and how to
            get it.
    """
    found = availability(plan, datasets)
    lacking = [one for one in found if not one.obtainable]
    if not lacking:
        return
    names = ", ".join(one.dataset.title for one in lacking)
    if all(one.state == "trial" for one in lacking):
        raise MissingDataError(
            f"profile {plan.profile} does not run on generated scenes, which take the place of {names}",
            " ".join(["rm -r", *(quote(str(one.dataset.paths.root)) for one in lacking)]),
        )
    others = [one for one in found if one.obtainable]
    raise MissingDataError(
        "\n".join([f"profile {plan.profile} cannot get {names} without you", *map(_block, lacking + others)]),
        "make demo tries everything on generated data (profile=demo), which needs none of this",
    )


def refuse_other_data(plan: Plan) -> None:
    """Stop where results would be made from other data than is asked for: from scenes that ``danet download
    --generate`` made, or from a copy in whose place the environment variable names another.

    Raises:
        MissingDataError: a data set of the plan is such a one.
    """
    found = availability(plan)
    require_obtainable(plan, [one.dataset.name for one in found if one.state == "trial"])
    for one in found:
        if one.dataset.paths.receipt.exists():
            current_receipt(one.dataset)


def _look_for(dataset: Dataset) -> Availability:
    """What is there in the way that is chosen."""
    receipt = read_receipt(dataset) if dataset.paths.receipt.exists() else None
    # False where permission is missing.
    root = Path(receipt.root) if receipt and os.path.isdir(receipt.root) else None  # noqa: PTH112
    generated = receipt is not None and receipt.how == "generated"
    if generated and root is not None and dataset.generated is None:
        detail = f"{root}: generated scenes, made by danet download --generate to try the commands on"
        return Availability(dataset, "trial", detail, root, official=False)
    if dataset.folders is not None:
        return _look_for_own_folders(dataset, dataset.folders)
    way, prepared = chosen_way(dataset), _is_prepared(dataset)
    if way.copy is not None and not (prepared and receipt is not None and is_gone(receipt, way.copy)):
        copy = _recognised(dataset, way, way.copy)
        if not isinstance(copy, UsersCopy):
            return copy
        same = receipt is not None and is_of(receipt, copy)
        if not same or not (root or prepared):
            return _unread_copy(dataset, way, copy, None if same else receipt)
    if prepared:
        detail = f"{_prepared(dataset)}, of {root or 'a tree that is gone'} ({way.reason})"
        return Availability(dataset, "prepared", detail, root, not generated, receipt)
    if root is not None:
        return Availability(dataset, "downloaded", f"{root} ({way.reason})", root, not generated, receipt)
    if (size := dataset.generated) is not None:
        scenes = f"{size.train} + {size.val} scenes of {size.width}x{size.height}"
        return Availability(dataset, "generated", f"{scenes} ({way.reason})", official=False)
    return _look_for_archives(dataset, way)


def _is_prepared(dataset: Dataset) -> bool:
    return all((dataset.paths.prepared(split) / "index.json").exists() for split in SPLITS)


def _prepared(dataset: Dataset) -> Path:
    return dataset.paths.prepared(SPLITS[0]).parent


def _look_for_own_folders(dataset: Dataset, folders: OwnFolders) -> Availability:
    """Whether all exists that params.yaml names; whatever an earlier download found may have changed."""
    try:
        root = own_images(dataset.name, folders)
    except MissingDataError as error:
        return Availability(dataset, "wrong folder", error.problem, official=False)
    state, detail = ("prepared", _prepared(dataset)) if _is_prepared(dataset) else ("folder", root)
    return Availability(dataset, state, f"{detail} (params.yaml)", root, official=False)


def _recognised(dataset: Dataset, way: Way, named: Path) -> UsersCopy | Availability:
    """The copy that is named, or what is wrong with it."""
    try:
        return recognise_copy(dataset, named)
    except (MissingDataError, StorageError) as error:
        return Availability(dataset, "wrong folder", f"{way.place}: {error.problem}")


def _unread_copy(dataset: Dataset, way: Way, copy: UsersCopy, before: Receipt | None) -> Availability:
    """A copy that the next download reads."""
    reason = way.reason
    if before:
        reason += f"; {before.root} was read before: danet download {dataset.command} reads this one"
    if copy.kind == "archives":
        names = ", ".join(source.archive for source in copy.sources)
        detail = f"{names} in {copy.root} ({reason})"
        return Availability(dataset, "archives", detail)
    return Availability(dataset, "folder", f"{copy.root} ({reason})", copy.root)


def _look_for_archives(dataset: Dataset, way: Way) -> Availability:
    archives = dataset.paths.archives
    chosen = [choose(source, archives) for source in sources_of(dataset.name)]
    absent = [source for source in chosen if not (archives / source.archive).exists()]
    if not absent:
        return Availability(dataset, "archives", f"{archives} ({way.reason})")
    names = ", ".join(source.archive for source in absent)
    if all(source.credential is None or source.credential.given for source in absent):
        return Availability(dataset, "download", f"{names} ({way.reason})")
    return Availability(dataset, "missing", f"no folder, no account, and no {names} in {archives}")


def _block(found: Availability) -> str:
    """Lines on one data set for the error message."""
    lines = [f"{found.dataset.title}: {found.state}: {found.detail}"]
    if found.state == "trial":
        lines.append(f"remove them: rm -r {quote(str(found.dataset.paths.root))}")
    if found.state in ("download", "missing", "wrong folder"):
        lines += _ways(found.dataset)
    return "\n    ".join(["  " + lines[0], *lines[1:]])


def _ways(dataset: Dataset) -> list[str]:
    """All that the user can do to get a data set."""
    if dataset.folders is not None:
        return [f"correct datasets.{dataset.name}.folders in params.yaml"]
    sources, archives = sources_of(dataset.name), dataset.paths.archives
    return [
        f"set {dataset.folder_variable} to a folder with {describe(landmarks(dataset))},"
        " or with the archives below",
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

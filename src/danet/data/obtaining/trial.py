"""Generated data of a size that the user names, to try the workflow's scale on before real data is there.

It takes the place of a data set without being mistaken for it: it never replaces real data, the receipt
says what it is, and the workflow refuses to start on it.
"""

import re
from pathlib import Path
from shlex import quote

from danet.data.obtaining.receipt import read_receipt
from danet.data.releases.manifest import usual_size
from danet.errors import BadDataError, SettingsError
from danet.settings import Dataset, GeneratedData

SHORTEST_SIDE, LONGEST_SIDE = 16, 8192  # pixels: room for a scene, and what Pillow opens without a warning


def trial_size(dataset: Dataset, images: int | None, size: str | None) -> GeneratedData | None:
    """What the command line asks to generate; None where it asks for nothing.

    Args:
        dataset: data set that the scenes stand in for.
        images: number of training images; a sixth as many, but at least one, are made for evaluation.
        size: of each image, as ``2048x1024``; by default the profile's, else that of the real images.

    Raises:
        SettingsError: a size without a number of images, one that cannot be drawn, or a data set of the
            user's own, which has no stand-in.
    """
    if images is None:
        if size is not None:
            raise SettingsError(
                f"--size {size} without --generate", f"--generate 100 --size {size}, for example"
            )
        return None
    if dataset.folders is not None:
        raise SettingsError(
            f"--generate: {dataset.name} is a data set of your own; scenes stand in for releases only",
            f"danet download {dataset.command}",
        )
    if size is not None:
        width, height = _parse(size)
    elif dataset.generated is not None:
        width, height = dataset.generated.width, dataset.generated.height
    else:
        height, width = usual_size(dataset.name)
    return GeneratedData(train=images, val=max(1, images // 6), width=width, height=height)


def refuse_mixture(dataset: Dataset, trial: bool) -> None:
    """Stop before generated data replaces real data, or real data is mixed with generated data.

    Raises:
        BadDataError: the profile's folder holds the other kind.
    """
    if dataset.generated is not None:
        return
    paths = dataset.paths
    remove = f"rm -r {quote(str(paths.root))}"
    receipt = read_receipt(dataset) if paths.receipt.exists() else None
    if receipt is not None and (receipt.how == "generated") != trial:
        kind = "generated scenes" if receipt.how == "generated" else "real data"
        raise BadDataError(f"{paths.root}: this folder holds {kind} ({receipt.how})", remove)
    if trial and receipt is None and (files := _files(paths.archives)):
        raise BadDataError(
            f"{files[0]}: this may be a real archive; generated ones would take its place", remove
        )


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _parse(size: str) -> tuple[int, int]:
    """Width and height in pixels."""
    parts = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", size)
    if parts is None:
        raise SettingsError(
            f"--size {size}: width and height in pixels are expected", "--size 2048x1024, for example"
        )
    width, height = int(parts[1]), int(parts[2])
    if not all(SHORTEST_SIDE <= side <= LONGEST_SIDE for side in (width, height)):
        raise SettingsError(
            f"--size {size}: each side must be {SHORTEST_SIDE} to {LONGEST_SIDE} pixels long",
            "--size 2048x1024, for example",
        )
    return width, height

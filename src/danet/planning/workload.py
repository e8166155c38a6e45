"""How much there is to do: images and sizes of a split, windows of an evaluation, bytes on disk."""

from collections import Counter
from pathlib import Path

from danet.data.prepared.split import PreparedSplit
from danet.data.releases.manifest import expected_counts, usual_size
from danet.data.releases.samples import list_samples, sample_size
from danet.errors import MissingDataError
from danet.inference.windows import scaled_size, windows
from danet.settings import Dataset, Protocol

Sizes = Counter[tuple[int, int]]
"""Number of images by height and width in pixels."""

PREPARED_BYTES = 4
"""For each pixel of the prepared form: three of colour, one of label."""


def split_sizes(dataset: Dataset, split: str) -> Sizes:
    """Images of a split: those that are prepared, else those that will be.

    Sizes are exact where the split is prepared or generated, where it is the user's own, and where
    the official images share one; else all images are taken to have the usual size.

    Raises:
        MissingDataError: a folder of the user's own is not found.
        BadDataError: what is prepared is damaged, or a file of the user's own is not an image.
    """
    try:
        prepared = PreparedSplit(dataset.paths.prepared(split), dataset.command)
    except MissingDataError:
        return _sizes_to_prepare(dataset, split)
    return Counter((entry.height, entry.width) for entry in prepared.entries)


def _sizes_to_prepare(dataset: Dataset, split: str) -> Sizes:
    if dataset.folders is not None:
        samples = list_samples(dataset, Path(dataset.folders.images), split)
        return Counter(sample_size(dataset, sample) for sample in samples)
    if (scenes := dataset.generated) is not None:
        images = {"train": scenes.train, "val": scenes.val}
        return Counter({(scenes.height, scenes.width): images[split]})
    return Counter({usual_size(dataset.name): expected_counts(dataset.name)[split]})


def prepared_bytes(sizes: Sizes) -> int:
    """Disk that the prepared form of a split takes."""
    return sum(PREPARED_BYTES * height * width * images for (height, width), images in sizes.items())


def forward_passes(protocol: Protocol, sizes: Sizes) -> Sizes:
    """What an evaluation puts through the network: number by height and width, mirrored views included."""
    passes: Sizes = Counter()
    for size, images in sizes.items():
        for shape, number in forwards_of(protocol, *size).items():
            passes[shape] += images * number
    return passes


def forwards_of(protocol: Protocol, height: int, width: int) -> Sizes:
    """What one image needs, over all scales and flips."""
    shown = (
        window
        for scale in protocol.scales
        for window in windows(*scaled_size(height, width, protocol.long_side, scale), protocol)
    )
    views = 2 if protocol.flip else 1
    counts = Counter((window.height, window.width) for window in shown)
    return Counter({shape: views * count for shape, count in counts.items()})

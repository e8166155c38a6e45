"""How much there is to do: images and sizes of a split, windows of an evaluation, bytes on disk."""

from collections import Counter

from danet.data.manifest import expected_counts, usual_size
from danet.data.prepared import PreparedSplit
from danet.errors import MissingDataError
from danet.evaluation.sliding_window import scaled_size, window_origins
from danet.settings import Params, Protocol, active_profile, dataset_paths

Sizes = Counter[tuple[int, int]]
"""Number of images by height and width in pixels."""

PREPARED_BYTES = 4
"""For each pixel of the prepared form: three of colour, one of label."""


def split_sizes(params: Params, dataset: str, split: str) -> Sizes:
    """Images of a split: those that are prepared, else those that will be.

    Sizes are exact where the split is prepared or generated and where the official images share
    one; else all images are taken to have the usual size.
    """
    generated = active_profile(params).generated.get(dataset)
    try:
        prepared = PreparedSplit(dataset_paths(params, dataset).prepared(split))
        return Counter((entry.height, entry.width) for entry in prepared.entries)
    except MissingDataError:
        if generated:
            return Counter({(generated.height, generated.width): getattr(generated, split)})
        return Counter({usual_size(dataset): expected_counts(dataset)[split]})


def prepared_bytes(sizes: Sizes) -> int:
    """Disk that the prepared form of a split takes."""
    return sum(PREPARED_BYTES * height * width * images for (height, width), images in sizes.items())


def forward_passes(protocol: Protocol, sizes: Sizes) -> int:
    """Windows that an evaluation puts through the network, mirrored ones included."""
    return sum(images * windows_of(protocol, *size) for size, images in sizes.items())


def windows_of(protocol: Protocol, height: int, width: int) -> int:
    """Windows of one image, over all scales and flips."""
    stride = int(protocol.crop_size * protocol.stride)
    windows = 0
    for scale in protocol.scales:
        rows, columns = (
            len(window_origins(side, protocol.crop_size, stride))
            for side in scaled_size(height, width, protocol.long_side, scale)
        )
        windows += rows * columns
    return windows * (2 if protocol.flip else 1)

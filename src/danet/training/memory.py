"""Memory of a training: how much it has taken, and what to do when there is not enough."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from danet.errors import TrainingError
from danet.settings import Experiment


def peak_memory(device: torch.device) -> int:
    """Most bytes that this process has held so far: on its GPU, else in main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB


@contextmanager
def memory_explained(experiment: Experiment, precision: torch.dtype) -> Iterator[None]:
    """Tell a GPU that is too small as a mistake that the user can mend.

    Raises:
        TrainingError: takes the place of torch's OutOfMemoryError; names sizes and remedies.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        training, compute = experiment.training, experiment.compute
        part = training.batch_size // compute.gpus // training.accumulate
        reason = str(error).split(". ")[0]
        raise TrainingError(
            f"{experiment.id} does not fit into the memory of the GPU: {part} crops of "
            f"{training.crop_size} x {training.crop_size} at once (batch {training.batch_size}, "
            f"compute.gpus {compute.gpus}, training.accumulate {training.accumulate}), "
            f"{str(precision).removeprefix('torch.')}, compute.attention {compute.attention}. {reason}",
            "in params.yaml: raise training.accumulate (batch statistics are then of smaller parts), "
            "raise compute.gpus, or set training.precision to bfloat16; compute.attention: blockwise "
            "needs the least; a smaller training.crop_size is another recipe",
        ) from error

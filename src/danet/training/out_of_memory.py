"""What to do when a training does not fit into the memory of its GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from danet.errors import TrainingError
from danet.settings import Experiment


@contextmanager
def memory_explained(experiment: Experiment, precision: torch.dtype) -> Iterator[None]:
    """Turn a GPU that is too small into an error that the user can fix.

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

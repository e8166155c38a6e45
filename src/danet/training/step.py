"""One optimiser step: nothing in it makes the host wait for the GPU."""

import torch
from torch import Tensor

from danet.models.normalisation import normalise
from danet.training.loss import labelled_pixels, segmentation_losses
from danet.training.run import Run
from danet.training.schedule import poly, set_learning_rates


def take_step(run: Run, images: Tensor, label: Tensor) -> Tensor:
    """One step on this rank's share of a batch.

    Every part of the batch, on whatever GPU and whenever its turn comes, is weighed by the labelled
    pixels of the whole batch, so that the gradients add up to those of the batch in one piece.

    Args:
        run: its network and optimiser are changed.
        images: (B, 3, S, S) uint8.
        label: (B, S, S) uint8.

    Returns:
        (number of outputs,) this rank's part of the losses, left on the device.
    """
    training = run.experiment.training
    set_learning_rates(run.optimiser, poly(run.progress.step, run.steps, training.poly_power))
    images = images.to(run.device, non_blocking=True)
    label = label.to(run.device, non_blocking=True)
    labelled = run.ranks.sum(labelled_pixels(label))
    run.optimiser.zero_grad(set_to_none=True)
    image_parts, label_parts = images.chunk(training.accumulate), label.chunk(training.accumulate)
    losses = []
    for part in range(training.accumulate):
        with run.gradients_shared(part == training.accumulate - 1):
            losses.append(_backward(run, image_parts[part], label_parts[part], labelled))
    run.optimiser.step()
    return torch.stack(losses).sum(dim=0)


def _backward(run: Run, images: Tensor, label: Tensor, labelled: Tensor) -> Tensor:
    """Add the gradients of one part; returns its losses."""
    pixels = normalise(images).contiguous(memory_format=run.memory_format)
    with torch.autocast(run.device.type, run.precision, enabled=run.precision != torch.float32):
        outputs = run.shared_network(pixels)
    losses = segmentation_losses(outputs, label.long(), labelled)
    # DistributedDataParallel divides the sum of the gradients by the number of ranks.
    (losses.sum() * run.ranks.count).backward()
    return losses.detach()

"""One optimiser step: nothing in it makes the host wait for the GPU."""

import torch
from torch import Tensor

from danet.models.normalisation import normalise
from danet.training.loss import labelled_pixels, segmentation_losses
from danet.training.schedule import poly, set_learning_rates
from danet.training.state import TrainingState


def take_step(state: TrainingState, images: Tensor, label: Tensor) -> Tensor:
    """One step on this rank's share of a batch.

    Every part of the batch, on whatever GPU and whenever its turn comes, is weighed by the labelled
    pixels of the whole batch, so that the gradients add up to those of the batch in one piece.

    Args:
        state: its network and optimiser are changed.
        images: (B, 3, S, S) uint8.
        label: (B, S, S) uint8.

    Returns:
        (number of outputs,) this rank's part of the losses, not weighted, left on the device.
    """
    training = state.experiment.training
    set_learning_rates(state.optimiser, poly(state.progress.step, state.steps, training.poly_power))
    images = images.to(state.device, non_blocking=True)
    label = label.to(state.device, non_blocking=True)
    labelled = state.ranks.sum(labelled_pixels(label))
    state.optimiser.zero_grad(set_to_none=True)
    image_parts, label_parts = images.chunk(training.accumulate), label.chunk(training.accumulate)
    losses = []
    for part in range(training.accumulate):
        with state.gradients_shared(part == training.accumulate - 1):
            losses.append(_backward(state, image_parts[part], label_parts[part], labelled))
    state.optimiser.step()
    return torch.stack(losses).sum(dim=0)


def _backward(state: TrainingState, images: Tensor, label: Tensor, labelled: Tensor) -> Tensor:
    """Add the gradients of one part; returns its losses."""
    pixels = normalise(images).contiguous(memory_format=state.memory_format)
    with torch.autocast(state.device.type, state.precision, enabled=state.precision != torch.float32):
        outputs = state.shared_network(pixels)
    share = len(images) / state.experiment.training.batch_size
    own_losses = state.network.head.own_losses
    losses = segmentation_losses(outputs, label.long(), labelled, own_losses, share)
    # DistributedDataParallel divides the sum of the gradients by the number of ranks.
    ((losses * state.loss_weights).sum() * state.ranks.count).backward()
    return losses.detach()

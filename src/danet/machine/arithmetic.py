"""The arithmetic on the device at hand: precision, denormal numbers, and whether bits repeat."""

import os

import torch

from danet.errors import SettingsError


def choose_precision(stated: str, device: torch.device) -> torch.dtype:
    """The type in which forward and backward multiply.

    Weights, batch statistics, losses and the optimiser stay in float32 with either.

    Args:
        stated: ``training.precision``: ``auto``, ``float32`` or ``bfloat16``.
        device: where the training runs.

    Raises:
        SettingsError: bfloat16 is asked for and the GPU does not have it.
    """
    fit = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if stated == "bfloat16" and device.type == "cuda" and not fit:
        raise SettingsError(
            f"training.precision is bfloat16, which {torch.cuda.get_device_name(device)} does not have",
            "set it to auto or float32 in params.yaml",
        )
    return torch.bfloat16 if stated == "bfloat16" or (stated == "auto" and fit) else torch.float32


def repeat_bits(deterministic: bool) -> None:
    """Let torch use only kernels that add in a fixed order, or let cuDNN try which ones are fastest.

    Must be called before CUDA starts: cuBLAS reads its workspace setting once.
    """
    if deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    # Only called where it changes something: it imports torch's compiler, which takes a second.
    if torch.are_deterministic_algorithms_enabled() != deterministic:
        torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = not deterministic


def flush_denormals() -> None:
    """Let the CPU treat numbers below 1.2e-38 as zero.

    The softmax of large energies and its gradients are full of them, and processors multiply them at a
    fraction of their speed. Applies to this thread and to threads that start later, so call it before
    torch computes anything. A GPU needs no such setting.
    """
    torch.set_flush_denormal(True)

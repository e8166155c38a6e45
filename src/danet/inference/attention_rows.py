"""What the attention modules of a trained network look at in one image, seen as a whole.

Position attention's matrix S has N x N weights (Equation 1). Here its factors are kept, and a row of it is
made when a point asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from danet.errors import SettingsError
from danet.inference.windows import resize, scaled_size
from danet.models.attention.channel import ChannelAttention
from danet.models.attention.position import PositionAttention
from danet.models.heads.danet import AttentionBranch, DANetHead, SingleAttentionHead
from danet.models.network import SegmentationNetwork
from danet.models.normalisation import normalise

Pixel = tuple[int, int]
"""Its row and column in the image."""
Switches = tuple[bool, bool]
"""Whether position attention is on, and whether channel attention is."""


@dataclass(frozen=True)
class AttendedImage:
    """One image between the layers of a network, at the resolution of its features, h x w = N."""

    size: tuple[int, int]
    """Height and width of the image in pixels."""
    grid: tuple[int, int]
    """h and w."""
    query: np.ndarray | None
    """C of Equation 1, (N, K) float32; None where the network has no position attention."""
    key: np.ndarray | None
    """B of Equation 1, (N, K) float32."""
    channels: np.ndarray | None
    """E of Equation 4, (channels, h, w) float32; None where the network has no channel attention."""
    classes: Mapping[Switches, np.ndarray]
    """(H, W) uint8: what the network predicts with its modules on or off. Off means alpha or beta of 0, so
    that the module hands on its input. Only modules that the network has are ever on."""

    def place(self, point: Pixel) -> tuple[int, int]:
        """Row and column among the features of a pixel of the image.

        Raises:
            SettingsError: the pixel lies outside.
        """
        (row, column), (height, width), (rows, columns) = point, self.size, self.grid
        if not (0 <= row < height and 0 <= column < width):
            raise SettingsError(
                f"the point {column},{row} lies outside the image of {width} x {height} pixels",
                f"X is 0 to {width - 1} from the left, Y is 0 to {height - 1} from the top",
            )
        return row * rows // height, column * columns // width

    def row(self, point: Pixel) -> np.ndarray:
        """The sub-attention map of a pixel: its row of S, (h, w) float32, with sum 1.

        Raises:
            SettingsError: the pixel lies outside, or the network has no position attention.
        """
        row, column = self.place(point)
        if self.query is None or self.key is None:
            raise SettingsError("this network has no position attention", "leave out --point")
        scores = self.key @ self.query[row * self.grid[1] + column]  # (N,)
        weights = np.exp(scores - scores.max())
        return (weights / weights.sum()).reshape(self.grid)

    def channel(self, number: int) -> np.ndarray:
        """A channel map, (h, w) float32; the first is number 1.

        Raises:
            SettingsError: there is none of that number, or the network has no channel attention.
        """
        if self.channels is None:
            raise SettingsError("this network has no channel attention", "leave out --channel")
        if not 1 <= number <= len(self.channels):
            raise SettingsError(f"there is no channel {number}", f"they are 1 to {len(self.channels)}")
        return self.channels[number - 1]


@torch.inference_mode()
def attend(network: SegmentationNetwork, image: np.ndarray, long_side: int) -> AttendedImage:
    """Look at a whole image at once, without windows.

    Args:
        network: in evaluation mode; the device of its parameters does the work.
        image: (H, W, 3) uint8.
        long_side: length in pixels to which the longer image side is resized.

    Raises:
        SettingsError: the network has no attention module.
    """
    branches = _branches(network.head)
    height, width = image.shape[:2]
    pixels = torch.from_numpy(image).to(next(network.parameters()).device).permute(2, 0, 1)[None].float()
    scaled = resize(pixels, *scaled_size(height, width, long_side, 1.0))
    (features,) = network.backbone(normalise(scaled))
    query = key = channels = None
    results: list[dict[bool, Tensor]] = []
    for branch in branches:
        if branch is None:
            results.append({False: torch.zeros(1, device=features.device)})
            continue
        entering = branch.reduce(features)  # A, (1, C, h, w)
        leaving = branch.attention(entering)  # E
        results.append({False: branch.refine(entering), True: branch.refine(leaving)})
        if isinstance(branch.attention, PositionAttention):
            query, key = _rows(branch.attention.query(entering)), _rows(branch.attention.key(entering))
        else:
            channels = leaving[0].float().cpu().numpy()
    position, channel = results
    classify = _classifier(network.head)
    classes = {
        (p, c): _classes(classify(position[p] + channel[c]), scaled, (height, width))
        for p in position
        for c in channel
    }
    return AttendedImage((height, width), _size(features), query, key, channels, classes)


def _branches(head: nn.Module) -> tuple[AttentionBranch | None, AttentionBranch | None]:
    """The branches with position and with channel attention."""
    if isinstance(head, DANetHead):
        return head.position, head.channel
    if isinstance(head, SingleAttentionHead):
        has_channels = isinstance(head.branch.attention, ChannelAttention)
        return (None, head.branch) if has_channels else (head.branch, None)
    raise SettingsError(
        "this network has neither of the paper's attention modules", "name a run of a DANet with --run"
    )


def _classifier(head: nn.Module) -> nn.Module:
    return head.fused_classifier if isinstance(head, DANetHead) else head.get_submodule("classifier")


def _classes(logits: Tensor, scaled: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Logits (1, K, h, w) as class indices (H, W), by way of the size that the network saw."""
    upsampled = resize(resize(logits.float(), *_size(scaled)), *size)
    return upsampled[0].argmax(dim=0).to(torch.uint8).cpu().numpy()


def _rows(features: Tensor) -> np.ndarray:
    return features[0].flatten(1).T.float().cpu().numpy()  # (1, K, h, w) -> (N, K)


def _size(tensor: Tensor) -> tuple[int, int]:
    height, width = tensor.shape[-2:]
    return int(height), int(width)

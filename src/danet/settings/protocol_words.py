"""A protocol in words, for captions, MLflow and messages."""

from fractions import Fraction

from danet.settings.params import Fusion, Protocol

FUSIONS: dict[Fusion, str] = {
    "mean_probability": "mean of probabilities",
    "exp_logit_sum": "sum of exponentiated logits",
}


def describe_protocol(protocol: Protocol) -> str:
    """How images are scored: ``scale 1 with flip, longer side 2048, windows of 768 pixels …``."""
    scales = ", ".join(f"{scale:g}" for scale in protocol.scales)
    sizes = f"scale {scales}" if len(protocol.scales) == 1 else f"scales {scales}"
    flip = " with flip" if protocol.flip else ""
    parts = [
        f"{sizes}{flip}",
        f"longer side {protocol.long_side}",
        _window(protocol),
        FUSIONS[protocol.fusion],
    ]
    if not protocol.align_corners:
        parts.append("corners not aligned")
    if protocol.output is not None:
        parts.append(f"output {protocol.output}")
    return ", ".join(parts)


def _window(protocol: Protocol) -> str:
    if protocol.window == "whole":
        return "whole images"
    stride = Fraction(protocol.stride or 1).limit_denominator(12)
    inside = ", the last one inside the image" if protocol.border == "inside" else ""
    return f"windows of {protocol.crop_size} pixels at a stride of {stride} of that{inside}"

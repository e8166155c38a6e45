"""A workflow-orchestrated reproduction of "Dual Attention Network for Scene Segmentation"."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # ``danet.load`` brings torch with it, which ``import danet`` alone should not wait for.
    if name == "load":
        from danet.inference.trained import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""A workflow-orchestrated reproduction of "Dual Attention Network for Scene Segmentation"."""

__version__ = "0.1.0"

"""Heads, one file each; src/danet/heads.py is the table of them."""

from importlib import import_module

from danet.heads import HEADS
from danet.models.heads.head import Head

__all__ = ["Head", "head_class"]


def head_class(name: str) -> type[Head]:
    """The class that the table of heads has under ``name``."""
    module, _, class_name = HEADS[name].rpartition(".")
    return getattr(import_module(module), class_name)

"""Registering operators of our own.

An operator is a single node for torch.compile, which would unroll a Python loop, and one that fake tensors
know the shapes of. ``torch.library.custom_op`` would do the same, but the first call of what it makes imports
torch's compiler: a second that each training and evaluation would wait for.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import torch

LIBRARY = torch.library.Library("danet", "DEF")


def register(
    name: str,
    compute: Callable[..., Any],
    shapes: Callable[..., Any],
    backward: Callable[..., Any] | None = None,
    remember: Callable[..., None] | None = None,
) -> Callable[..., Any]:
    """Make ``torch.ops.danet.<name>``.

    Args:
        name: of the operator.
        compute: its result from its arguments, which it does not change; annotated, and on every device.
        shapes: the same for fake tensors, which have no data.
        backward: gradients of the arguments, from the context and the gradient of the result; without
            it, the operator has no derivative.
        remember: puts into the context what ``backward`` needs, from ``ctx``, ``inputs`` and ``output``.

    Returns:
        The operator, to be called in place of ``compute``.
    """
    schema = torch.library.infer_schema(compute, op_name=name, mutates_args=())
    LIBRARY.define(schema, tags=(torch.Tag.pt2_compliant_tag,))
    LIBRARY.impl(name, compute, "CompositeExplicitAutograd")
    torch.library.register_fake(f"danet::{name}", shapes, lib=LIBRARY)

    def refuse(*_: object) -> NoReturn:
        raise RuntimeError(f"danet::{name} has no derivative")

    torch.library.register_autograd(f"danet::{name}", backward or refuse, setup_context=remember, lib=LIBRARY)
    return getattr(torch.ops.danet, name).default

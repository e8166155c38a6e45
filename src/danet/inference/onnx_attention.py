"""Position attention for ONNX: a loop over blocks of queries, so that no N x N matrix is ever held.

onnxscript turns the Python of ``blockwise_attention`` into operators of ONNX; it never runs as Python.
"""

from collections.abc import Callable
from typing import Any

import torch
from onnxscript import FLOAT, script  # pyright: ignore[reportMissingImports]
from onnxscript import opset18 as op  # pyright: ignore[reportMissingImports]


@script(default_opset=op)
def blockwise_attention(query: FLOAT, key: FLOAT, value: FLOAT, block_bytes: int) -> FLOAT:
    """softmax(query key^T) value: (B, N, K), (B, M, K) and (B, M, C) to (B, N, C)."""
    rows = op.Constant(value_ints=[512])  # 64 MB of weights for 32,768 positions
    one = op.Constant(value_ints=[1])
    keys = op.Transpose(key, perm=[0, 2, 1])
    blocks = op.Div(op.Sub(op.Add(op.Shape(query, start=1, end=2), rows), one), rows)
    count = op.Squeeze(blocks)
    gathered = op.Slice(value, op.Constant(value_ints=[0]), op.Constant(value_ints=[0]), one)
    for block in range(count):
        first = op.Mul(op.Reshape(block, one), rows)
        queries = op.Slice(query, first, op.Add(first, rows), one)  # fewer rows at the end
        weights = op.Softmax(op.MatMul(queries, keys), axis=2)  # rows of S
        gathered = op.Concat(gathered, op.MatMul(weights, value), axis=1)
    return gathered


TRANSLATIONS: dict[Any, Callable[..., Any]] = {
    torch.ops.danet.blockwise_attention.default: blockwise_attention
}
"""How torch's exporter writes our operator."""

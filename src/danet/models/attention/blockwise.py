"""Exact attention that never holds more than a block of rows of the attention map S.

S of Equation 1 has N x N numbers: 324 MiB for a 768x768 crop, 4 GiB for a 2048x1024 image, and a
training keeps about three of that size. Here a block of its rows is made, used and overwritten by the
next; the backward pass makes each block again. Memory beyond inputs, result and gradients is that of
two blocks, whatever N is.
"""

from collections.abc import Iterator
from math import ceil

import torch
from torch import Tensor

from danet.models.operators import register

# Bytes of one block of S. Each block adds to the gradients of all keys and values, so smaller ones cost
# time: on two CPU cores, 8 MiB was a tenth slower than 16, and 16 to 32 alike. The larger blocks of CUDA,
# for fewer and larger kernels, are our choice and not measured.
BLOCK_BYTES = {"cpu": 24 * 2**20, "cuda": 64 * 2**20}


def attend_blockwise(query: Tensor, key: Tensor, value: Tensor, block_bytes: int | None = None) -> Tensor:
    """softmax(query key^T) value, a block of queries after the other.

    Products are summed and the softmax is taken in float32, or float64 for such inputs. On CUDA, the
    factors of the products keep half precision where the inputs have it; elsewhere they are float32.

    Args:
        query: (B, N, K).
        key: (B, M, K), where M is N but for a part of the queries.
        value: (B, M, C).
        block_bytes: bytes of one block of S; by default what suits the device.

    Returns:
        (B, N, C), of the dtype of ``value``. It can be differentiated once.
    """
    dtype = value.dtype
    if block_bytes is None:
        block_bytes = BLOCK_BYTES.get(value.device.type, BLOCK_BYTES["cpu"])
    if not value.is_cuda:
        query, key, value = (tensor.to(_accumulator(tensor)) for tensor in (query, key, value))
    return _attention(query, key, value, block_bytes).to(dtype)


def _attend(query: Tensor, key: Tensor, value: Tensor, block_bytes: int) -> Tensor:
    result = _empty_result(query, value)
    scores, weights = _buffers(query, key, block_bytes)
    with torch.autocast(query.device.type, enabled=False):
        for image in range(len(query)):
            c, b, d = query[image], key[image], value[image]  # (N, K), (N, K), (N, C)
            for rows in _blocks(query, key, block_bytes):
                s = _softmax_of_product(c[rows], b, scores, weights).to(d.dtype)  # (rows, N)
                result[image, rows] = torch.mm(s, d)
    return result


def _attend_fake(query: Tensor, key: Tensor, value: Tensor, block_bytes: int) -> Tensor:
    return _empty_result(query, value)


def _differentiate(
    query: Tensor, key: Tensor, value: Tensor, result: Tensor, upstream: Tensor, block_bytes: int
) -> tuple[Tensor, Tensor, Tensor]:
    exact = _accumulator(query)
    of_query = torch.empty_like(query)
    of_key, of_value = torch.zeros_like(key, dtype=exact), torch.zeros_like(value, dtype=exact)
    scores, weights = _buffers(query, key, block_bytes)
    with torch.autocast(query.device.type, enabled=False):
        for image in range(len(query)):
            c, b, d = query[image], key[image], value[image]  # (N, K), (N, K), (N, C)
            for rows in _blocks(query, key, block_bytes):
                g = upstream[image, rows]  # (rows, C)
                s = _softmax_of_product(c[rows], b, scores, weights)  # (rows, N)
                _add_product(of_value[image], s.to(d.dtype).T, g)
                # The gradient of a softmax: s (ds - the row's sum of s ds), and that sum is g . result.
                inner = (g.to(exact) * result[image, rows]).sum(dim=1, keepdim=True)
                ds = _product(g, d.T, scores).sub_(inner).mul_(s).to(d.dtype)  # (rows, N)
                of_query[image, rows] = torch.mm(ds, b)
                _add_product(of_key[image], ds.T, c[rows])
    return of_query, of_key.to(key.dtype), of_value.to(value.dtype)


def _differentiate_fake(
    query: Tensor, key: Tensor, value: Tensor, result: Tensor, upstream: Tensor, block_bytes: int
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)


def _remember(ctx, inputs: tuple, output: Tensor) -> None:
    *tensors, ctx.block_bytes = inputs
    ctx.save_for_backward(*tensors, output)


def _backward(ctx, upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
    return (*_gradients(*ctx.saved_tensors, upstream, ctx.block_bytes), None)


_gradients = register("blockwise_attention_backward", _differentiate, _differentiate_fake)
_attention = register("blockwise_attention", _attend, _attend_fake, _backward, _remember)


def _empty_result(query: Tensor, value: Tensor) -> Tensor:
    return value.new_empty(value.shape[0], query.shape[1], value.shape[2])


def _blocks(query: Tensor, key: Tensor, block_bytes: int) -> Iterator[slice]:
    rows = _rows(query, key, block_bytes)
    return (slice(first, first + rows) for first in range(0, query.shape[1], rows))


def _rows(query: Tensor, key: Tensor, block_bytes: int) -> int:
    """Rows of a block, such that the last block is not a remainder of a few rows."""
    queries, keys = query.shape[1], key.shape[1]
    blocks = ceil(queries * keys * _accumulator(query).itemsize / block_bytes)
    return ceil(queries / min(blocks, queries))


def _buffers(query: Tensor, key: Tensor, block_bytes: int) -> Tensor:
    """Two blocks (2, rows, N), made once: on a CPU, fresh memory for each block costs its page faults."""
    shape = (2, _rows(query, key, block_bytes), key.shape[1])
    return query.new_empty(shape, dtype=_accumulator(query))


def _accumulator(tensor: Tensor) -> torch.dtype:
    return torch.promote_types(tensor.dtype, torch.float32)


def _softmax_of_product(queries: Tensor, key: Tensor, scores: Tensor, weights: Tensor) -> Tensor:
    """Rows of S, Equation 1, (rows, N), written to ``weights``."""
    product = _product(queries, key.T, scores)
    return torch.softmax(product, dim=1, out=weights[: len(queries)])


def _product(left: Tensor, right: Tensor, buffer: Tensor) -> Tensor:
    out = buffer[: len(left)]
    if left.dtype == out.dtype:
        return torch.mm(left, right, out=out)
    return torch.mm(left, right, out_dtype=out.dtype, out=out)


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total += torch.mm(left, right, out_dtype=total.dtype)

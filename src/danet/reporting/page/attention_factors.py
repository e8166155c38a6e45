"""The matrix S of Equation 1 small enough for a page: two thin matrices of whole numbers.

The scores of all pairs, C B^T, are N x N numbers of rank K at most. A truncated singular value
decomposition gives the nearest matrix of a smaller rank; the mean of the keys is taken off before, since it
adds the same to all scores of a row, which a softmax does not see.
"""

from dataclasses import dataclass

import numpy as np

BUDGET = 4_000_000
"""Bytes of both factors, before they become text, which takes a third more."""
FINE = 8
"""Columns with the largest scores, which are kept in 16 bits; the others in 8."""
MOST = 128
"""Columns beyond which nothing is gained."""


@dataclass(frozen=True)
class Factors:
    """Scores are about (query * steps) @ (key)^T, both whole numbers."""

    query_fine: np.ndarray
    """(N, FINE) int16."""
    query_coarse: np.ndarray
    """(N, R - FINE) int8."""
    key_fine: np.ndarray
    key_coarse: np.ndarray
    steps: np.ndarray
    """(R,) float32: what a product of two steps is worth in each column."""

    def row(self, position: int) -> np.ndarray:
        """Row of S of one position, (N,) float32, as the page computes it."""
        query = np.concatenate([self.query_fine[position], self.query_coarse[position]]) * self.steps
        fine = self.query_fine.shape[1]
        scores = self.key_fine @ query[:fine] + self.key_coarse @ query[fine:]
        weights = np.exp(scores - scores.max())
        return weights / weights.sum()


def factorise(query: np.ndarray, key: np.ndarray, budget: int = BUDGET) -> Factors:
    """Find the factors.

    Args:
        query: C, (N, K) float32.
        key: B, (N, K) float32.
        budget: most bytes; decides the rank.
    """
    key = key - key.mean(axis=0)
    columns = min(MOST, query.shape[1], len(query), max(1, budget // (2 * len(query)) - FINE))
    (query, query_part), (key, key_part) = np.linalg.qr(query), np.linalg.qr(key)
    u, singular, v = np.linalg.svd(query_part @ key_part.T)
    root = np.sqrt(singular[:columns])
    parts = query @ (u[:, :columns] * root), key @ (v[:columns].T * root)
    (query_fine, query_coarse, query_steps), (key_fine, key_coarse, key_steps) = map(_whole, parts)
    steps = (query_steps * key_steps).astype(np.float32)
    return Factors(query_fine, query_coarse, key_fine, key_coarse, steps)


def _whole(part: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns as whole numbers of 16 and of 8 bits, and the step of each."""
    most = np.where(np.arange(part.shape[1]) < FINE, 32767, 127)
    steps = np.maximum(np.abs(part).max(axis=0), 1e-30) / most
    whole = np.rint(part / steps)
    return whole[:, :FINE].astype(np.int16), whole[:, FINE:].astype(np.int8), steps


def mean_difference(factors: Factors, query: np.ndarray, key: np.ndarray, samples: int = 64) -> float:
    """Share of a row's weight, 0 to 1, that lies elsewhere than in the exact row; the mean of some rows."""
    positions = np.linspace(0, len(query) - 1, min(samples, len(query))).astype(int)
    scores = query[positions] @ key.T
    exact = np.exp(scores - scores.max(axis=1, keepdims=True))
    exact /= exact.sum(axis=1, keepdims=True)
    found = np.stack([factors.row(position) for position in positions])
    return float(np.abs(found - exact).sum(axis=1).mean() / 2)

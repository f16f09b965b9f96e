"""Bordered block-diagonal (arrow) normal equations: one block per spectrum, bordered by joint parameters.

Blocks are eliminated by the Schur complement, so that the cost is linear in the number of spectra. A
penalty that couples neighbouring spectra gives a block-tridiagonal matrix of pairs of spectra, solved by
block elimination (forwards and backwards for the blocks of the inverse [1]_).

References
----------
.. [1] K. Takahashi et al., Proc. 8th PICA Conf. (1973) 63; here as A. M. Erisman and W. F. Tinney,
   Commun. ACM 18 (1975) 177, doi:10.1145/360680.360704
"""

from dataclasses import dataclass

import numpy as np

from eistool.typing import FloatArray

RIDGE = 1e-13  # relative to a unit diagonal: variances of null directions are huge but finite


@dataclass(frozen=True, slots=True, eq=False)
class Arrow:
    """Normal equations of n spectra with l local parameters each, and m joint parameters."""

    local: FloatArray  # shape (n, l, l)
    border: FloatArray  # shape (n, l, m)
    joint: FloatArray  # shape (m, m)
    local_rhs: FloatArray  # shape (n, l)
    joint_rhs: FloatArray  # shape (m,)
    ties: tuple[FloatArray, FloatArray] | None = None  # first (n-1, l) and second (n-2, l) off-diagonals


@dataclass(frozen=True, slots=True, eq=False)
class Inverse:
    """Diagonal, border and joint blocks of the inverse."""

    local: FloatArray  # shape (n, l, l)
    border: FloatArray  # shape (n, l, m)
    joint: FloatArray  # shape (m, m)


def solve(arrow: Arrow, damping: float) -> tuple[FloatArray, FloatArray]:
    """Return the steps of the local parameters, shape (n, l), and the joint parameters, shape (m,)."""
    scaled, by_local, by_joint = _scaled(arrow, damping)
    rhs = np.concatenate([scaled.local_rhs[:, :, None], scaled.border], axis=2)
    solution = _eliminate(scaled, rhs)
    first, border = solution[:, :, 0], solution[:, :, 1:]
    joint = _solve_joint(scaled, border, scaled.joint_rhs - np.einsum("nlm,nl->m", scaled.border, first))
    local = first - border @ joint
    return local / by_local, joint / by_joint


def invert(arrow: Arrow) -> Inverse:
    """Return the diagonal, border and joint blocks of the inverse."""
    scaled, by_local, by_joint = _scaled(arrow, RIDGE)
    border = _eliminate(scaled, scaled.border)
    joint = _solve_joint(scaled, border, np.eye(by_joint.size))
    across = -border @ joint
    local = _diagonal_of_inverse(scaled) - across @ border.transpose(0, 2, 1)
    return Inverse(
        local / (by_local[:, :, None] * by_local[:, None, :]),
        across / (by_local[:, :, None] * by_joint),
        joint / np.outer(by_joint, by_joint),
    )


def _solve_joint(scaled: Arrow, border: FloatArray, rhs: FloatArray) -> FloatArray:
    complement = scaled.joint - np.einsum("nlm,nlk->mk", scaled.border, border)
    # directions that local parameters explain as well leave only rounding errors
    complement[np.diag_indices_from(complement)] += RIDGE
    solution: FloatArray = np.linalg.solve(complement, rhs)
    return solution


def _scaled(arrow: Arrow, damping: float) -> tuple[Arrow, FloatArray, FloatArray]:
    """Return the equations with a diagonal of 1 + damping, and the scales of the parameters."""
    by_local = _roots(np.diagonal(arrow.local, axis1=1, axis2=2))
    by_joint = _roots(np.diag(arrow.joint))
    local = arrow.local / (by_local[:, :, None] * by_local[:, None, :]) + damping * np.eye(by_local.shape[1])
    joint = arrow.joint / np.outer(by_joint, by_joint) + damping * np.eye(by_joint.size)
    ties = arrow.ties
    if ties is not None:
        ties = (ties[0] / (by_local[:-1] * by_local[1:]), ties[1] / (by_local[:-2] * by_local[2:]))
    border = arrow.border / (by_local[:, :, None] * by_joint)
    scaled = Arrow(local, border, joint, arrow.local_rhs / by_local, arrow.joint_rhs / by_joint, ties)
    return scaled, by_local, by_joint


def _roots(diagonal: FloatArray) -> FloatArray:
    roots: FloatArray = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return roots


def _eliminate(arrow: Arrow, rhs: FloatArray) -> FloatArray:
    """Solve for the local parameters, with right-hand sides of shape (n, l, k)."""
    if arrow.ties is None:
        return np.asarray(np.linalg.solve(arrow.local, rhs), dtype=np.float64)
    diagonal, upper = _pairs(arrow)
    n, size, width = rhs.shape
    padded = np.zeros((2 * diagonal.shape[0], size, width))
    padded[:n] = rhs
    paired = padded.reshape(diagonal.shape[0], 2 * size, width)
    pivots = _pivots(diagonal, upper)
    for a in range(1, len(pivots)):
        paired[a] -= upper[a - 1].T @ np.linalg.solve(pivots[a - 1], paired[a - 1])
    paired[-1] = np.linalg.solve(pivots[-1], paired[-1])
    for a in range(len(pivots) - 2, -1, -1):
        paired[a] = np.linalg.solve(pivots[a], paired[a] - upper[a] @ paired[a + 1])
    return paired.reshape(len(padded), size, width)[:n]


def _diagonal_of_inverse(arrow: Arrow) -> FloatArray:
    if arrow.ties is None:
        return np.asarray(np.linalg.inv(arrow.local), dtype=np.float64)
    diagonal, upper = _pairs(arrow)
    forwards = _pivots(diagonal, upper)
    backwards = _pivots(diagonal[::-1], upper[::-1].transpose(0, 2, 1))[::-1]
    paired = np.linalg.inv(forwards + backwards - diagonal)
    n, size = arrow.local.shape[:2]
    blocks = np.stack([paired[:, :size, :size], paired[:, size:, size:]], axis=1)
    return blocks.reshape(-1, size, size)[:n]


def _pivots(diagonal: FloatArray, upper: FloatArray) -> FloatArray:
    """Return the diagonal blocks after elimination of the preceding ones."""
    pivots = diagonal.copy()
    for a in range(1, len(pivots)):
        pivots[a] -= upper[a - 1].T @ np.linalg.solve(pivots[a - 1], upper[a - 1])
    return pivots


def _pairs(arrow: Arrow) -> tuple[FloatArray, FloatArray]:
    """Return diagonal and upper blocks of pairs of spectra, padded with a unit block if n is odd."""
    assert arrow.ties is not None  # noqa: S101
    n, size = arrow.local.shape[:2]
    m = (n + 1) // 2
    each = np.zeros((2 * m, size, size))
    each[:n] = arrow.local
    each[n:] = np.eye(size)
    near, far = np.zeros((2 * m, size)), np.zeros((2 * m, size))
    near[: n - 1], far[: n - 2] = arrow.ties
    i = np.arange(size)
    diagonal = np.zeros((m, 2 * size, 2 * size))
    diagonal[:, :size, :size] = each[0::2]
    diagonal[:, size:, size:] = each[1::2]
    diagonal[:, i, size + i] = diagonal[:, size + i, i] = near[0::2]
    upper = np.zeros((m - 1, 2 * size, 2 * size))
    upper[:, i, i] = far[0:-2:2]
    upper[:, size + i, i] = near[1:-1:2]
    upper[:, size + i, size + i] = far[1:-1:2]
    return diagonal, upper

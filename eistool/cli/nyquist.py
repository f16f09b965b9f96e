"""Nyquist plots of characters."""

import numpy as np

from eistool.typing import ComplexArray

_WIDTH, _HEIGHT = 48, 12  # characters
_LEAST_HEIGHT = 3
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille character, by row and column
_BLANK = 0x2800


def draw_nyquist(impedance: ComplexArray, *, braille: bool = True) -> list[str]:
    """Return the lines of a Nyquist plot with equal scales on both axes.

    Parameters
    ----------
    impedance : ComplexArray, shape (n_freq,)
        In ohm.
    braille : bool
        Whether to use braille characters, with 2 × 4 dots each, or else asterisks.

    Examples
    --------
    >>> draw_nyquist(np.array([1, 2 - 0.2j, 3]), braille=False)[2]
    '          0 |*                                              *'
    """
    x, y = impedance.real, 0.0 - impedance.imag
    columns, rows = (2, 4) if braille else (1, 2)
    span = max(np.ptp(x) / (columns * _WIDTH - 1), np.ptp(y) / (rows * _HEIGHT - 1))
    step = float(span) if span > 0 and np.isfinite(span) else 1.0
    height = min(_HEIGHT, max(_LEAST_HEIGHT, int(np.ptp(y) / step) // rows + 1))
    across = np.round((x - x.min()) / step).astype(int)
    up = np.round((y - y.min()) / step).astype(int)
    cells = np.zeros((height, _WIDTH), dtype=int)
    for i, j in zip(np.minimum(across, columns * _WIDTH - 1), np.minimum(up, rows * height - 1), strict=True):
        from_top = rows * height - 1 - int(j)
        dot = _DOTS[from_top % 4][int(i) % 2] if braille else 1
        cells[from_top // rows, int(i) // columns] |= dot
    marks = [chr(_BLANK + c) for c in range(256)] if braille else [" ", "*"]
    body = ["".join(marks[c] if c else " " for c in line).rstrip() for line in cells]
    labels = {0: f"{y.max():.4g}", height - 1: f"{y.min():.4g}"}
    side, corner, floor = ("│", "└", "─") if braille else ("|", "+", "-")
    lines = [f"{labels.get(k, '-Im' if k == 1 else ''):>11} {side}{line}" for k, line in enumerate(body)]
    left, right = f"{x.min():.4g}", f"Re {x.max():.4g} ohm"
    return [*lines, f"{'':>11} {corner}{floor * _WIDTH}", f"{'':>13}{left}{right:>{_WIDTH - len(left)}}"]

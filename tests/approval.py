"""Comparison of texts whose numbers were computed on different machines."""

import math
import re

# Sums differ in the last bits between processors, and minima by up to the square root of that: approved numbers
# differ by 2.4e-8 at most between instruction sets. 1e-4 is less than any relative uncertainty printed there.
RTOL = 1e-4
NUMBER = re.compile(r"(?<![\w.])(?<!\w[-+])([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?![\w.]*\w)", re.IGNORECASE)


def difference(text: str, approved: str) -> str:
    """Return the first difference between two texts that is more than rounding; empty if there is none.

    Words, units and layout must be equal, and numbers as near as :func:`agree` asks.
    """
    pieces, approved_pieces = NUMBER.split(text), NUMBER.split(approved)
    for k, (piece, other) in enumerate(zip(pieces, approved_pieces, strict=False)):
        if piece != other and not (k % 2 and agree(piece, other)):
            before = "".join(approved_pieces[max(0, k - 3) : k])
            return f"after {before!r}: {piece!r}, approved is {other!r}"
    if len(pieces) != len(approved_pieces):
        return f"{len(pieces) // 2} numbers, approved are {len(approved_pieces) // 2}"
    return ""


def agree(number: str, approved: str) -> bool:
    """Return whether two printed numbers may be the same number, computed on two machines.

    They differ by at most a part of 1e4. One unit in the last place is added where a fraction of at least two
    digits is printed, as any computed number may lie where its rounding changes. Whole numbers count things.
    """
    value, expected = float(number), float(approved)
    return math.isclose(value, expected, rel_tol=RTOL, abs_tol=RTOL * abs(expected) + _last_place(approved))


def _last_place(number: str) -> float:
    """Return the unit in the last place of a printed number; 0 for whole numbers and a single digit."""
    mantissa, _, exponent = number.lower().partition("e")
    whole, _, decimals = mantissa.lstrip("+-").partition(".")
    if not (decimals or exponent) or len((whole + decimals).lstrip("0")) < 2:
        return 0.0
    return 1.001 * 10.0 ** (int(exponent or 0) - len(decimals))


def significant_digits(number: str) -> int:
    """Return how many significant digits a printed number has; zeros at the end of whole numbers do not count."""
    mantissa = number.lower().partition("e")[0].lstrip("+-")
    return len(mantissa.replace(".", "").lstrip("0") if "." in mantissa else mantissa.strip("0"))

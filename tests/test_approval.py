"""The comparison with approved texts accepts another processor's rounding, and nothing else."""

import pytest

from tests.approval import NUMBER, agree, difference, significant_digits

APPROVED = "Process(R_b1 bulk: R = 99.93 ± 0.66 ohm, tau = (4.367 ± 0.062)e-08 s, 3 of 12 points)\n20517.6\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("99.93", "99.94"),  # one unit in the last place: the rounding of 99.935
        ("0.66", "0.67"),
        ("0.062", "0.061"),
        ("20517.6", "20517.7"),
        ("20517.6", "20518"),  # the same number with fewer digits
        ("99.93", "99.930"),
    ],
)
def test_rounding_is_accepted(old: str, new: str) -> None:
    assert old in APPROVED
    assert not difference(APPROVED.replace(old, new), APPROVED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("99.93", "99.96"),  # a value
        ("99.93", "-99.93"),
        ("99.93", "99"),
        ("99.93", "nan"),
        ("0.66", "0.69"),  # an error
        ("20517.6", "20522"),
        ("e-08", "e-07"),  # an exponent
        ("3 of", "4 of"),  # a count
        ("12 points", "13 points"),
        ("R_b1", "R_b2"),  # a name
        ("bulk", "grain_boundary"),  # a word
        ("ohm", "Ω"),  # a unit
        (" ± 0.66", ""),  # a column
        (", 3 of 12 points", ""),
        ("\n20517.6", "\n20517.6\n1"),
        ("tau", "τ"),
        ("ohm, ", "ohm,"),  # layout
    ],
)
def test_everything_else_is_found(old: str, new: str) -> None:
    assert old in APPROVED
    assert difference(APPROVED.replace(old, new), APPROVED)


@pytest.mark.parametrize(
    ("number", "approved"), [("0.04", "0.03"), ("7e+04", "6e+04"), ("0.1", "0.0"), ("2", "1")]
)
def test_single_digits_and_counts_are_exact(number: str, approved: str) -> None:
    assert agree(approved, approved)
    assert not agree(number, approved)


def test_digits_of_names_are_not_numbers() -> None:
    assert NUMBER.findall("S17_25C.mpt R0-CPE1 Zarc_1 1e-05 and -0.50 (2)e-07 25 °C") == [
        "1e-05",
        "-0.50",
        "2",
        "25",
    ]


@pytest.mark.parametrize(
    ("number", "digits"), [("20517.6", 6), ("0.00123", 3), ("1000000", 1), ("-0.900", 3), ("6.3e+02", 2), ("0", 0)]
)
def test_significant_digits(number: str, digits: int) -> None:
    assert significant_digits(number) == digits

"""Flags in plain words."""

import pytest

from eistool.report.page.words import explain_flag, split_flags


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("at_bound: CPE1.alpha", "CPE1.alpha ended at the limit"),
        ("not_identifiable: R1 CPE1.Q", "do not determine R1 CPE1.Q"),
        (
            "correlated: La0.L La0.alpha (-0.991)",
            "La0.L and La0.alpha can hardly be told apart (correlation -0.991)",
        ),
        ("misfit of 1.2% of |Z|, largest at 3.1 Hz", "differ by 1.2% of |Z| beyond the noise, most at 3.1 Hz"),
        ("near tie: randles, nonblocking", "randles, nonblocking"),
        ("R0-C1, the circuit of the other sweeps, has e^12 less evidence", "R0-C1, has e^12 times less evidence"),
        ("a flag of the future {0}", "a flag of the future {0}"),
    ],
)
def test_explanations(flag: str, words: str) -> None:
    assert words in explain_flag(flag)


def test_flags_are_split() -> None:
    assert split_flags("a; b, c; ") == ["a", "b, c"]

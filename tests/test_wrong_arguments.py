"""What is no spectrum is refused in words, wherever a spectrum is wanted."""

from collections.abc import Callable
from typing import Any

import pytest

import eistool

TAKERS: dict[str, Callable[[Any], object]] = {
    "fit": lambda value: eistool.fit(value, "R0-C1"),
    "fit_many": lambda value: eistool.fit_many([value], "R0-C1"),
    "compute_drt": eistool.compute_drt,
    "compute_drt_tikhonov": eistool.compute_drt_tikhonov,
    "hilbert_score": eistool.hilbert_score,
}


@pytest.mark.parametrize("name", TAKERS)
def test_a_path_is_no_spectrum(name: str) -> None:
    with pytest.raises(eistool.SpectrumError, match=r"'cell.mpt' is no Spectrum; eistool.read"):
        TAKERS[name]("cell.mpt")

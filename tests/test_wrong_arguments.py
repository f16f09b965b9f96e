"""What is no spectrum is refused in words, wherever a spectrum is wanted."""

from collections.abc import Callable
from typing import Any, cast

import pytest

import eistool

TAKERS: dict[str, Callable[[Any], object]] = {
    "fit": lambda value: eistool.fit(value, "R0-C1"),
    "fit_many": lambda value: eistool.fit_many([value], "R0-C1"),
    "compute_drt": eistool.compute_drt,
    "compute_drt_tikhonov": eistool.compute_drt_tikhonov,
    "hilbert_score": eistool.hilbert_score,
    "check_kramers_kronig": eistool.check_kramers_kronig,
    "check_z_hit": eistool.check_z_hit,
}


@pytest.mark.parametrize("name", TAKERS)
def test_a_path_is_no_spectrum(name: str) -> None:
    with pytest.raises(eistool.SpectrumError, match=r"expected a Spectrum, got 'cell.mpt'; eistool.read"):
        TAKERS[name]("cell.mpt")


def test_a_thickness_is_no_geometry() -> None:
    result = eistool.fit(eistool.simulate("R0-C1", [1e3, 1e2, 1e1, 1.0], [10, 1e-4], seed=1), "R0-C1")
    hold = [float(k) for k in range(20)]
    takers: list[Callable[[Any], object]] = [
        lambda value: eistool.conductivity(result, value),
        lambda value: eistool.assign(result, value),
        lambda value: eistool.analyze_polarization(hold, [1e-6] * 20, [1.0] * 20, value),
    ]
    for take in takers:
        with pytest.raises(eistool.SpectrumError, match=r"expected a CellGeometry such as .*, got 1000"):
            take(1000)


def test_a_path_is_no_profile_and_a_word_no_number() -> None:
    spectrum = eistool.simulate(
        "R0-C1", [1e3, 1e2, 1e1], [10, 1e-4], seed=1, metadata=eistool.Metadata(soc_pct=50.0)
    )
    with pytest.raises(
        eistool.SpectrumError, match=r"expected a Profile from eistool.read_profile\(path\), got 'record.mpr'"
    ):
        eistool.Series([spectrum]).with_profile(cast("Any", "record.mpr"))
    with pytest.raises(eistool.SpectrumError, match="='1 pF'; give a number from 0"):
        eistool.subtract_stray_capacitance(spectrum, cast("Any", "1 pF"))

"""Subtraction of the spectra of electrolyte layers and counter electrodes."""

import math
from typing import Annotated, Any

import numpy as np

from eistool.constants import SIGNIFICANT
from eistool.display import format_fixed
from eistool.errors import EistoolError, SpectrumError
from eistool.spectrum import Spectrum
from eistool.symmetric_cell.result import SpectrumParts, StackInterpretation, SubtractionResult
from eistool.typing import ComplexArray, FloatArray, Measured, Threshold

SYMMETRIC_CIRCUIT = "symmetric_in"
CHECKED = "engineering choice; checked by tests/symmetric_cell"
LEAST_POINTS: Annotated[int, Threshold("common frequencies needed for a subtraction", CHECKED)] = 6
MOST_UNPHYSICAL: Annotated[float, Threshold("share of unphysical points of a difference", CHECKED)] = 0.05
ACCURACY: Annotated[
    float,
    Threshold("error of a difference, relative to the full cell", "engineering choice"),
] = 0.01
DRIFTING: Annotated[
    float, Threshold("least relative error in the Kramers-Kronig test of a difference", CHECKED)
] = 0.005


def subtract_spectra(
    full: Spectrum,
    symmetric: Spectrum,
    layers: int,
    counter_electrodes: int,
    scale: Measured,
    scale_in: Measured,
    electrolyte: Measured | None,
    lead: Measured,
    plain_half: bool,
    flags: tuple[str, ...],
) -> SubtractionResult:
    """Return Z_full - n (Z_sym - R_SE,s)/2 A_s/A_l - m R_SE,l - R_lead, for n electrodes and m layers.

    The symmetric cell is interpolated by a cubic spline over log f without extrapolation, and the noise of
    both is propagated. See :func:`subtract_symmetric_cell` for the arguments.
    """
    z_full, z_sym = (_measured(spectrum) for spectrum in (full, symmetric))
    if plain_half:
        R_SE: Measured = (0.0, 0.0)
        scale = (0.0, 0.0)
        flags += (
            "plain Z_sym/2 for each counter electrode: the difference contains the electrolyte layers, less half "
            f"of the symmetric cell's for each of {counter_electrodes} electrodes (R_SE,l - R_SE,s/2 for one)",
        )
    elif electrolyte is not None:
        R_SE = electrolyte
    else:
        R_SE, fit_flags = _electrolyte(symmetric)
        flags += fit_flags
    weights, inside = _interpolation(z_sym[0], z_full[0])
    if np.count_nonzero(inside) < LEAST_POINTS:
        raise SpectrumError(
            f"{full.label}: {np.count_nonzero(inside)} frequencies within those of {symmetric.label}; "
            f"a subtraction needs {LEAST_POINTS} or more"
        )
    if not inside.all():
        flags += (f"{np.count_nonzero(~inside)} frequencies outside those of the symmetric cell omitted",)
    frequency, Z = z_full[0][inside], z_full[1][inside]
    noise_full, noise_sym = z_full[2][inside], z_sym[2]
    share = counter_electrodes / 2 * scale_in[0]
    electrodes = share * (weights @ z_sym[1] - R_SE[0])
    shift = layers * scale[0] * R_SE[0] + lead[0]
    noise = np.sqrt(noise_full**2 + share**2 * (weights**2 @ noise_sym**2))
    u = math.sqrt(
        ((share - layers * scale[0]) * R_SE[1]) ** 2
        + (layers * R_SE[0] * scale[1]) ** 2
        + lead[1] ** 2
        + (float(electrodes.real.max()) / scale_in[0] * scale_in[1]) ** 2
    )
    difference = Spectrum(
        frequency,
        Z - electrodes - shift,
        full.metadata,
        f"{full.label} without electrolyte and counter electrodes",
        noise=np.maximum(noise, 1e-12 * np.abs(Z)),
        notes=(*full.notes, f"{symmetric.label} subtracted"),
    )
    reason = _unphysical(difference, Z, u)
    lowest = int(np.argmin(frequency))
    taken = float(electrodes.real[lowest]) + shift
    return SubtractionResult(
        value=None if reason else difference,
        u=u,
        subtracted_ohm=taken,
        u_subtracted_ohm=u,
        alternatives=_interpretations(
            float(Z.real[lowest]), electrodes[lowest], share, R_SE[0], shift, lead[0], layers
        ),
        status="failed" if reason else "ok",
        reason=reason,
        flags=flags,
        parts=SpectrumParts(full, symmetric, electrodes, shift, difference),
    )


def _measured(spectrum: Spectrum) -> tuple[FloatArray, ComplexArray, FloatArray]:
    """Return ascending frequencies, impedances and standard deviations of the used points."""
    used = np.flatnonzero(spectrum.mask)
    order = used[np.argsort(spectrum.frequency[used], kind="stable")]
    frequency, first = np.unique(spectrum.frequency[order], return_index=True)
    order = order[first]
    Z = spectrum.impedance[order]
    if spectrum.noise is not None:
        return frequency, Z, np.maximum(spectrum.noise.real, spectrum.noise.imag)[order]
    # second differences, since a drift that the RC elements do not follow is smooth
    residual, dof = _ladder_residual(frequency, Z, np.abs(Z))
    second = np.diff(residual.reshape(2, -1), 2, axis=1)
    noise = math.sqrt(float(np.mean(second**2)) / 6 * residual.size / dof)
    return frequency, Z, noise * np.abs(Z)


def _interpolation(known: FloatArray, wanted: FloatArray) -> tuple[FloatArray, Any]:
    """Return the interpolation matrix over log f, and the mask of the wanted frequencies in range."""
    from scipy.interpolate import CubicSpline

    if known.size < LEAST_POINTS:
        raise SpectrumError(f"subtraction: a symmetric cell of {known.size} points; give {LEAST_POINTS} or more")
    inside = (wanted >= known[0] * (1 - 1e-6)) & (wanted <= known[-1] * (1 + 1e-6))
    spline = CubicSpline(np.log(known), np.eye(known.size))
    return spline(np.log(wanted[inside])), inside


def _electrolyte(symmetric: Spectrum) -> tuple[Measured, tuple[str, ...]]:
    """Return the electrolyte resistance of the symmetric cell from a fit, and a flag."""
    from eistool.circuit import as_circuit
    from eistool.fitting import fit

    remedy = "give the resistance of its electrolyte"
    try:
        result = fit(symmetric, as_circuit(SYMMETRIC_CIRCUIT))
    except EistoolError as error:
        raise SpectrumError(f"{symmetric.label}: {error}; {remedy}") from error
    R0 = result.parameters["R0"]
    if not result.success or R0.status != "ok":
        raise SpectrumError(
            f"{symmetric.label}: R0 of {SYMMETRIC_CIRCUIT} is {R0.status.replace('_', ' ')}; {remedy}"
        )
    quality = "" if result.status == "ok" else f", a {result.status.replace('_', ' ')}"
    flag = (
        f"R_SE of the symmetric cell by a fit of {SYMMETRIC_CIRCUIT}{quality}: {R0.value:.4g} ± {R0.stderr:.2g} Ω"
    )
    return (R0.value, R0.stderr), (flag,)


def _unphysical(difference: Spectrum, Z_full: ComplexArray, u: float) -> str:
    """Return the reason why a difference is not the impedance of a passive layer, or an empty string."""
    Z, f = difference.impedance, difference.frequency
    assert difference.noise is not None  # noqa: S101  # set by subtract_spectra
    error = SIGNIFICANT * difference.noise.real
    limit = error + ACCURACY * np.abs(Z_full)
    negative = Z.real < -(limit + 2 * u)
    if np.count_nonzero(negative) > MOST_UNPHYSICAL * f.size:
        worst = int(np.argmin(Z.real))
        return (
            f"the difference has a negative resistance, {Z.real[worst]:.4g} Ω at {f[worst]:.3g} Hz: too much is "
            "subtracted; check layers, counter electrodes, areas and pressures"
        )
    inductive = (Z.imag > limit) & (Z_full.imag < 0)
    if np.count_nonzero(inductive) > MOST_UNPHYSICAL * f.size:
        worst = int(np.argmax(np.where(Z_full.imag < 0, Z.imag, -np.inf)))
        return (
            f"the difference is inductive at {f[worst]:.3g} Hz where the cell is capacitive: the electrodes of "
            "the symmetric cell are slower or larger than those of the full one"
        )
    residual, dof = _ladder_residual(f, Z, np.maximum(difference.noise.real, DRIFTING * np.abs(Z_full)))
    excess = math.sqrt(float(residual @ residual) / dof)
    if excess > SIGNIFICANT:
        times = f"{format_fixed(excess, 1)} times the noise"
        return f"the difference fails the Kramers-Kronig test: its residuals are {times}"
    return ""


def _ladder_residual(frequency: FloatArray, Z: ComplexArray, sigma: FloatArray) -> tuple[FloatArray, int]:
    """Return residuals of a sum of RC elements, in units of sigma, and their degrees of freedom.

    Weights are 1/sigma, since a difference may vanish where both cells are large.
    """
    omega = 2 * np.pi * frequency
    decades = math.log10(float(omega.max() / omega.min()))
    tau = np.geomspace(1 / omega.max(), 1 / omega.min(), max(2, round(3 * decades)))
    columns = [np.ones_like(omega), 1j * omega, 1 / (1j * omega), *(1 / (1 + 1j * omega * t) for t in tau)]
    basis = np.column_stack(columns) / sigma[:, None]
    stacked = np.vstack([basis.real, basis.imag])
    stacked /= np.linalg.norm(stacked, axis=0)
    target = np.concatenate([Z.real / sigma, Z.imag / sigma])
    residual: FloatArray = target - stacked @ np.linalg.lstsq(stacked, target, rcond=1e-10)[0]
    return residual, max(1, target.size - tau.size - 3)


def _interpretations(
    R: float, electrodes: complex, share: float, R_SE: float, shift: float, lead: float, layers: int
) -> tuple[StackInterpretation, ...]:
    """Return the interpretations of the stack at the lowest frequency."""
    taken = {"each layer as the symmetric one": electrodes.real + shift}
    if layers > 1:
        taken["all layers together as the symmetric one"] = electrodes.real + (shift - lead) / layers + lead
    taken["plain Z_sym/2 for each counter electrode"] = electrodes.real + share * R_SE + lead
    return tuple(
        StackInterpretation(name, subtracted, R - subtracted, math.nan) for name, subtracted in taken.items()
    )

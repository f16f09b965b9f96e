"""The spectrum of a cell without its electrolyte layers and counter electrodes."""

import math
from typing import Any

import numpy as np

from eistool.errors import EistoolError, SpectrumError
from eistool.spectrum import Spectrum
from eistool.symmetric_cell.result import Reading, SpectrumParts, SubtractionResult
from eistool.typing import ComplexArray, FloatArray, Measured

SYMMETRIC_CIRCUIT = "symmetric_in"
LEAST_POINTS = 6
MOST_UNPHYSICAL = 0.05  # of the points, that may lie on the wrong side
BEYOND = 3.0  # errors
ACCURACY = 0.01  # of |Z| of the full cell: what instruments may make of both
DRIFTING = 0.005  # of |Z| of the full cell: errors in the Kramers-Kronig test are at least that


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

    The symmetric cell is interpolated by a cubic spline over log f, never extrapolated, and the noise of
    both is propagated through it. See :func:`subtract_symmetric_cell` for the arguments.
    """
    z_full, z_sym = (_measured(spectrum) for spectrum in (full, symmetric))
    if plain_half:
        R_SE: Measured = (0.0, 0.0)
        scale = (0.0, 0.0)
        flags += (
            "plain Z_sym/2 for each counter electrode: the electrolyte layers, less half of the symmetric "
            f"cell's for each of {counter_electrodes} electrodes (R_SE,l - R_SE,s/2 for one), are still in it",
        )
    elif electrolyte is not None:
        R_SE = electrolyte
    else:
        R_SE, said = _electrolyte(symmetric)
        flags += said
    weights, inside = _interpolation(z_sym[0], z_full[0])
    if np.count_nonzero(inside) < LEAST_POINTS:
        raise SpectrumError(
            f"{full.label}: {np.count_nonzero(inside)} frequencies within those of {symmetric.label}; "
            f"a subtraction needs {LEAST_POINTS} or more"
        )
    if not inside.all():
        flags += (f"{np.count_nonzero(~inside)} frequencies outside those of the symmetric cell left out",)
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
        alternatives=_readings(float(Z.real[lowest]), electrodes[lowest], share, R_SE[0], shift, lead[0], layers),
        status="failed" if reason else "ok",
        reason=reason,
        flags=flags,
        parts=SpectrumParts(full, symmetric, electrodes, shift, difference),
    )


def _measured(spectrum: Spectrum) -> tuple[FloatArray, ComplexArray, FloatArray]:
    """Return frequencies ascending, impedances and standard deviations of the points in use."""
    used = np.flatnonzero(spectrum.mask)
    order = used[np.argsort(spectrum.frequency[used], kind="stable")]
    frequency, first = np.unique(spectrum.frequency[order], return_index=True)
    order = order[first]
    Z = spectrum.impedance[order]
    if spectrum.noise is not None:
        return frequency, Z, np.maximum(spectrum.noise.real, spectrum.noise.imag)[order]
    # from point to point: a drift, which the elements do not follow either, is smooth
    residual, dof = _ladder_residual(frequency, Z, np.abs(Z))
    second = np.diff(residual.reshape(2, -1), 2, axis=1)
    noise = math.sqrt(float(np.mean(second**2)) / 6 * residual.size / dof)
    return frequency, Z, noise * np.abs(Z)


def _interpolation(known: FloatArray, wanted: FloatArray) -> tuple[FloatArray, Any]:
    """Return the matrix that interpolates over log f, of the wanted frequencies within the known ones."""
    from scipy.interpolate import CubicSpline

    if known.size < LEAST_POINTS:
        raise SpectrumError(f"subtraction: a symmetric cell of {known.size} points; give {LEAST_POINTS} or more")
    inside = (wanted >= known[0] * (1 - 1e-6)) & (wanted <= known[-1] * (1 + 1e-6))
    spline = CubicSpline(np.log(known), np.eye(known.size))
    return spline(np.log(wanted[inside])), inside


def _electrolyte(symmetric: Spectrum) -> tuple[Measured, tuple[str, ...]]:
    """Return the symmetric cell's electrolyte resistance from a fit."""
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
    said = (
        f"R_SE of the symmetric cell by a fit of {SYMMETRIC_CIRCUIT}{quality}: {R0.value:.4g} ± {R0.stderr:.2g} Ω"
    )
    return (R0.value, R0.stderr), (said,)


def _unphysical(difference: Spectrum, Z_full: ComplexArray, u: float) -> str:
    """Return why a difference is no impedance of a passive layer; empty if nothing speaks against it."""
    Z, f = difference.impedance, difference.frequency
    assert difference.noise is not None  # noqa: S101  # it was given
    error = BEYOND * difference.noise.real
    limit = error + ACCURACY * np.abs(Z_full)
    negative = Z.real < -(limit + 2 * u)
    if np.count_nonzero(negative) > MOST_UNPHYSICAL * f.size:
        worst = int(np.argmin(Z.real))
        return (
            f"the difference has a negative resistance, {Z.real[worst]:.4g} Ω at {f[worst]:.3g} Hz: too much is "
            "subtracted; look at layers, counter electrodes, areas and pressures"
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
    if excess > BEYOND:
        return f"the difference fails the Kramers-Kronig test: its residuals are {excess:.1f} times the noise"
    return ""


def _ladder_residual(frequency: FloatArray, Z: ComplexArray, sigma: FloatArray) -> tuple[FloatArray, int]:
    """Return real and imaginary residuals, in sigma, of a sum of RC elements, and their degrees of freedom.

    They are what no linear, stationary cell explains.

    Weighted by the noise, since a difference may vanish where both cells are large.
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


def _readings(
    R: float, electrodes: complex, share: float, R_SE: float, shift: float, lead: float, layers: int
) -> tuple[Reading, ...]:
    """Return what readings of the stack leave at the lowest frequency."""
    taken = {"each layer as the symmetric one": electrodes.real + shift}
    if layers > 1:
        taken["all layers together as the symmetric one"] = electrodes.real + (shift - lead) / layers + lead
    taken["plain Z_sym/2 for each counter electrode"] = electrodes.real + share * R_SE + lead
    return tuple(Reading(name, subtracted, R - subtracted, math.nan) for name, subtracted in taken.items())

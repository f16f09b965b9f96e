"""What a distribution of relaxation times holds."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.display import format_value, html_table, plain
from eistool.drt.peaks import Atom, DRTPeak
from eistool.drt.suggested_circuit import SuggestedCircuit
from eistool.errors import SpectrumError
from eistool.forwarding import forward
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, FloatArray

if TYPE_CHECKING:
    import pandas as pd


def _nothing() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DRT:
    """Distribution of relaxation times of a spectrum: Z = R∞ + jωL + 1/(jωC) + ∫ γ/(1 + jωτ) d ln τ.

    Attributes
    ----------
    spectrum
        What it was computed from.
    tau : FloatArray, shape (n_tau,)
        Time constants in s, ascending; τ = 1/(2πf).
    gamma, gamma_low, gamma_high : FloatArray, shape (n_tau,)
        Resistance per unit of ln τ in ohm, and its 95 % band point by point. A blocking tail is part of
        it, delta atoms are not. Negative where a window is signed.
    joint_low, joint_high : FloatArray, shape (n_tau,)
        A band that holds the whole curve in 95 % of cases.
    log_spread : FloatArray, shape (q, n_tau)
        S with SᵀS the covariance of ln γ, of its positive part where a window is signed.
    R_inf, inductance, inverse_capacitance
        In ohm, H and 1/F; ``u_`` are standard errors. The last two are 0 where phasances stand for them.
    regularization : float
        Precision of the roughness of ln γ, found by evidence.
    noise : float
        Standard deviation of each part, relative to |Z|.
    R_pol, u_R_pol : float
        Integral of γ, with the atoms and with what elements hold beyond the range of ``tau``, in ohm.
    peaks : tuple of DRTPeak
        By τ. ``atoms`` are those that are pure RC elements.
    impedance : ComplexArray, shape (n_freq,)
        The model at the used points, nan at the others.
    evidence, evidence_free : float
        Natural logarithms: of the model used, and of the one without assumed shapes.
    model : str
        ``free``, or the elements that γ deviates from; ``signed`` where something is subtracted in a window.
    flags : tuple of str
        Remarks on what to be careful with.
    phasance, eta, eta_low, eta_high : FloatArray, shape (n_phasance,)
        Exponents ν, and the distribution of phasances η in ohm per unit of ν with its 95 % band:
        Z holds ∫ η (jω/ω0)^ν dν besides, with ω0 = √(ω_min ω_max) of the used points. The area of a peak is the
        modulus at ω0 of a constant-phase element. Empty unless ``phasances`` were asked for.
    """

    spectrum: Spectrum
    tau: FloatArray
    gamma: FloatArray
    gamma_low: FloatArray
    gamma_high: FloatArray
    joint_low: FloatArray
    joint_high: FloatArray
    log_spread: FloatArray
    R_inf: float
    u_R_inf: float
    inductance: float
    u_inductance: float
    inverse_capacitance: float
    regularization: float
    noise: float
    R_pol: float
    u_R_pol: float
    peaks: tuple[DRTPeak, ...]
    atoms: tuple[Atom, ...]
    impedance: ComplexArray
    evidence: float
    evidence_free: float
    model: str
    flags: tuple[str, ...]
    phasance: FloatArray = field(default_factory=_nothing)
    eta: FloatArray = field(default_factory=_nothing)
    eta_low: FloatArray = field(default_factory=_nothing)
    eta_high: FloatArray = field(default_factory=_nothing)

    @property
    def frequency(self) -> FloatArray:
        """1/(2πτ) in Hz, shape (n_tau,)."""
        return 1 / (2 * np.pi * self.tau)

    @property
    def residual(self) -> ComplexArray:
        """(Z - Z_model) / |Z|, shape (n_freq,); nan at points that were not used."""
        with np.errstate(divide="ignore", invalid="ignore"):
            residual: ComplexArray = (self.spectrum.impedance - self.impedance) / np.abs(self.spectrum.impedance)
        return residual

    @property
    def covariance(self) -> FloatArray:
        """Covariance of ln γ, shape (n_tau, n_tau)."""
        return self.log_spread.T @ self.log_spread

    def suggest_circuits(self, limit: int = 5) -> list[SuggestedCircuit]:
        """Return circuits that explain the peaks, with start values, the most probable first.

        An arc p(R,CPE) stands for a peak, p(R,C) for an atom, RL for a negative loop; R0 and L0 stand
        before them, and a CPE, W, C or finite diffusion behind them where the tail says so. Other
        readings leave a peak out, take two close ones for one, or call what lies outside of the measured
        window a part of R0 or of a tail. They are ranked by the evidence that the DRT has for each peak
        and for the distance of neighbours, less half a logarithm of the number of data for each
        parameter: nothing is fitted.

        Parameters
        ----------
        limit : int
            How many, at most.

        Examples
        --------
        >>> import numpy as np
        >>> from eistool import compute_drt, simulate
        >>> f = np.geomspace(1e6, 0.01, 81)
        >>> s = simulate("R0-p(R1,CPE1)-CPE2", f, [10, 50, 1e-5, 0.9, 0.1, 0.8], noise=0.002, seed=1)
        >>> compute_drt(s).suggest_circuits()[0].circuit
        R0-p(R1,CPE1)-CPE2
        """
        if limit < 1:
            raise SpectrumError(f"{self.spectrum.label}: limit={limit}; ask for 1 or more circuits")
        suggested: list[SuggestedCircuit] = forward("suggest")(self, limit)
        return suggested

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain Python objects, without the spectrum; None for missing numbers."""
        arrays = (
            "tau", "gamma", "gamma_low", "gamma_high", "joint_low", "joint_high",
            "phasance", "eta", "eta_low", "eta_high",
        )  # fmt: skip
        numbers = (
            "R_inf", "u_R_inf", "inductance", "u_inductance", "inverse_capacitance", "regularization", "noise",
            "R_pol", "u_R_pol", "evidence", "evidence_free", "model", "flags", "peaks", "atoms",
        )  # fmt: skip
        contents: dict[str, Any] = {"label": self.spectrum.label}
        contents |= {name: getattr(self, name).tolist() for name in arrays}
        contents |= {name: getattr(self, name) for name in numbers}
        as_dict: dict[str, Any] = plain(contents)
        return as_dict

    def to_dataframe(self) -> "pd.DataFrame":
        """Return γ and its bands, a row for each τ."""
        import pandas as pd

        return pd.DataFrame(
            {
                "tau_s": self.tau,
                "frequency_Hz": self.frequency,
                "gamma_ohm": self.gamma,
                "gamma_low_ohm": self.gamma_low,
                "gamma_high_ohm": self.gamma_high,
                "joint_low_ohm": self.joint_low,
                "joint_high_ohm": self.joint_high,
            }
        )

    def __repr__(self) -> str:
        n = len(self.peaks)
        lines = [
            f"DRT of {self.spectrum.label!r}: {n} peak{'s' if n != 1 else ''}, "
            f"R_pol {format_value(self.R_pol, self.u_R_pol)} Ω, R_inf {format_value(self.R_inf, self.u_R_inf)} Ω"
        ]
        lines += [f"  {peak!r}" for peak in self.peaks]
        lines += [f"  flag: {flag}" for flag in self.flags]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (
                format_value(p.tau, p.u_tau), f"{p.frequency:.4g}", format_value(p.R, p.u_R), p.shape,
                "yes" if p.edge else "", "yes" if p.persistent else "", f"{p.probability:.3f}",
            )
            for p in self.peaks
        ]  # fmt: skip
        title = f"DRT of {self.spectrum.label}: R_pol {format_value(self.R_pol, self.u_R_pol)} Ω"
        return html_table(title, ("τ / s", "f / Hz", "R / Ω", "shape", "edge", "persistent", "probability"), rows)

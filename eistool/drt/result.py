"""Results of a distribution of relaxation times."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.display import format_value, html_plot, html_table, plain
from eistool.drt.peaks import Atom, DRTPeak
from eistool.drt.suggested_circuit import SuggestedCircuit
from eistool.errors import SpectrumError
from eistool.forwarding import ModelPlots, forward
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, FloatArray

if TYPE_CHECKING:
    import pandas as pd


def _nothing() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DRT(ModelPlots):
    """Distribution of relaxation times of a spectrum: Z = R∞ + jωL + 1/(jωC) + ∫ γ/(1 + jωτ) d ln τ.

    Attributes
    ----------
    spectrum
        Analysed spectrum.
    tau : FloatArray, shape (n_tau,)
        Time constants in s, ascending; τ = 1/(2πf).
    gamma, gamma_low, gamma_high : FloatArray, shape (n_tau,)
        Resistance per unit of ln τ in ohm, and its pointwise 95 % band. It includes a blocking tail but not
        delta atoms, and may be negative in a signed window.
    joint_low, joint_high : FloatArray, shape (n_tau,)
        Band that covers the whole curve with a probability of 95 %.
    covariance_root : FloatArray, shape (q, n_tau)
        S with SᵀS the covariance of ln γ, or of its positive part with a signed window.
    R_inf, inductance, inverse_capacitance
        In ohm, H and 1/F; ``u_`` marks standard errors. The last two are 0 if phasances replace them.
    regularization : float
        Precision of the roughness of ln γ, from the evidence.
    noise : float
        Standard deviation of each part relative to |Z|.
    R_pol, u_R_pol : float
        Integral of γ in ohm, including atoms and the parts of elements beyond the range of ``tau``.
    peaks : tuple of DRTPeak
        Peaks in order of τ; ``atoms`` are the pure RC elements among them.
    impedance : ComplexArray, shape (n_freq,)
        Model at the used points, nan elsewhere.
    evidence, evidence_free : float
        Natural logarithms of the evidence of the model used and of the model without assumed shapes.
    model : str
        ``free``, or the elements that γ deviates from, and ``signed`` with a negative part.
    flags : tuple of str
        Warnings.
    phasance, eta, eta_low, eta_high : FloatArray, shape (n_phasance,)
        Exponents ν, and the distribution of phasances η in ohm per unit of ν with its 95 % band:
        Z also contains ∫ η (jω/ω0)^ν dν with ω0 = √(ω_min ω_max) of the used points. The area of a peak is the
        modulus of a constant-phase element at ω0. Empty unless ``phasances=True``.
    """

    spectrum: Spectrum
    tau: FloatArray
    gamma: FloatArray
    gamma_low: FloatArray
    gamma_high: FloatArray
    joint_low: FloatArray
    joint_high: FloatArray
    covariance_root: FloatArray
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
        """(Z - Z_model) / |Z|, shape (n_freq,); nan at unused points."""
        with np.errstate(divide="ignore", invalid="ignore"):
            residual: ComplexArray = (self.spectrum.impedance - self.impedance) / np.abs(self.spectrum.impedance)
        return residual

    @property
    def covariance(self) -> FloatArray:
        """Covariance of ln γ, shape (n_tau, n_tau)."""
        return self.covariance_root.T @ self.covariance_root

    def plot_drt(self, ax: Any = None) -> Any:
        """Draw γ(τ) with its 95 % band and peaks on axes of matplotlib, and return them."""
        return forward("plot_drt")(self, ax)

    def suggest_circuits(self, limit: int = 5) -> list[SuggestedCircuit]:
        """Return circuits that explain the peaks, with start values, the most probable first.

        Peaks become arcs p(R,CPE), atoms p(R,C) and negative peaks RL, after L0 and R0; a tail becomes a
        CPE, W, C or finite diffusion. Alternatives omit a peak, merge two close peaks, or assign a peak
        outside the measured window to R0 or to a tail. They are ranked, without a fit, by the evidence of
        the DRT for each peak and for the distance of neighbours, less ½ ln(number of data) per parameter.

        Parameters
        ----------
        limit : int
            Largest number of circuits.

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
            raise SpectrumError(f"{self.spectrum.label}: limit={limit}; choose 1 or more circuits")
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
        """Return γ and its bands, one row per τ."""
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
        table = html_table(title, ("τ / s", "f / Hz", "R / Ω", "shape", "edge", "persistent", "probability"), rows)
        curve = list(zip(np.log(self.tau[::2]), self.gamma[::2], strict=True))
        return f"{table}\n{html_plot(f'γ over ln τ of {self.spectrum.label}', (), curve, equal=False)}"

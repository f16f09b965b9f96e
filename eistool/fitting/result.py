"""Results of fits: parameters, covariance, quality and minima."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from eistool.circuit import Circuit
from eistool.display import Shown, format_fixed, format_value, html_plot, html_table, plain
from eistool.errors import CircuitError, FitError
from eistool.fitting.intervals import Interval, interval
from eistool.fitting.quantities import Evidence, Process, TotalResistance
from eistool.fitting.runs import runs_p
from eistool.forwarding import ModelPlots, forward
from eistool.spectrum import Spectrum
from eistool.typing import BoolArray, ComplexArray, FloatArray, Threshold

if TYPE_CHECKING:
    from impedance.models.circuits.circuits import BaseCircuit
    from lmfit.minimizer import MinimizerResult
    from pandas import DataFrame

UNRESOLVED: Annotated[
    float,
    Threshold(
        "largest relative standard error of a resolved resistance or time constant",
        "project definition of not_resolvable",
    ),
] = 0.5
UNRESOLVED_EXPONENT: Annotated[
    float,
    Threshold(
        "largest standard error of a resolved exponent", "project definition: a fifth of the range from 0 to 1"
    ),
] = 0.2
TIE: Annotated[
    float,
    Threshold(
        "ΔBIC without significance: the circuit with fewer parameters is preferred",
        "Kass and Raftery, doi:10.1080/01621459.1995.10476572",
    ),
] = 2.0
NEAR_TIE: Annotated[
    float,
    Threshold(
        "ΔBIC below strong evidence: other minima and circuits are listed",
        "Kass and Raftery, doi:10.1080/01621459.1995.10476572",
    ),
] = 6.0
STRONG: Annotated[
    float,
    Threshold(
        "ΔBIC that is very strong evidence: of a grain boundary, or of a process that appears or disappears",
        "Kass and Raftery, doi:10.1080/01621459.1995.10476572",
    ),
] = 10.0


@dataclass(frozen=True, slots=True)
class Parameter(Shown):
    """Parameter of a fitted circuit."""

    name: str
    value: float
    stderr: float  # of noise and misfit; nan if fixed or at a bound
    unit: str
    lower: float  # bounds of the search
    upper: float
    status: str  # ok | fixed | at_bound | not_identifiable
    role: str  # role from the circuit library, or empty
    ci_low: float = math.nan  # 95 %
    ci_high: float = math.nan
    stderr_noise: float = math.nan  # of noise alone, if the circuit were exact

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        status = "" if self.status == "ok" else f" ({self.status})"
        return f"{self.name} = {format_value(self.value, self.stderr)}{unit}{status}"


class Parameters(Mapping[str, Parameter]):
    """Parameters in the circuit's order, by full or short name.

    Examples
    --------
    >>> from eistool import Circuit, fit, simulate
    >>> spectrum = simulate("R0-C1", [1, 10, 100, 1e3], [10, 1e-3], noise=0.001, seed=1)
    >>> parameters = fit(spectrum, "R0-C1").parameters
    >>> list(parameters), parameters["R0.R"] is parameters["R0"], parameters.get("R7")
    (['R0', 'C1'], True, None)
    """

    __slots__ = ("_circuit", "_items")

    def __init__(self, circuit: Circuit, items: tuple[Parameter, ...]) -> None:
        self._circuit = circuit
        self._items = items

    def __getitem__(self, name: str) -> Parameter:
        try:
            return self._items[self._circuit.index(name)]
        except CircuitError as error:
            raise KeyError(str(error)) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._circuit.parameters)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._items))


@dataclass(frozen=True, slots=True, repr=False)
class Minimum(Shown):
    """Local minimum of a fit, with the number of starts that reached it."""

    chi2: float
    values: dict[str, float]
    hits: int
    delta_bic: float = 0.0  # n ln(S/S0) relative to the best minimum


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FitResult(ModelPlots):
    """Circuit fitted to a spectrum.

    The sum of squares ``chi2`` is Σ |weight (Z - Z_fit)|² over the n = 2 x points real and imaginary parts of
    the unmasked points. ``covariance`` is scaled with ``chi2_reduced`` unless the weighting is the measured
    noise.

    Attributes
    ----------
    circuit, spectrum, weighting
        Model, data and weighting of the fit.
    values, stderr : FloatArray, shape (p,)
        Parameter values and standard errors in the circuit's order.
    covariance : FloatArray, shape (p, p)
        Covariance of the parameters in their units; rows of parameters that are fixed or at a bound are 0.
    impedance : ComplexArray, shape (n_freq,)
        Model at all frequencies of the spectrum, including masked ones.
    status : {"ok", "poor_model", "failed"}
        ``poor_model``: the residuals exceed 1 % of |Z| and those of a ladder of RC elements by far.
        ``failed`` has a ``reason``.
    flags : tuple of str
        Caveats.
    n_starts, n_agreed : int
        Number of starts, and number of starts that reached the best minimum.
    p_missed : float
        Estimated probability that the search missed a better minimum; nan without a search.
    minima : tuple of Minimum
        Distinct minima, the best first.
    noise_floor : float
        Reduced chi2 of the non-negative RC ladder, an estimate independent of the circuit.

    References
    ----------
    .. [1] B. A. Boukamp, Solid State Ionics 20 (1986) 31, doi:10.1016/0167-2738(86)90031-7
    .. [2] A. Wald, J. Wolfowitz, Ann. Math. Statist. 11 (1940) 147, doi:10.1214/aoms/1177731909
    """

    circuit: Circuit
    spectrum: Spectrum
    weighting: str
    values: FloatArray
    covariance: FloatArray
    statuses: tuple[str, ...]
    lower: FloatArray
    upper: FloatArray
    impedance: ComplexArray
    chi2: float
    status: str
    reason: str = ""
    flags: tuple[str, ...] = ()
    n_starts: int = 0
    n_agreed: int = 0
    p_missed: float = math.nan
    minima: tuple[Minimum, ...] = ()
    noise_floor: float = math.nan
    noise_covariance: FloatArray | None = None
    evidence: Evidence | None = None
    _parameters: Parameters | None = field(default=None, init=False)
    _processes: tuple[Process, ...] | None = field(default=None, init=False)

    @property
    def parameters(self) -> Parameters:
        """Values with errors, units, bounds, statuses and roles, by full or short name."""
        parameters = self._parameters or _parameters(self)
        object.__setattr__(self, "_parameters", parameters)
        return parameters

    @property
    def success(self) -> bool:
        """Whether the fit has values; see also ``status`` and ``flags``."""
        return self.status != "failed"

    @property
    def stderr(self) -> FloatArray:
        """Standard errors, shape (p,); nan for parameters that are fixed or at a bound."""
        return np.array([p.stderr for p in self.parameters.values()])

    @property
    def log_evidence(self) -> float:
        """Log evidence of the circuit; -inf for a fit that failed."""
        return -math.inf if self.evidence is None else self.evidence.log_evidence

    @property
    def free(self) -> BoolArray:
        """True for parameters that are not fixed, shape (p,)."""
        return np.array([status != "fixed" for status in self.statuses])

    @property
    def n_data(self) -> int:
        """Twice the number of unmasked points."""
        return 2 * self.spectrum.n_used

    @property
    def n_free(self) -> int:
        """Number of parameters that are not fixed."""
        return int(np.count_nonzero(self.free))

    @property
    def dof(self) -> int:
        """Degrees of freedom, 2 x points - free parameters."""
        return self.n_data - self.n_free

    @property
    def chi2_reduced(self) -> float:
        """``chi2`` divided by the degrees of freedom; nan for failed fits."""
        return self.chi2 / self.dof if self.dof > 0 else math.nan

    @property
    def bic(self) -> float:
        """Bayesian information criterion n ln(S/n) + k ln n."""
        return self._log_likelihood + self.n_free * math.log(max(self.n_data, 1))

    @property
    def aicc(self) -> float:
        """Akaike information criterion with correction for small samples."""
        n, k = self.n_data, self.n_free
        correction = 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.inf
        return self._log_likelihood + 2 * k + correction

    @property
    def _log_likelihood(self) -> float:
        if not math.isfinite(self.chi2):
            return math.nan
        # avoids the logarithm of 0 for noise-free data
        return self.n_data * math.log(max(self.chi2, 1e-300) / self.n_data)

    @property
    def residual(self) -> ComplexArray:
        """(Z - Z_fit) / |Z| at all frequencies, shape (n_freq,); nan for Z = 0."""
        modulus = np.abs(self.spectrum.impedance)
        with np.errstate(divide="ignore", invalid="ignore"):
            residual: ComplexArray = (self.spectrum.impedance - self.impedance) / modulus
        return residual

    @property
    def correlation(self) -> FloatArray:
        """Correlation matrix of the parameters, shape (p, p); nan for parameters without an error."""
        sigma = np.sqrt(np.diag(self.covariance))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(sigma > 0, self.covariance / np.outer(sigma, sigma), np.nan)

    @property
    def runs_p(self) -> float:
        """p-value of the runs test [2]_ for random signs of the residuals; nan for failed fits.

        Values below 0.01 indicate structure in the data that the circuit does not describe.
        """
        if not self.success:
            return math.nan
        mask = self.spectrum.mask
        return runs_p(self.residual[mask][np.argsort(self.spectrum.frequency[mask], kind="stable")])

    def correlation_table(self) -> "DataFrame":
        """Return the correlation matrix of the parameters with an error as a table.

        Examples
        --------
        >>> from eistool import fit, simulate
        >>> spectrum = simulate("R0-C1", [1, 10, 100, 1e3], [10, 1e-3], noise=0.001, seed=1)
        >>> list(fit(spectrum, "R0-C1").correlation_table().columns)
        ['R0', 'C1']
        """
        import pandas as pd

        known = np.flatnonzero(np.diag(self.covariance) > 0)
        names = [self.circuit.parameters[i] for i in known]
        return pd.DataFrame(self.correlation[np.ix_(known, known)], index=names, columns=names)

    @property
    def processes(self) -> tuple[Process, ...]:
        """Processes (arcs) of the circuit, sorted by time constant."""
        processes: tuple[Process, ...]
        processes = forward("find_processes")(self) if self._processes is None else self._processes
        object.__setattr__(self, "_processes", processes)
        return processes

    @property
    def total_resistance(self) -> TotalResistance:
        """Resistance to direct current, with its uncertainty from the full covariance.

        Raises
        ------
        FitError
            If the fit failed.

        Examples
        --------
        >>> from eistool import fit, simulate
        >>> spectrum = simulate("R0-p(R1,C1)", [1, 10, 100, 1e3], [10, 90, 1e-3], noise=0.001, seed=1)
        >>> fit(spectrum, "R0-p(R1,C1)").total_resistance
        TotalResistance(...
        >>> fit(spectrum, "R0-C1").total_resistance
        TotalResistance(inf: ...
        """
        total: TotalResistance = forward("compute_total_resistance")(self)
        return total

    def confidence(
        self, method: str = "profile", parameters: list[str] | None = None, level: float = 0.95
    ) -> dict[str, Interval]:
        """Return confidence intervals of the free parameters.

        Parameters
        ----------
        method : {"profile", "lmfit", "mcmc", "stderr"}
            Profile likelihood; profile likelihood by lmfit's ``conf_interval``, a thousand times slower; posterior
            sampling by emcee; or value ± t·stderr, in the logarithm for positive parameters.
        parameters : list of str, optional
            Parameter names; by default all parameters that are not fixed or at a bound. ``"profile"`` also
            accepts ``"R1.tau"``, the time constant of an arc p(R1,CPE1) or p(R1,C1).
        level : float
            Confidence level, between 0 and 1.

        Raises
        ------
        FitError
            If an argument is invalid or the fit failed.

        Notes
        -----
        If the profile does not rise enough within the bounds of a parameter, the limit is 0 or inf, or the
        bound of an exponent or of the user, and the interval has a ``flag``.
        """
        intervals: dict[str, Interval] = forward("confidence")(self, method, parameters, level)
        return intervals

    def to_lmfit(self) -> "MinimizerResult":
        """Convert the fit to lmfit's MinimizerResult, with names such as ``CPE1_Q`` for ``CPE1.Q``."""
        converted: MinimizerResult = forward("to_lmfit")(self)
        return converted

    def to_impedance_py(self) -> "BaseCircuit":
        """Convert the fit to impedance.py's ``CustomCircuit``.

        ``parameters_`` holds the values, ``conf_`` the standard errors (nan if undefined) and ``constants``
        the fixed parameters.

        Raises
        ------
        CircuitError
            If impedance.py has no equivalent of an element.
        FitError
            If the fit failed.
        """
        check_usable(self)
        convert = forward("fit_to_impedance_py")
        model: BaseCircuit = convert(self.circuit, self.values, self.covariance, ~self.free)
        return model

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as plain Python objects, without the spectrum, with None for NaN and infinite numbers."""
        as_dict: dict[str, Any] = plain(self._contents())
        return as_dict

    def _contents(self) -> dict[str, Any]:
        return {
            "label": self.spectrum.label,
            "circuit": repr(self.circuit),
            "weighting": self.weighting,
            "status": self.status,
            "reason": self.reason,
            "flags": self.flags,
            "chi2": self.chi2,
            "chi2_reduced": self.chi2_reduced,
            "aicc": self.aicc,
            "bic": self.bic,
            "n_points": self.spectrum.n_used,
            "n_starts": self.n_starts,
            "n_agreed": self.n_agreed,
            "p_missed": self.p_missed,
            "noise_floor": self.noise_floor,
            "runs_p": self.runs_p,
            "parameters": list(self.parameters.values()),
            "covariance": self.covariance.tolist(),
            "processes": self.processes,
            "total_resistance": self.total_resistance if self.success else None,
            "minima": self.minima,
        }

    @property
    def _near_ties(self) -> tuple[Minimum, ...]:
        """Other minima against which the evidence is not strong."""
        return tuple(minimum for minimum in self.minima[1:] if minimum.delta_bic < NEAR_TIE)

    def __repr__(self) -> str:
        head = f"FitResult {self.circuit} to {self.spectrum.label!r}: {self.status}"
        if not self.success:
            return f"{head} ({self.reason})"
        lines = [f"{head}, reduced chi2 {self.chi2_reduced:.4g}, {self.n_agreed} of {self.n_starts} starts agree"]
        lines += [f"  {parameter!r}" for parameter in self.parameters.values()]
        lines += [f"  other minimum: ΔBIC {format_fixed(m.delta_bic, 1, '+')}" for m in self._near_ties]
        lines += [f"  flag: {flag}" for flag in self.flags]
        return "\n".join(lines)

    def to_dataframe(self) -> "DataFrame":
        """Return the parameters as a pandas table."""
        import pandas as pd

        names = ("name", "value", "stderr", "unit", "status", "role", "ci_low", "ci_high", "stderr_noise")
        return pd.DataFrame([{name: getattr(p, name) for name in names} for p in self.parameters.values()])

    def _repr_html_(self) -> str:
        rows = [
            (p.name, format_value(p.value, p.stderr), p.unit, p.role, p.status) for p in self.parameters.values()
        ]
        title = f"{self.circuit} fitted to {self.spectrum.label}: {self.status}"
        tables = [html_table(title, ("parameter", "value ± standard error", "unit", "role", "status"), rows)]
        if self.success:
            frame = self.correlation_table().map("{:.2f}".format)
            correlations = [(name, *row) for name, row in zip(frame.index, frame.to_numpy(), strict=True)]
            tables.append(html_table("Correlation", ("", *frame.columns), correlations))
        if self._near_ties:
            names = self.circuit.parameters
            minima = [
                (format_fixed(m.delta_bic, 1, "+"), *(format_value(m.values[name]) for name in names))
                for m in self._near_ties
            ]
            tables.append(html_table("Other minima", ("ΔBIC", *names), minima))
        z, used = self.spectrum.impedance, self.spectrum.mask
        order = np.argsort(self.spectrum.frequency)
        fit = self.impedance[order][used[order]] if self.success else np.empty(0)
        tables.append(
            html_plot(
                f"Nyquist plot of {self.spectrum.label} with its fit",
                list(zip(z.real[used], -z.imag[used], strict=True)),
                list(zip(fit.real, -fit.imag, strict=True)),
            )
        )
        return "\n".join(tables)


def failed_result(spectrum: Spectrum, circuit: Circuit, weighting: str, reason: str) -> FitResult:
    """Return the result of a failed fit."""
    p = len(circuit.parameters)
    nan = np.full(p, math.nan)
    return FitResult(
        circuit=circuit,
        spectrum=spectrum,
        weighting=weighting,
        values=nan,
        covariance=np.full((p, p), math.nan),
        statuses=("not_identifiable",) * p,
        lower=nan,
        upper=nan,
        impedance=np.full(len(spectrum), complex(math.nan, math.nan)),
        chi2=math.nan,
        status="failed",
        reason=reason,
    )


def _parameters(result: FitResult) -> Parameters:
    circuit, dof, items = result.circuit, result.dof, []
    names = [element.name for element in circuit.elements for _ in element.spec.parameters]
    noisy = result.covariance * math.nan if result.noise_covariance is None else result.noise_covariance
    numbers = (result.values, result.covariance.diagonal(), noisy.diagonal(), result.lower, result.upper)
    for name, spec, element, status, value, variance, of_noise, lower, upper in zip(
        circuit.parameters, circuit.specs, names, result.statuses, *(row.tolist() for row in numbers), strict=True
    ):
        known = status in ("ok", "not_identifiable") and variance > 0
        stderr = math.sqrt(variance) if known else math.nan
        # a resistance is an amplitude: its likelihood is normal in itself where it may vanish
        linear = spec.kind == "exponent" or (spec.kind == "resistance" and status == "not_identifiable")
        low, high = interval(value, stderr, linear, dof) if known else (math.nan, math.nan)
        if spec.kind == "resistance":
            low = max(low, 0.0)
        if spec.kind == "exponent":
            low, high = max(low, lower), min(high, upper)
        role, stderr_noise = circuit.roles.get(element, ""), math.sqrt(of_noise) if known else math.nan
        items.append(
            Parameter(name, value, stderr, spec.unit, lower, upper, status, role, low, high, stderr_noise)
        )
    return Parameters(circuit, tuple(items))


def check_usable(result: FitResult) -> None:
    """Raise a FitError if the fit failed."""
    if not result.success:
        raise FitError(
            f"{result.spectrum.label}: the fit failed ({result.reason}) and has no values; try another circuit"
        )

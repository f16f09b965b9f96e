"""Global fit of one model to a series of spectra."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit, as_circuit
from eistool.errors import FitError
from eistool.fitting.engine import fit_many
from eistool.fitting.global_fit.assembly import assemble
from eistool.fitting.global_fit.joint_problem import JointProblem, Point, build, minimise
from eistool.fitting.global_fit.laws import LawTerm
from eistool.fitting.global_fit.request import Axis, Request, logarithms
from eistool.fitting.global_fit.result import GlobalFit
from eistool.fitting.problem import Constraints
from eistool.fitting.quality import LARGE_RESIDUAL
from eistool.fitting.result import FitResult
from eistool.spectrum import Series, Spectrum
from eistool.typing import Threshold

OUTLYING: Annotated[
    float,
    Threshold(
        "rms residual, relative to the median of the separate fits, above which a spectrum is left out",
        "engineering choice: it outweighs a hundred others in S; only applies above LARGE_RESIDUAL",
    ),
] = 10.0
WORSE = 1.3  # S relative to the separate fit above which local parameters are searched again; effort


def fit_global(
    series: Series | Sequence[Spectrum],
    circuit: Circuit | str,
    shared: Iterable[str] = (),
    laws: Mapping[str, str] | None = None,
    smooth: Mapping[str, float | str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    *,
    fixed: Mapping[str, float] | None = None,
    weighting: str = "modulus",
    jobs: int | None = None,
) -> GlobalFit:
    """Fit one circuit to all spectra of a series simultaneously.

    Parameters that are neither shared nor follow a law are free in every spectrum. Start values are taken
    from separate fits of the spectra.

    Parameters
    ----------
    series : Series or sequence of Spectrum
        At least two spectra. The coordinate of a sequence is the index.
    circuit : Circuit or str
        A circuit, an expression, or the name of a library circuit.
    shared : names
        Names of parameters with a common value for all spectra.
    laws : mapping of name to law, optional
        ``arrhenius``: R(T) = (T/σ0') exp(Ea/kB T) with Ea_eV and ln_sigma0 (of σ0' in K per unit of R);
        temperatures are taken from the metadata (``temperature_C``). ``constant``; ``linear``: a + b x;
        ``power``: a xⁿ, with x the coordinate of the series.
    smooth : mapping of name to strength, optional
        Penalty on second differences of ln value (of the value for exponents) along the series: a strength
        of 1/d² corresponds to expected differences of d at the typical spacing. ``"auto"`` estimates the
        strength from the scatter of the separate fits by maximum likelihood.
    bounds, fixed, weighting, jobs
        As for :func:`eistool.fit_many`.

    Returns
    -------
    GlobalFit
        Spectra with failed or outlying separate fits are left out and flagged.

    Raises
    ------
    CircuitError
        If the circuit is invalid.
    FitError
        If names or options are invalid, a law lacks its coordinate, or fewer than two spectra can be used.

    Notes
    -----
    Temperatures are taken as exact in the Arrhenius law. Errors are those of the linearised problem; the
    penalty of smooth parameters is treated as a prior [1]_. A ΔBIC above 10 in favour of separate fits is
    flagged, as strong evidence against the shared parameters or laws.

    References
    ----------
    .. [1] G. Wahba, J. R. Stat. Soc. B 45 (1983) 133, doi:10.1111/j.2517-6161.1983.tb01239.x

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import Metadata, Series, simulate
    >>> f = np.geomspace(1, 1e6, 31)
    >>> def at(celsius, seed):
    ...     T = celsius + 273.15
    ...     R = T / 1.2e5 * np.exp(0.31 / (8.617333262e-5 * T))
    ...     return simulate("p(R1,CPE1)", f, [R, 1e-7, 0.9], 0.003, seed, Metadata(temperature_C=celsius))
    >>> series = Series([at(celsius, i) for i, celsius in enumerate([-20.0, 0.0, 20.0, 40.0])], by="temperature")
    >>> together = fit_global(series, "p(R1,CPE1)", shared=["CPE1.alpha"], laws={"R1": "arrhenius"})
    >>> energy = together.laws["R1"].parameters["Ea_eV"]
    >>> abs(energy.value - 0.31) < 3 * energy.stderr, energy.unit
    (True, 'eV')
    """
    return fit_jointly(series, circuit, shared, laws, smooth, bounds, fixed, weighting, jobs)


def fit_jointly(
    series: Series | Sequence[Spectrum],
    circuit: Circuit | str,
    shared: Iterable[str],
    laws: Mapping[str, str] | None,
    smooth: Mapping[str, float | str] | None,
    bounds: Mapping[str, tuple[float, float]] | None,
    fixed: Mapping[str, float] | None,
    weighting: str,
    jobs: int | None,
    seeds: list[FitResult] | None = None,
) -> GlobalFit:
    """Fit as :func:`fit_global`, from separate fits of the spectra in their order if these are given."""
    the_circuit = as_circuit(circuit)
    shared = (shared,) if isinstance(shared, str) else tuple(shared)
    if fixed is not None and not isinstance(fixed, Mapping):
        raise FitError(f"fixed={fixed!r}; give a mapping of names to values, for instance fixed={{'R0': 10.0}}")
    request = Request(the_circuit, shared, dict(laws or {}), dict(smooth or {}), dict(fixed or {}))
    request.check()
    constraints = Constraints.of(the_circuit, None, bounds, request.fixed)
    axis = Axis.of(series)
    if len(axis.spectra) < 2:
        raise FitError(f"global fit: {len(axis.spectra)} spectra; give two or more")
    request.check_axis(axis)
    if seeds is None:
        seeds = fit_many(
            axis.spectra, the_circuit, jobs, True, bounds=bounds, fixed=request.fixed, weighting=weighting
        )
    left_out = _left_out(seeds)
    kept = [s for s in range(len(seeds)) if s not in left_out]
    needed = 3 if request.smooth else 2
    if len(kept) < needed:
        reasons = "; ".join(f"{seeds[s].spectrum.label}: {reason}" for s, reason in left_out.items())
        raise FitError(
            f"global fit: {len(kept)} of {len(seeds)} spectra can be used ({reasons}); give {needed} or more"
        )
    layout = request.layout(axis.subset(kept))
    used = [seeds[s] for s in kept]
    problem = build([seed.spectrum for seed in used], layout, constraints, weighting)
    variance = float(np.median([seed.chi2_reduced for seed in used])) if weighting != "noise" else 1.0
    problem = request.smoothed(problem, axis.subset(kept), used, variance)
    point = _search(problem, used, bounds, weighting)
    return assemble(request, axis, problem, point, seeds, kept, left_out, constraints)


def _left_out(seeds: list[FitResult]) -> dict[int, str]:
    """Return the indices of spectra that are left out, with reasons."""
    reasons = {s: seed.reason for s, seed in enumerate(seeds) if not seed.success}
    if len(reasons) == len(seeds):
        return reasons
    # relative to |Z| for any weighting: unit weights may span decades along a series
    relative = np.array([_rms_residual(seed) if seed.success else math.nan for seed in seeds])
    typical = float(np.nanmedian(relative))
    for s, rms in enumerate(relative.tolist()):
        if rms > max(OUTLYING * typical, LARGE_RESIDUAL):
            reasons[s] = (
                f"residuals of the separate fit are {rms:.0%} of |Z|, those of a typical spectrum {typical:.2%}"
            )
    return reasons


def _rms_residual(seed: FitResult) -> float:
    return float(np.sqrt(np.mean(np.abs(seed.residual[seed.spectrum.mask]) ** 2)))


def _search(
    problem: JointProblem, seeds: list[FitResult], bounds: Mapping[str, tuple[float, float]] | None, weighting: str
) -> Point:
    """Return the joint minimum, with the separate fits as start."""
    layout = problem.layout
    u, variance = logarithms(seeds, problem)
    joint = np.empty(layout.n_joint)
    terms = [LawTerm(name, "constant", i, False, np.ones(len(seeds))) for name, i in layout.shared]
    for term, column in zip([*terms, *layout.laws], layout.columns(), strict=True):
        joint[column] = term.start(u[:, term.index], 1 / variance[:, term.index])
    point = minimise(problem, u[:, layout.local], joint)
    worse = [s for s, seed in enumerate(seeds) if point.squares[s] > WORSE * seed.chi2]
    if not (worse and layout.local.size):
        return point
    # with joint parameters held, local parameters may have a better minimum elsewhere
    local = point.local.copy()
    values = np.where(layout.exponent, point.u, np.exp(point.u))
    for s in worse:
        held = {layout.circuit.parameters[i]: float(values[s, i]) for i in [*layout.joint, *layout.fixed]}
        free = {
            name: limits for name, limits in (bounds or {}).items() if layout.circuit.index(name) in layout.local
        }
        again = fit_many([seeds[s].spectrum], layout.circuit, 1, bounds=free, fixed=held, weighting=weighting)[0]
        if again.success and again.chi2 < point.squares[s]:
            local[s] = logarithms([again], replace(problem, lower=problem.lower[[s]], upper=problem.upper[[s]]))[
                0
            ][0, layout.local]
    second = minimise(problem, local, point.joint)
    return second if second.objective < point.objective else point

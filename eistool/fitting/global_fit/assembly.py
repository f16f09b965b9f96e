"""Results of a global fit at its minimum."""

import math
from dataclasses import replace
from typing import Annotated

import numpy as np

from eistool.display import format_fixed
from eistool.fitting.global_fit.arrow_matrix import Inverse, invert
from eistool.fitting.global_fit.joint_problem import JointProblem, Layout, Point, joint_limits, normal_equations
from eistool.fitting.global_fit.laws import LAWS, LawTerm
from eistool.fitting.global_fit.request import Axis, Request
from eistool.fitting.global_fit.result import GlobalFit, LawFit, bic
from eistool.fitting.intervals import interval
from eistool.fitting.problem import AMPLITUDE_RANGE, LIMIT_TOLERANCE, Constraints
from eistool.fitting.quality import ABOVE_NOISE, POOR_RESIDUAL
from eistool.fitting.result import UNRESOLVED, UNRESOLVED_EXPONENT, FitResult, Minimum, Parameter
from eistool.typing import FloatArray, Threshold

NOISE_RATIO: Annotated[
    float,
    Threshold(
        "ratio of the reduced chi2 of two spectra above which different noise levels are flagged",
        "F test of variances: p < 0.003 from 8 degrees of freedom on",
    ),
] = 9.0
WORSE_BIC: Annotated[
    float,
    Threshold(
        "ΔBIC in favour of separate fits above which a global fit is flagged",
        "very strong evidence by Kass and Raftery, doi:10.1080/01621459.1995.10476572",
    ),
] = 10.0


def assemble(
    request: Request,
    axis: Axis,
    problem: JointProblem,
    point: Point,
    seeds: list[FitResult],
    kept: list[int],
    left_out: dict[int, str],
    constraints: Constraints,
) -> GlobalFit:
    """Return the global fit with covariances, statuses and flags."""
    inverse = _inverse(
        problem, point, 1.0 if seeds[0].weighting == "noise" else point.squares.sum() / problem.n_data
    )
    covariance_u = _covariance_of_u(problem.layout, point, inverse)
    n_parameters = float(problem.layout.n_joint + point.local.size)
    if problem.smooth is not None:
        # trace of the influence matrix: penalised parameters count in part
        n_parameters = float(np.einsum("nij,nji->", point.hessian, covariance_u))
    chi2 = float(point.squares.sum())
    dof = problem.n_data - n_parameters
    weighting = seeds[0].weighting
    variance = 1.0 if weighting == "noise" else chi2 / dof
    results = list(seeds)
    for s, reason in left_out.items():
        results[s] = replace(seeds[s], flags=(f"left out of the global fit: {reason}", *seeds[s].flags))
    for position, s in enumerate(kept):
        results[s] = _result(problem, point, position, covariance_u[position] * variance, seeds[s], constraints)
    shared, laws, names, covariance = _joint_parameters(
        problem, point, inverse.joint * variance, constraints, dof, axis.name
    )
    smooth = {}
    if problem.smooth is not None:
        local = problem.layout.local.tolist()
        smooth = {n: float(problem.smooth.strength[local.index(request.circuit.index(n))]) for n in request.smooth}
    flags = _flags(problem, point, [seeds[s] for s in kept], chi2, n_parameters)
    flags += [f"left out: {seeds[s].spectrum.label} ({reason})" for s, reason in left_out.items()]
    poor = any(results[s].status == "poor_model" for s in kept)
    return GlobalFit(
        circuit=request.circuit,
        results=tuple(results),
        shared=shared,
        laws=laws,
        smooth=smooth,
        names=names,
        covariance=covariance,
        chi2=chi2,
        n_data=problem.n_data,
        n_parameters=n_parameters,
        index_name=axis.name,
        index=tuple(axis.index.tolist()),
        status="failed" if not point.converged else "poor_model" if poor else "ok",
        flags=tuple(flags),
    )


def _inverse(problem: JointProblem, point: Point, variance: float) -> Inverse:
    """Return the inverse of the normal equations.

    The search range enters as a prior: otherwise, dispensable arcs would make the errors of well-determined
    resistances infinite.
    """
    arrow = normal_equations(problem, point)
    known = variance / AMPLITUDE_RANGE**2
    local = arrow.local + known * np.eye(arrow.local.shape[1])
    return invert(replace(arrow, local=local, joint=arrow.joint + known * np.eye(arrow.joint.shape[0])))


def _covariance_of_u(layout: Layout, point: Point, inverse: Inverse) -> FloatArray:
    """Return the covariance of all parameters of each spectrum, shape (n, p, p)."""
    n, p = point.u.shape
    local, joint, by_joint = layout.local, layout.joint, point.by_joint
    covariance = np.zeros((n, p, p))
    covariance[:, local[:, None], local] = inverse.local
    across = inverse.border @ by_joint.transpose(0, 2, 1)
    covariance[:, local[:, None], joint] = across
    covariance[:, joint[:, None], local] = across.transpose(0, 2, 1)
    covariance[:, joint[:, None], joint] = by_joint @ inverse.joint @ by_joint.transpose(0, 2, 1)
    return covariance


def _result(
    problem: JointProblem,
    point: Point,
    s: int,
    covariance_u: FloatArray,
    seed: FitResult,
    constraints: Constraints,
) -> FitResult:
    layout, circuit, spectrum = problem.layout, problem.layout.circuit, seed.spectrum
    exponent = layout.exponent
    u = point.u[s]
    values = np.where(exponent, u, np.exp(u))
    slope = np.where(exponent, 1.0, values)
    limited = (u <= problem.lower[s] + LIMIT_TOLERANCE) | (u >= problem.upper[s] - LIMIT_TOLERANCE)
    sigma = np.sqrt(np.maximum(np.diag(covariance_u), 0.0))
    statuses = tuple(
        "fixed" if i in layout.fixed else _status(exponent[i], sigma[i], limited[i], constraints.bounded[i])
        for i in range(u.size)
    )
    impedance = circuit.impedance(spectrum.frequency, values)
    chi2 = float(point.squares[s])
    dof = max(2 * spectrum.n_used - len(layout.local) - len(layout.joint), 1)
    excess = math.sqrt(chi2 / dof / seed.noise_floor) if seed.noise_floor > 0 else 0.0
    relative = (np.abs(spectrum.impedance - impedance) / np.abs(spectrum.impedance))[spectrum.mask]
    poor = excess > ABOVE_NOISE and math.sqrt(float(np.sum(relative**2)) / dof) > POOR_RESIDUAL
    flags = [f"residuals are {format_fixed(excess, 1)} times the noise"] if excess > ABOVE_NOISE else []
    for status in ("at_bound", "not_identifiable"):
        names = [name for name, given in zip(circuit.parameters, statuses, strict=True) if given == status]
        flags += [f"{status}: {' '.join(names)}"] if names else []
    return FitResult(
        circuit=circuit,
        spectrum=spectrum,
        weighting=seed.weighting,
        values=values,
        covariance=covariance_u * np.outer(slope, slope),
        statuses=statuses,
        lower=seed.lower,
        upper=seed.upper,
        impedance=impedance,
        chi2=chi2,
        status="poor_model" if poor else "ok",
        flags=tuple(flags),
        n_starts=seed.n_starts,
        n_agreed=seed.n_agreed,
        minima=(Minimum(chi2, dict(zip(circuit.parameters, values.tolist(), strict=True)), seed.n_agreed),),
        noise_floor=seed.noise_floor,
    )


def _status(exponent: bool, sigma: float, limited: bool, bounded: bool) -> str:
    if limited and (bounded or exponent):
        return "at_bound"
    unresolved = UNRESOLVED_EXPONENT if exponent else UNRESOLVED
    return "not_identifiable" if limited or not sigma <= unresolved else "ok"


def _joint_parameters(
    problem: JointProblem,
    point: Point,
    covariance_g: FloatArray,
    constraints: Constraints,
    dof: float,
    coordinate: str,
) -> tuple[dict[str, Parameter], dict[str, LawFit], tuple[str, ...], FloatArray]:
    """Return shared parameters and laws, with the names and covariance of all their parameters."""
    layout = problem.layout
    lower, upper = joint_limits(problem)
    sigma = np.sqrt(np.maximum(np.diag(covariance_g), 0.0))
    limited = (point.joint <= lower + LIMIT_TOLERANCE) | (point.joint >= upper - LIMIT_TOLERANCE)
    transform = np.zeros((layout.n_joint, layout.n_joint))
    values = np.empty(layout.n_joint)
    terms = [
        LawTerm(name, "constant", i, bool(layout.exponent[i]), np.zeros(1)) for name, i in layout.shared
    ] + list(layout.laws)
    columns = layout.columns()
    for term, column in zip(terms, columns, strict=True):
        values[column], transform[column, column] = term.physical(point.joint[column])
    covariance = transform @ covariance_g @ transform.T
    stderr = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    parameters = []
    for term, column in zip(terms, columns, strict=True):
        bounded = bool(constraints.bounded[term.index])
        ends = [
            _status(term.exponent, s, end, bounded) for s, end in zip(sigma[column], limited[column], strict=True)
        ]
        status = max(ends, key=("ok", "not_identifiable", "at_bound").index)
        parameters.append(
            _term_parameters(layout, term, values[column], stderr[column], status, constraints, dof, coordinate)
        )
    n_shared = len(layout.shared)
    shared = {
        term.name: replace(fitted["value"], name=term.name)
        for term, fitted in zip(terms[:n_shared], parameters[:n_shared], strict=True)
    }
    laws = {
        term.name: LawFit(term.name, term.law, fitted)
        for term, fitted in zip(terms[n_shared:], parameters[n_shared:], strict=True)
    }
    names = [*shared, *(f"{name}.{parameter}" for name, law in laws.items() for parameter in law.parameters)]
    return shared, laws, tuple(names), covariance


def _term_parameters(
    layout: Layout,
    term: LawTerm,
    values: FloatArray,
    stderr: FloatArray,
    status: str,
    constraints: Constraints,
    dof: float,
    coordinate: str,
) -> dict[str, Parameter]:
    circuit, i = layout.circuit, term.index
    owners = [element.name for element in circuit.elements for _ in element.spec.parameters]
    constant = term.law == "constant"
    lower, upper = (constraints.lower[i], constraints.upper[i]) if constant else (-math.inf, math.inf)
    parameters = {}
    for (name, unit), value, error in zip(LAWS[term.law], values.tolist(), stderr.tolist(), strict=True):
        known = error > 0 and status != "at_bound"
        linear = term.exponent or not constant
        low, high = interval(value, error, linear, max(int(dof), 1)) if known else (math.nan, math.nan)
        parameters[name] = Parameter(
            name=name,
            value=value,
            stderr=error if known else math.nan,
            unit=unit.format(unit=circuit.specs[i].unit, x=coordinate).strip(),
            lower=float(lower),
            upper=float(upper),
            status=status,
            role=circuit.roles.get(owners[i], ""),
            ci_low=low,
            ci_high=high,
        )
    return parameters


def _flags(
    problem: JointProblem, point: Point, seeds: list[FitResult], chi2: float, n_parameters: float
) -> list[str]:
    flags = [] if point.converged else ["not converged"]
    separate = sum(seed.chi2 for seed in seeds)
    n_separate = sum(seed.n_free for seed in seeds)
    gain = bic(chi2, problem.n_data, n_parameters) - bic(separate, problem.n_data, n_separate)
    if gain > WORSE_BIC:
        better = f"better (ΔBIC {format_fixed(gain, 0)})"
        flags.append(f"separate fits describe the spectra {better}: check shared parameters and laws")
    reduced = [seed.chi2_reduced for seed in seeds]
    if max(reduced) > NOISE_RATIO * min(reduced) and seeds[0].weighting != "noise":
        flags.append(
            f"noise differs between spectra by a factor of {math.sqrt(max(reduced) / min(reduced)):.1f}: "
            "errors are those of the mean noise; use weighting='noise' for noise of each spectrum"
        )
    return flags

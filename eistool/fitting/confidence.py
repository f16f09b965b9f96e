"""Confidence intervals of fits, and conversion of fits to lmfit."""

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.errors import CircuitError, FitError
from eistool.fitting.intervals import NO_LIMIT, Interval, interval
from eistool.fitting.processes import arc_of
from eistool.fitting.result import FitResult, check_usable
from eistool.fitting.weights import standard_deviation
from eistool.typing import FloatArray

if TYPE_CHECKING:
    from lmfit import Minimizer, Parameters
    from lmfit.minimizer import MinimizerResult

METHODS = ("profile", "lmfit", "mcmc", "stderr")
MCMC_STEPS, MCMC_BURN = 3500, 500  # about 50 autocorrelation times, as emcee recommends
MCMC_WALKERS = 4  # per parameter; emcee requires at least 2


def lmfit_name(name: str) -> str:
    """Return the name of a parameter in lmfit, which requires Python identifiers."""
    return name.replace(".", "_")


def confidence(result: FitResult, method: str, parameters: list[str] | None, level: float) -> dict[str, Interval]:
    """Return confidence intervals; see :meth:`FitResult.confidence`."""
    check_usable(result)
    if method not in METHODS:
        raise FitError(f"confidence: method={method!r}; choose one of {', '.join(METHODS)}")
    if not 0 < level < 1:
        raise FitError(f"confidence: level={level}; give a number between 0 and 1, for instance 0.95")
    circuit = result.circuit
    names = (
        list(circuit.parameters)
        if parameters is None
        else [_canonical(result, name, method) for name in parameters]
    )
    held = [name for name in names if result.parameters[arc_of(circuit, name)].status in ("fixed", "at_bound")]
    if parameters is not None and held:
        raise FitError(
            f"confidence: {held[0]} is fixed or at a bound and has no interval; choose other parameters"
        )
    names = [name for name in names if name not in held]
    if method == "profile":
        # compiled at import, and not needed by most fits
        from eistool.fitting.profile_likelihood import profile_likelihood

        return profile_likelihood(result, names, level)
    index = [circuit.index(name) for name in names]
    if method == "stderr":
        limits = {i: _from_stderr(result, i, level) for i in index}
    elif method == "lmfit":
        limits = _from_lmfit(result, index, level)
    else:
        limits = _from_samples(result, index, level)
    return {circuit.parameters[i]: Interval(*limits[i]) for i in index}


def _canonical(result: FitResult, name: str, method: str) -> str:
    """Return the name of an interval; only profiles support derived time constants."""
    stem = arc_of(result.circuit, name)
    if stem != name and method == "profile" and f"{stem}.R" in result.circuit.full_names:
        return name
    return result.circuit.parameters[result.circuit.index(name)]


def to_lmfit(result: FitResult) -> "MinimizerResult":
    """Convert a fit to lmfit's MinimizerResult; see :meth:`FitResult.to_lmfit`."""
    from lmfit import Parameters
    from lmfit.minimizer import MinimizerResult

    check_usable(result)
    params = Parameters()
    for name, parameter in result.parameters.items():
        params.add(
            lmfit_name(name),
            value=parameter.value,
            min=parameter.lower,
            max=parameter.upper,
            vary=parameter.status != "fixed",
        )
    free = np.flatnonzero(result.free)
    names = [lmfit_name(result.circuit.parameters[i]) for i in free]
    covariance = result.covariance[np.ix_(free, free)]
    sigma = np.sqrt(np.diag(covariance))
    for a, name in enumerate(names):
        params[name].stderr = float(sigma[a]) if sigma[a] > 0 else None
        params[name].correl = {
            other: float(covariance[a, b] / (sigma[a] * sigma[b]))
            for b, other in enumerate(names)
            if b != a and sigma[a] * sigma[b] > 0
        }
    n, k = result.n_data, result.n_free
    log_likelihood = n * math.log(max(result.chi2, 1e-300) / n)
    return MinimizerResult(
        params=params,
        var_names=names,
        init_vals=[params[name].value for name in names],
        init_values={name: params[name].value for name in names},
        covar=covariance,
        residual=_residual(result, result.values),
        ndata=n,
        nvarys=k,
        nfree=result.dof,
        chisqr=result.chi2,
        redchi=result.chi2_reduced,
        aic=log_likelihood + 2 * k,
        bic=result.bic,
        nfev=0,
        method="eistool",
        success=True,
        errorbars=True,
        message=f"eistool: {result.status}",
        ier=1,
        scale_covar=result.weighting != "noise",
        aborted=False,
    )


def _residual(result: FitResult, values: FloatArray) -> FloatArray:
    """Return the signed weighted residuals of the unmasked points, real parts first, shape (n_data,)."""
    spectrum, mask = result.spectrum, result.spectrum.mask
    sigma = standard_deviation(spectrum, result.weighting)[mask]
    difference = result.circuit.impedance(spectrum.frequency[mask], values) - spectrum.impedance[mask]
    return np.concatenate([difference.real / sigma.real, difference.imag / sigma.imag])


def _from_stderr(result: FitResult, i: int, level: float) -> tuple[float, float]:
    linear = result.circuit.specs[i].kind == "exponent"
    stderr = math.sqrt(result.covariance[i, i])
    return interval(float(result.values[i]), stderr, linear, result.dof, level)


def _log_problem(result: FitResult) -> "tuple[Minimizer, Parameters]":
    """Return an lmfit minimiser of the free parameters, with logarithms of positive ones.

    Logarithms make lmfit's numerical derivatives and step sizes independent of units.
    """
    from lmfit import Minimizer, Parameters

    circuit = result.circuit
    is_log = np.array([spec.kind != "exponent" for spec in circuit.specs])
    free = result.free
    params = Parameters()
    for i in np.flatnonzero(free):
        spec, value = circuit.specs[i], result.values[i]
        upper = min(float(result.upper[i]), spec.upper)
        if is_log[i]:
            low = math.log(result.lower[i]) if result.lower[i] > 0 else math.log(value) - NO_LIMIT
            high = math.log(upper) if math.isfinite(upper) else math.log(value) + NO_LIMIT
            params.add(f"p{i}", value=min(max(math.log(value), low), high), min=low, max=high)
        else:
            params.add(f"p{i}", value=value, min=result.lower[i], max=upper)

    def residual(trial: Any) -> FloatArray:
        values = result.values.copy()
        for i in np.flatnonzero(free):
            value = trial[f"p{i}"].value
            values[i] = math.exp(value) if is_log[i] else value
        try:
            return _residual(result, values)
        except CircuitError:  # a custom element that fails far from the minimum
            return np.full(2 * result.spectrum.n_used, 1e50)

    return Minimizer(residual, params, scale_covar=result.weighting != "noise"), params


def _from_log(result: FitResult, i: int, value: float) -> float:
    if result.circuit.specs[i].kind == "exponent":
        return float(np.clip(value, result.lower[i], result.upper[i]))
    return math.exp(value) if value < 700 else math.inf


def _from_lmfit(result: FitResult, index: list[int], level: float) -> dict[int, tuple[float, float]]:
    from lmfit import conf_interval

    minimizer, _ = _log_problem(result)
    fitted = minimizer.minimize(method="leastsq")
    limits = {}
    for i in index:
        name = f"p{i}"
        with warnings.catch_warnings():
            # limits are infinite for profiles that do not reach the level
            warnings.simplefilter("ignore")
            levels = conf_interval(minimizer, fitted, p_names=[name], sigmas=[level])[name]
        low, high = levels[0][1], levels[-1][1]
        limits[i] = (_from_log(result, i, low), _from_log(result, i, high))
    return limits


def _from_samples(result: FitResult, index: list[int], level: float) -> dict[int, tuple[float, float]]:
    minimizer, params = _log_problem(result)
    rng = np.random.default_rng(int(result.spectrum.digest, 16))
    is_weighted = result.weighting == "noise"
    if not is_weighted:
        # lmfit also samples the logarithm of the noise
        log_noise = 0.5 * math.log(result.chi2_reduced)
        params.add("__lnsigma", value=log_noise, min=log_noise - 5, max=log_noise + 5)
        minimizer.params = params
    names = [name for name in params if params[name].vary]
    walkers = MCMC_WALKERS * len(names)
    start = np.array([params[name].value for name in names]) + 1e-3 * rng.standard_normal((walkers, len(names)))
    low = np.array([params[name].min for name in names])
    high = np.array([params[name].max for name in names])
    sample = minimizer.emcee(
        params=params,
        steps=MCMC_STEPS,
        burn=MCMC_BURN,
        nwalkers=walkers,
        pos=np.clip(start, low + 1e-6, high - 1e-6),
        is_weighted=is_weighted,
        progress=False,
        seed=int(rng.integers(2**31)),
        run_mcmc_kwargs={"skip_initial_state_check": True},
    )
    tail = 0.5 * (1 - level)
    limits = {}
    for i in index:
        low_end, high_end = np.quantile(np.asarray(sample.flatchain[f"p{i}"]), [tail, 1 - tail])
        limits[i] = (_from_log(result, i, low_end), _from_log(result, i, high_end))
    return limits

"""Results of tracking: processes along a series, and events."""

import contextlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from eistool.circuit import Circuit, Element
from eistool.circuit import Series as SeriesNode
from eistool.display import Tabular, format_value, html_table, plain
from eistool.errors import FitError
from eistool.fitting import FitResult, Process
from eistool.fitting.result import UNRESOLVED
from eistool.forwarding import forward
from eistool.spectrum import Series
from eistool.spectrum.series import COORDINATES
from eistool.typing import BoolArray, FloatArray, IntArray, Threshold

if TYPE_CHECKING:
    import pandas as pd

    from eistool.tracking.series_summary import (
        ActivationEnergy,
        DiffusionTail,
        Extremum,
        GrowthLaw,
        ReversibleFraction,
        Trend,
    )

NEAR_LAW: Annotated[
    float, Threshold("ΔAICc below which a growth law is not ruled out", "Burnham and Anderson, doi:10.1007/b97636")
] = 2.0
SHARES = (0.1, 0.25, 0.5)  # of the total resistance, below which the detection limit is stated for a range of τ
FEWEST_TAU = 3  # of which the range consists: a decade
FAR_OUTSIDE = 3.0  # τ relative to the end of the window from which a slow arc is a tail


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrackedProcess(Tabular):
    """Process along a series; arrays have one value per spectrum, nan if it has none.

    ``status`` is ``ok``, ``extrapolated`` (apex outside the window), ``not_resolvable`` (R is below the 95 %
    ``upper_limit``; the process may or may not be present) or ``absent`` (the same limit, and an event shows
    that the process is absent).
    """

    id: str
    R: FloatArray  # ohm
    u_R: FloatArray
    tau: FloatArray  # s
    u_tau: FloatArray
    alpha: FloatArray
    u_alpha: FloatArray
    C_eff: FloatArray  # F
    u_C_eff: FloatArray
    upper_limit: FloatArray  # ohm, 95 %
    status: tuple[str, ...]
    edge: tuple[bool, ...]
    n_arcs: tuple[int, ...] = ()  # in each spectrum; R is their sum, the other values are of the largest

    @property
    def present(self) -> IntArray:
        """Indices of the spectra in which the process was measured."""
        indices: IntArray = np.flatnonzero(np.isfinite(self.R)).astype(np.int64)
        return indices

    @property
    def typical_tau(self) -> float:
        """Median time constant in s."""
        return float(np.exp(np.nanmedian(np.log(self.tau))))

    def to_dict(self) -> dict[str, Any]:
        """Return the process as plain Python objects; None for missing numbers."""
        as_dict: dict[str, Any] = plain({name: _listed(getattr(self, name)) for name in self.__slots__})
        return as_dict

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a pandas table with a row for each spectrum."""
        import pandas as pd

        return pd.DataFrame(self.to_dict())

    def __repr__(self) -> str:
        known = [R for R, status in zip(self.R, self.status, strict=True) if status in ("ok", "extrapolated")]
        R = np.array(known) if known else self.R
        low, high = float(np.nanmin(R)), float(np.nanmax(R))
        where = f"resolved in {len(known) or 'none'} of {self.R.size} spectra"
        where += ", apex outside the window" if known and "ok" not in self.status else ""
        sums = sum(count > 1 for count in self.n_arcs)
        where += f", sum of arcs in {sums}" if sums else ""
        return f"{self.id}: τ {self.typical_tau:.2g} s, R {low:.4g} to {high:.4g} ohm, {where}"

    def _repr_html_(self) -> str:
        rows = [
            (i, format_value(self.R[i], self.u_R[i]), format_value(self.tau[i], self.u_tau[i]), self.status[i])
            for i in range(self.R.size)
        ]
        return html_table(repr(self), ("index", "R / ohm", "τ / s", "status"), rows)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Event(Tabular):
    """Appearance or disappearance of a process, with the evidence.

    ``index``, from 0, is that of the first spectrum with the process, or of the first without it after a
    disappearance. ``evidence`` holds the six criteria, ``criterion_1`` to ``criterion_6``, the figures behind
    them, and the ``reason`` why an event is not confirmed.
    """

    kind: str  # appeared | disappeared
    index: int
    coordinate: float
    process_id: str
    status: str  # confirmed | tentative | edge
    evidence: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain Python objects; None for missing numbers."""
        as_dict: dict[str, Any] = plain({name: getattr(self, name) for name in self.__slots__})
        return as_dict

    def __repr__(self) -> str:
        evidence = self.evidence
        low, high = (int(evidence.get(name, self.index)) for name in ("index_low", "index_high"))
        place = f"spectrum {self.index}" + ("" if low == high else f", {low} to {high}")
        without = "before" if self.kind == "appeared" else "after"
        reason = f"; {evidence['reason']}" if evidence["reason"] else ""
        return (
            f"{self.process_id} {self.kind} at {self.coordinate:g} ({place}): {self.status}, "
            f"R {format_value(evidence['R_ohm'], evidence['u_R_ohm'])} ohm at τ {evidence['tau_s']:.2g} s, "
            f"below {evidence['upper_limit_without_ohm']:.2g} ohm {without}, "
            f"ΔBIC {evidence['delta_bic']:.3g}{reason}"
        )

    def _repr_html_(self) -> str:
        return html_table(repr(self), ("evidence", "value"), list(plain(dict(self.evidence)).items()))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tracks:
    """Processes of a series, their events, and detection limits.

    Attributes
    ----------
    series : Series
        Tracked series.
    results : tuple of FitResult
        Fit of each spectrum.
    processes : tuple of TrackedProcess
        Processes in order of their time constant.
    events : tuple of Event
        Events in order of their index.
    detectable_tau, detectable_R : FloatArray, shape (m,)
        Resistance (ohm) at which an arc with this time constant (s) is detected in two consecutive spectra
        with 95 % probability.
    flags : tuple of str
        Warnings.
    """

    series: Series
    circuit: Circuit | None
    results: tuple[FitResult, ...]
    processes: tuple[TrackedProcess, ...]
    events: tuple[Event, ...]
    detectable_tau: FloatArray
    detectable_R: FloatArray
    flags: tuple[str, ...]

    def detectable(self, tau: float) -> float:
        """Return the detection limit in ohm of the resistance of an arc at this τ (s)."""
        log_R = np.interp(math.log(tau), np.log(self.detectable_tau), np.log(self.detectable_R))
        return math.exp(float(log_R))

    def resistance(self, of: str = "total") -> tuple[FloatArray, FloatArray]:
        """Return R and its standard error in every spectrum, in ohm.

        Parameters
        ----------
        of : str
            A process, or ``total``: series resistances and all arcs, without diffusion.

        Raises
        ------
        FitError
            If the process does not exist.
        """
        if of == "total":
            pairs = np.array([_total(result) for result in self.results])
            return pairs[:, 0], pairs[:, 1]
        process = next((p for p in self.processes if p.id == of), None)
        if process is None:
            known = ", ".join(["total", *(p.id for p in self.processes)])
            raise FitError(f"tracks: no process {of!r}; choose {known}")
        return process.R, process.u_R

    def plot_tracks(self, axes: Any = None) -> Any:
        """Draw R and τ of each process along the series on a pair of axes of matplotlib, and return them."""
        return forward("plot_tracks")(self, axes)

    def extrema(self, of: str = "total") -> "tuple[Extremum, Extremum]":
        """Return the minimum and the maximum of a resistance, with their intervals."""
        from eistool.tracking.series_summary import extrema

        return extrema(*self.resistance(of), self.series.coordinate)

    def trend(self, of: str = "total") -> "Trend":
        """Return the slope of a resistance along the series and the smallest detectable change."""
        from eistool.tracking.series_summary import trend

        return trend(self.resistance(of)[0], self.series.coordinate)

    def growth_laws(self, of: str = "total") -> "list[GrowthLaw]":
        """Return growth laws of a resistance, ranked by AICc."""
        from eistool.tracking.series_summary import growth_laws

        R, u = self.resistance(of)
        return growth_laws(R, self.series.coordinate, u)

    def reversible_fraction(self, of: str = "total") -> "ReversibleFraction":
        """Return the share of the growth of a resistance that is reversed at the end of the series."""
        from eistool.tracking.series_summary import reversible_fraction

        return reversible_fraction(*self.resistance(of))

    def activation_energy(self, of: str = "total", form: str = "ln(T/R)") -> "ActivationEnergy":
        """Return the activation energy of a resistance, from the temperatures in the metadata."""
        from eistool.tracking.series_summary import activation_energy

        known = [s.metadata.temperature_C for s in self.series]
        return activation_energy(*self.resistance(of), np.array(known, dtype=np.float64), form)

    @property
    def diffusion_tail(self) -> "DiffusionTail":
        """Diffusion tail: -Z''/Z' at the lowest frequency common to all spectra."""
        from eistool.tracking.series_summary import diffusion_tail

        noise = [math.sqrt(max(r.noise_floor, 0.0)) if r.success else math.inf for r in self.results]
        return diffusion_tail(list(self.series), np.array(noise))

    def to_dict(self) -> dict[str, Any]:
        """Return tracks and events as plain Python objects; None for missing numbers."""
        as_dict: dict[str, Any] = plain(
            {
                "by": self.series.by,
                "coordinate": self.series.coordinate.tolist(),
                "direction": self.series.direction,
                "circuits": [repr(result.circuit) for result in self.results],
                "processes": [process.to_dict() for process in self.processes],
                "events": [event.to_dict() for event in self.events],
                "detectable_tau_s": self.detectable_tau.tolist(),
                "detectable_R_ohm": self.detectable_R.tolist(),
                "flags": self.flags,
            }
        )
        return as_dict

    def to_dataframe(self) -> "pd.DataFrame":
        """Return the table of ``tracks.csv``, one row per process and spectrum."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of :meth:`to_dataframe`."""
        series = self.series
        return [
            {
                "process_id": process.id,
                "index": i,
                "coordinate": float(series.coordinate[i]),
                "direction": series.direction[i],
                "R_ohm": float(process.R[i]),
                "u_R_ohm": float(process.u_R[i]),
                "tau_s": float(process.tau[i]),
                "u_tau_s": float(process.u_tau[i]),
                "alpha": float(process.alpha[i]),
                "u_alpha": float(process.u_alpha[i]),
                "C_F": float(process.C_eff[i]),
                "u_C_F": float(process.u_C_eff[i]),
                "upper_limit_ohm": float(process.upper_limit[i]),
                "status": process.status[i],
                "edge": process.edge[i],
                "source": series[i].metadata.source or series[i].label,
                "sweep": series[i].metadata.sweep,
            }
            for process in self.processes
            for i in range(len(series))
        ]

    def event_rows(self) -> list[dict[str, Any]]:
        """Return the rows of ``events.csv``, one per event with a column for each piece of evidence."""
        return [
            {
                "event": event.kind,
                "index": event.index,
                "coordinate": event.coordinate,
                "direction": self.series.direction[event.index],
                "process_id": event.process_id,
                "status": event.status,
                **event.evidence,
            }
            for event in self.events
        ]

    def summary_rows(self) -> list[dict[str, Any]]:
        """Return the rows of ``series.csv``: summaries of the total and of each process."""
        return [{"quantity": of, **self._summary(of)} for of in ("total", *(p.id for p in self.processes))]

    def _summary(self, of: str) -> dict[str, Any]:
        row: dict[str, Any] = {"n_points": int(np.isfinite(self.resistance(of)[0]).sum())}
        with contextlib.suppress(FitError):
            for extremum in self.extrema(of):
                row |= {
                    f"{extremum.kind}_ohm": extremum.value,
                    f"u_{extremum.kind}_ohm": extremum.stderr,
                    f"{extremum.kind}_at": extremum.coordinate,
                    f"{extremum.kind}_index": extremum.index,
                    f"{extremum.kind}_candidates": " ".join(map(str, extremum.candidates)),
                }
        with contextlib.suppress(FitError):
            trend = self.trend(of)
            row |= {
                "trend": trend.verdict,
                "slope_ohm": trend.slope,
                "slope_low_ohm": trend.ci_low,
                "slope_high_ohm": trend.ci_high,
                "autocorrelation": trend.autocorrelation,
                "smallest_detectable_change_ohm": trend.smallest_detectable_change,
            }
        if self.series.by in ("time", "cycle"):
            with contextlib.suppress(FitError):
                best, *others = self.growth_laws(of)
                near = [law.name for law in others if law.delta_aicc < NEAR_LAW]
                row |= {"growth_law": best.equation, "growth_laws_near": ", ".join(near)}
        with contextlib.suppress(FitError):
            back = self.reversible_fraction(of)
            row |= {"reversible_fraction": back.value, "u_reversible_fraction": back.stderr}
        if self.series.by == "temperature":
            with contextlib.suppress(FitError):
                energy = self.activation_energy(of)
                row |= {"Ea_eV": energy.Ea_eV, "u_Ea_eV": energy.u_Ea_eV, "Ea_form": energy.form}
        if of == "total":
            tail = self.diffusion_tail
            row |= {
                "tail_frequency_Hz": tail.frequency_Hz,
                "tail_indices": " ".join(f"{value:.4g}" for value in tail.index),
                "tail_rises_in": " ".join(str(i) for i in np.flatnonzero(tail.present)),
            }
        return row

    def __repr__(self) -> str:
        head = f"Tracks of {len(self.series)} spectra by {COORDINATES[self.series.by]}"
        verdict = self._verdict()
        lines = [
            f"{head}: {verdict}" if verdict else head,
            *(f"  {event!r}" for event in self.events),
            *(f"  {process!r}" for process in self.processes),
        ]
        return "\n".join([*lines, *(f"  flag: {flag}" for flag in self.flags)])

    def _verdict(self) -> str:
        """Return the detection limit if no event is confirmed, else nothing."""
        if any(event.status == "confirmed" for event in self.events):
            return ""
        what = "no confirmed change" if self.events else "no new process"
        if not self.detectable_R.size:
            return what
        total = float(np.nanmedian([_total(result)[0] for result in self.results]))
        stretches = (_longest(self.detectable_R <= share * total) for share in SHARES)
        found = next((s for s in stretches if len(s) >= FEWEST_TAU), _longest(self.detectable_R <= total))
        if len(found) < 2:
            return f"{what}; an arc would only be seen above the total resistance"
        first, last = found[0], found[-1]
        limit = float(self.detectable_R[first : last + 1].max())
        between = f"{_time(self.detectable_tau[first])} and {_time(self.detectable_tau[last])}"
        return f"{what}; an arc of more than {_digits(limit)} ohm between {between} would have been seen"

    def _repr_html_(self) -> str:
        title, *rest = repr(self).splitlines()
        return html_table(title, ("processes and events",), [(line.strip(),) for line in rest])


def _longest(good: BoolArray) -> range:
    """Return the longest stretch of true values."""
    stretches = [list(part) for value, part in itertools.groupby(range(good.size), lambda i: good[i]) if value]
    longest = max(stretches, key=len, default=[])
    return range(longest[0], longest[-1] + 1) if longest else range(0)


def _total(result: FitResult) -> tuple[float, float]:
    """Return the sum of the resistances in series and of the arcs, with its error."""
    if not result.success:
        return math.nan, math.nan
    # a slow process without a resolved apex, or with one far outside the window, is a tail
    tails = [
        p
        for p in result.processes
        if _slowness(p, result) > FAR_OUTSIDE
        or (_slowness(p, result) > 1 and status_of(p, p.u_tau, result) == "not_resolvable")
    ]
    arcs = {p.name for p in result.processes if p not in tails}
    tree = result.circuit.tree
    parts = tree.parts if isinstance(tree, SeriesNode) else (tree,)
    names = {part.name for part in parts if isinstance(part, Element) and part.symbol == "R"} | arcs
    index = [result.circuit.index(f"{name}.R") for name in sorted(names)]
    covariance = result.covariance[np.ix_(index, index)]
    return float(result.values[index].sum()), math.sqrt(max(float(covariance.sum()), 0.0))


def status_of(arc: Process, u_tau: float, result: FitResult) -> str:
    """Return the status of an arc from its own errors; its identity follows from the series."""
    if not (arc.u_R <= UNRESOLVED * arc.R and u_tau <= UNRESOLVED * arc.tau):
        return "not_resolvable"
    omega = result.spectrum.omega[result.spectrum.mask]
    return "ok" if 1 / float(omega.max()) <= arc.tau <= 1 / float(omega.min()) else "extrapolated"


def _time(seconds: float) -> str:
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if seconds >= 0.95 * scale:
            return f"{_digits(seconds / scale)} {unit}"
    return f"{seconds:.2g} s"


def _digits(value: float) -> str:
    """Return a number with two significant digits, without an exponent."""
    return f"{float(f'{value:.2g}'):.6g}"


def _slowness(process: Process, result: FitResult) -> float:
    """Return τ relative to the upper end of the window."""
    return process.tau * float(result.spectrum.omega[result.spectrum.mask].min())


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value

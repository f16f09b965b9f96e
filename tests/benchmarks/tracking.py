"""Detection rate and false alarms of new processes in series.

Run ``python -m tests.benchmarks.tracking``: random series (:mod:`tests.benchmarks.tracking_cases`). A hit is a
confirmed ``appeared`` whose interval holds the true spectrum; a false alarm is a series with any confirmed event
without a true one in its interval. Power is given as a share of the births that an ideal test detects with 99 %
at a level of 0.1 %: one that knows everything but the size of the new arc and the moving parameters, and one
for which all parameters are free that criterion 3 allows to change. With ``--rivals`` stand beside it the number
of arcs that BIC chooses in each spectrum on its own, and the number of DRT peaks: there an event is any change
of that number. ``--speed`` times a series of 91 spectra instead.
"""

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import eistool
from eistool.tracking.accuracy import EvidenceFits, with_accuracy
from eistool.tracking.arc_count import _families
from eistool.tracking.detection import find_events
from tests.benchmarks.tracking_cases import BIRTHS, KINDS, NOISES, Case, cases
from tests.tracking.series import cell

WAYS = ("tracking", "spectrum", "peaks")
IDEAL = 0.99


def by_series(case: Case) -> dict[str, Any]:
    """Return the events found by tracking."""
    return {
        "events": [
            [
                e.kind, e.index, e.status, e.evidence["tau_s"], e.evidence["reason"],
                e.evidence["index_low"], e.evidence["index_high"],
            ]
            for e in find_events(case.series, None, jobs=1).events
        ]
    }  # fmt: skip


def by_spectrum(case: Case) -> list[int]:
    """Return the number of arcs that BIC chooses in each spectrum on its own."""
    fits = EvidenceFits([with_accuracy(s) for s in case.series], 1)
    family = _families(fits)[0]
    bic = []
    for k in (1, 2, 3, 4):
        results = fits.some(family.circuit(k), range(len(case.series)))
        bic.append([r.chi2 / max(r.noise_floor, 1.0) + 3 * k * np.log(r.n_data) for r in results])
    return [int(k) + 1 for k in np.argmin(bic, axis=0)]


def by_peaks(case: Case) -> list[int]:
    """Return the number of DRT peaks in each spectrum."""
    return [len([p for p in eistool.compute_drt(s).peaks if not p.edge]) for s in case.series]


def changes(counts: list[int]) -> list[tuple[str, int]]:
    """Return the indices at which a number changes."""
    steps = [(b - a, i + 1) for i, (a, b) in enumerate(itertools.pairwise(counts))]
    return [("appeared" if step > 0 else "disappeared", i) for step, i in steps if step]


def truth(case: Case) -> list[tuple[str, int, int]]:
    """Return the true events: kind, first spectrum, and first spectrum with the whole arc."""
    found = [] if case.born is None else [("appeared", case.born, case.born + case.width - 1)]
    return found + ([] if case.died is None else [("disappeared", case.died, case.died)])


def run(case: Case, known: dict[str, Any] | None, rivals: bool) -> dict[str, Any]:
    """Return a line of results, of which some may be known."""
    line = known
    if line is None:
        start = time.thread_time()
        own = by_series(case)
        line = {
            "kind": case.kind, "noise": case.noise, "n": len(case.series), "truth": truth(case), "tau": case.tau,
            "share": case.share, "seconds": time.thread_time() - start, "label": case.series[0].label,
            "ideal": case.ideal, "equal": case.equal, **own,
        }  # fmt: skip
    if rivals and "spectrum" not in line:
        line = line | {"spectrum": changes(by_spectrum(case)), "peaks": changes(by_peaks(case))}
    return line


def announced(line: dict[str, Any], way: str) -> list[tuple[str, int, int, int]] | None:
    """Return the events found by a method, with their intervals; None if it was not applied."""
    if way == "tracking":
        return [(e[0], e[1], e[5], e[6]) for e in line["events"] if e[2] == "confirmed"]
    return [(kind, index, index, index) for kind, index in line[way]] if way in line else None


def is_true(line: dict[str, Any], event: tuple[str, int, int, int]) -> bool:
    """Return whether there is a true event in the interval of an event."""
    kind, _, low, high = event
    return any(k == kind and first <= high and last >= low for k, first, last in line["truth"])


def is_hit(line: dict[str, Any], found: list[tuple[str, int, int, int]]) -> bool:
    """Return whether the birth was detected; a single spectrum can only be tentative."""
    if line["kind"] == "once":
        found = [(e[0], e[1], e[5], e[6]) for e in line["events"]]
    return any(event[0] == "appeared" and is_true(line, event) for event in found)


def report(lines: list[dict[str, Any]]) -> None:
    """Print false events and births found, by kind."""
    total = wrong = 0
    for kind in KINDS:
        own = [line for line in lines if line["kind"] == kind]
        if not own:
            continue
        print(f"{kind}: {len(own)} series, {sum(line['seconds'] for line in own) / len(own):.2f} s each")
        for way in WAYS:
            told = [(line, found) for line in own if (found := announced(line, way)) is not None]
            if not told:
                continue
            bad = [line["label"] for line, found in told if not all(is_true(line, event) for event in found)]
            if way == "tracking":
                total, wrong = total + len(told), wrong + len(bad)
            print(f"  {way:9s} false events in {len(bad)} of {len(told)} series {' '.join(bad[:5])}")
            if kind in BIRTHS:
                _report_births(told)
    print(f"all kinds: false events in {wrong} of {total} series")


def _report_births(told: list[tuple[dict[str, Any], list[tuple[str, int, int, int]]]]) -> None:
    for power, name in (("ideal", "knows all but R"), ("equal", "has the freedom of criterion 3")):
        able = [pair for pair in told if pair[0][power] >= IDEAL]
        hits = [pair for pair in able if is_hit(*pair)]
        vague = sum(any(e[0] == "appeared" and e[2] != "edge" for e in line["events"]) for line, _ in able)
        print(
            f"            power >= {IDEAL:.0%} of the test that {name}: {len(able)} births, {len(hits)} detected "
            f"({len(hits) / max(len(able), 1):.0%}), {vague} including tentative"
        )
    hits = [pair for pair in told if is_hit(*pair)]
    errors = [event[1] - line["truth"][0][1] for line, found in hits for event in found if event[0] == "appeared"]
    exact = sum(error == 0 for error in errors)
    sharp = sum(event[2] == event[3] for _, found in hits for event in found if event[0] == "appeared")
    print(f"            place: error 0 in {exact} of {len(errors)}; interval of one spectrum in {sharp}")


def report_power(lines: list[dict[str, Any]]) -> None:
    """Print detected births by size and noise, and by time constant."""
    births = [line for line in lines if line["kind"] == "birth" and line["ideal"] >= IDEAL]
    groups = {
        f"R_new/R_total {low:.2f}-{high:.2f}, noise {100 * noise:.1f} %": [
            b for b in births if low <= b["share"] < high and b["noise"] == noise
        ]
        for low, high in itertools.pairwise((0.01, 0.02, 0.05, 0.1, 0.2, 0.41))
        for noise in NOISES
    }
    groups |= {
        f"R_new/R_total above 0.05, log10 τ {low} to {high}": [
            b for b in births if b["share"] > 0.05 and low <= np.log10(b["tau"]) < high
        ]
        for low, high in itertools.pairwise((-2.5, -2.0, -1.5, -1.0, -0.5))
    }
    for name, own in groups.items():
        rates = []
        for way in WAYS:
            hits = [is_hit(b, found) for b in own if (found := announced(b, way)) is not None]
            rates += [f"{way} {np.mean(hits):.2f} of {len(hits)}"] if hits else []
        print(f"  {name}: hits {', '.join(rates)}")


def report_speed() -> None:
    """Print the processor time of 91 spectra with three arcs and a diffusion, on one core."""

    def after(hours: float) -> eistool.Spectrum:
        arcs = [(1 + 0.03 * hours, 1e-5, 0.9), (25 + 0.3 * hours, 3e-4, 0.8), (15 + 0.35 * hours**0.5, 3e-2, 0.8)]
        return cell(arcs, round(3 * hours), diffusion=(60.0, 30.0), time_h=hours)

    spectra = [after(k / 3) for k in range(91)]
    eistool.track(eistool.Series(spectra[:4], by="time"), jobs=1)  # compile
    start = time.thread_time()
    tracks = eistool.track(eistool.Series(spectra, by="time"), jobs=1)
    print(f"{len(spectra)} spectra: {time.thread_time() - start:.2f} s\n{tracks}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="series of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--rivals", action="store_true", help="also single spectra and DRT peaks")
    parser.add_argument(
        "--lines",
        nargs="*",
        type=Path,
        default=[],
        help="lines of JSON, one per series: what is there is kept, the rest added to the first",
    )
    parser.add_argument("--speed", action="store_true", help="only how long 91 spectra take")
    options = parser.parse_args()
    if options.speed:
        report_speed()
        return
    lines = [json.loads(line) for path in options.lines if path.exists() for line in path.read_text().splitlines()]
    found = {line["label"]: line for line in lines}
    for case in cases(tuple(options.kinds), options.count, options.first):
        label = case.series[0].label
        line = run(case, found.get(label), options.rivals)
        if line is not found.get(label) and options.lines:
            with options.lines[0].open("a") as file:
                file.write(json.dumps(line) + "\n")
        found[label] = line
    report(list(found.values()))
    if "birth" in options.kinds:
        report_power(list(found.values()))


if __name__ == "__main__":
    main()

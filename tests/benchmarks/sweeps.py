"""Measured sweeps per second and core: ``eistool fit`` with everything but pictures, by stage, and other programs.

Run ``OMP_NUM_THREADS=1 python -m tests.benchmarks.sweeps --every 6`` with the folder of measured spectra in
``EISTOOL_REAL_DATA``. Every n-th sweep is checked, its distribution of relaxation times computed, its circuit
chosen, searched and reduced, and its record made; times are those of one thread. ``--peers`` adds, on the same
sweeps, impedance.py (Lin-KK, and one ``CustomCircuit`` from the chosen fit's values times 1.3), and
``--pyimpspec PYTHON`` pyimpspec's Kramers-Kronig test and one fit of the same circuit in another environment.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import tempfile
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

import eistool
from eistool.batch.store import Key
from eistool.errors import CircuitError
from eistool.jobs.candidates import candidates, choose
from eistool.jobs.check import prepare
from eistool.jobs.drt import distribution
from eistool.jobs.fit import FitJob, FitOptions, fit_candidates, fit_record
from eistool.spectrum import Spectrum

STAGES = ("check", "DRT", "circuits", "search", "parts left out", "record")

PYIMPSPEC = """
import json, sys, time
import pyimpspec
times = []
for frequency, real, imag, circuit in json.load(open(sys.argv[1])):
    data = pyimpspec.DataSet(frequency, [complex(a, b) for a, b in zip(real, imag)])
    start = time.process_time()
    try:
        pyimpspec.perform_kramers_kronig_test(data, num_procs=1)
        pyimpspec.fit_circuit(pyimpspec.parse_cdc(circuit), data, method="leastsq", weight="boukamp", num_procs=1)
    except Exception as error:
        print(type(error).__name__, file=sys.stderr)
    times.append(time.process_time() - start)
print(json.dumps(times))
"""


def analyse(spectrum: Spectrum, times: dict[str, float]) -> eistool.FitResult:
    """Return the chosen fit of a sweep, and add the seconds of each stage."""
    options = FitOptions()
    job = FitJob(options)
    marks = [time.thread_time()]
    validity = prepare(spectrum, options.mask, options.weighting)
    marks.append(time.thread_time())
    drt = distribution(validity.spectrum)
    marks.append(time.thread_time())
    circuits = candidates(spectrum.metadata)
    results = fit_candidates(validity.spectrum, circuits, drt, options)
    chosen = choose(results, spectrum.metadata, circuits)
    marks.append(time.thread_time())
    chosen = job.searched(chosen)
    marks.append(time.thread_time())
    smaller, left_out = job.left_out(chosen)
    marks.append(time.thread_time())
    fit = smaller[-1] if smaller else chosen
    fit_record(Key(spectrum.label, 1, "", ""), fit, [*results, *smaller], validity, drt, (), left_out)
    marks.append(time.thread_time())
    for stage, seconds in zip(STAGES, np.diff(marks).tolist(), strict=True):
        times[stage] += seconds
    return fit


def has_equivalent(circuit: eistool.Circuit) -> bool:
    """Return whether impedance.py has all elements of a circuit."""
    try:
        circuit.to_impedance_py()
    except CircuitError:
        return False
    return True


def impedance_py(fit: eistool.FitResult) -> float:
    """Return the seconds of Lin-KK and of a fit from values that are 30 % off."""
    from impedance.validation import linKK

    spectrum = fit.spectrum
    order = np.argsort(-spectrum.frequency)
    frequency, z = spectrum.frequency[order], spectrum.impedance[order]
    values = 1.3 * fit.values
    values[[spec.kind == "exponent" for spec in fit.circuit.specs]] /= 1.3
    theirs = fit.circuit.to_impedance_py(values)
    start = time.thread_time()
    # without an answer, the time counts
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
        linKK(frequency, z, c=0.85, max_M=100)
    with contextlib.suppress(Exception):
        theirs.fit(frequency, z, weight_by_modulus=True)
    return time.thread_time() - start


def pyimpspec(python: str, fits: list[eistool.FitResult], folder: Path) -> list[float]:
    """Return the seconds of pyimpspec for each sweep."""
    cases: list[Any] = []
    for fit in fits:
        used = fit.spectrum.mask
        z = fit.spectrum.impedance[used]
        arcs = sum(process.name.startswith("R") for process in fit.processes)
        cases.append(
            (fit.spectrum.frequency[used].tolist(), z.real.tolist(), z.imag.tolist(), "R" + arcs * "(RQ)")
        )
    given = folder / "cases.json"
    given.write_text(json.dumps(cases))
    done = subprocess.run([python, "-c", PYIMPSPEC, str(given)], capture_output=True, text=True, check=True)
    return [float(seconds) for seconds in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=6, help="take every n-th sweep")
    parser.add_argument("--without", default="zhang2020", help="leave out sweeps whose name contains this")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--pyimpspec", default="", help="Python of an environment with pyimpspec")
    arguments = parser.parse_args()
    folder = os.environ.get("EISTOOL_REAL_DATA")
    if not folder:
        parser.error("give the folder of measured spectra in EISTOOL_REAL_DATA")
    warnings.simplefilter("ignore")
    spectra = [s for s in eistool.read(Path(folder)) if arguments.without not in s.label][:: arguments.every]
    analyse(spectra[0], defaultdict(float))  # compile
    times: dict[str, float] = defaultdict(float)
    fits = [analyse(spectrum, times) for spectrum in spectra]
    n, total = len(fits), sum(times.values())
    print(f"{n} sweeps, {1e3 * total / n:.1f} ms each, {n / total:.1f} per second and core")
    for stage in STAGES:
        print(f"  {stage:16s}{1e3 * times[stage] / n:8.1f} ms {times[stage] / total:6.1%}")
    good = [fit for fit in fits if fit.success and has_equivalent(fit.circuit)]
    theirs: dict[str, list[float]] = {}
    if arguments.peers:
        theirs["impedance.py"] = [impedance_py(fit) for fit in good]
    if arguments.pyimpspec:
        with tempfile.TemporaryDirectory() as temporary:
            theirs["pyimpspec"] = pyimpspec(arguments.pyimpspec, good, Path(temporary))
    for name, seconds in theirs.items():
        mean = float(np.mean(seconds))
        print(f"{name:18s}{1e3 * mean:8.1f} ms, {mean * n / total:.1f} times ours")


if __name__ == "__main__":
    main()

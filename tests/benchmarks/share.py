"""Batches on a lab share: kills, two machines, scale, processes, re-runs, Dask, and other programs.

Run ``python -m tests.benchmarks.share PART``; each part prints a table, and works in a temporary folder.

kills    random SIGKILL and SIGTERM of two processes on one result folder; then equal to a quiet run to the byte
hosts    two machines, simulated by their names, with different folders and one result folder
scale    rate and peak memory for numbers of spectra, many to a file, then the time of an unchanged re-run
jobs     rate of one process and of two
dask     rate of two Dask workers against two local processes, and with a worker killed in mid-run
peers    a loop over impedance.py, pyimpspec's command line (``--pyimpspec PYTHON`` of an environment), eistool
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import eistool
from eistool.batch import Store
from eistool.readers.writers import write_spectra

CIRCUIT = "R0-p(R1,CPE1)-p(R2,CPE2)"
SIMPLE = ("--circuit", CIRCUIT, "--no-drt")
FREQUENCY = np.geomspace(1e6, 0.1, 50)


def make(folder: Path, n: int, per_file: int, first: int = 0) -> Path:
    """Write ``n`` simulated spectra, ``per_file`` to a file."""
    folder.mkdir(parents=True)
    circuit = eistool.Circuit(CIRCUIT)
    for start in range(first, first + n, per_file):
        spectra = []
        for i in range(start, min(start + per_file, first + n)):
            rng = np.random.default_rng(i)
            values = [20, 100 * rng.uniform(0.5, 2), 1e-6, 0.9, 300 * rng.uniform(0.5, 2), 1e-4, 0.8]
            spectra.append(eistool.simulate(circuit, FREQUENCY, values, noise=0.003, seed=i))
        suffix = "csv" if per_file == 1 else "mpt"
        write_spectra(folder / f"cell{start:06d}.{suffix}", spectra)
    return folder


def start(out: Path, folders: Sequence[Path], *options: str, host: str = "") -> "subprocess.Popen[bytes]":
    """Start ``eistool fit``."""
    command = [sys.executable, "-m", "eistool.cli", "fit", *map(str, folders), "--out", str(out)]
    environment = {**os.environ, **({"EISTOOL_HOST": host} if host else {})}
    command += ["--plots", "none", "--no-progress", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def finish(process: "subprocess.Popen[bytes]") -> int:
    """Return the exit code; print what went wrong."""
    _, errors = process.communicate()
    if b"Traceback" in errors:
        print(errors.decode())
    return process.returncode


def timed(out: Path, folders: Sequence[Path], *options: str) -> float:
    """Return the seconds that a run takes."""
    begun = time.perf_counter()
    code = finish(start(out, folders, *options))
    if code not in (0, 1):
        print(f"exit code {code}")
    return time.perf_counter() - begun


def tables(out: Path) -> dict[str, bytes]:
    """Return the contents of all tables."""
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.csv"))}


def kills(folder: Path, n: int, count: int, seed: int) -> None:
    """Kill two processes at random moments until ``count`` were killed."""
    inputs = make(folder / "in", n, 20)
    quiet = timed(folder / "quiet", [inputs], *SIMPLE, "--jobs", "1")
    print(f"quiet run of {n} spectra: {quiet:.1f} s")
    rng, out = random.Random(seed), folder / "out"  # noqa: S311 - moments of kills
    done = {signal.SIGKILL: 0, signal.SIGTERM: 0}
    codes: dict[int, int] = {}
    longest = 2 + 8 * quiet / count  # so that the work lasts for all kills
    while sum(done.values()) < count:
        processes = [start(out, [inputs], *SIMPLE, "--jobs", str(jobs)) for jobs in (1, 2)]
        moments = sorted((rng.uniform(0, longest), process) for process in processes)
        begun = time.monotonic()
        for moment, process in moments:
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            if process.poll() is None:
                number = rng.choice(list(done))
                process.send_signal(number)
                done[number] += 1
        for process in processes:
            code = finish(process)
            codes[code] = codes.get(code, 0) + 1
        if len(Store(out / ".eistool" / "records")) == n and rng.random() < 0.5:  # begin anew, at the tables too
            options = ("--weighting", "unit") if rng.random() < 0.5 else ()
            finish(start(out, [inputs], *SIMPLE, *options, "--jobs", "2", "--force"))
    finish(start(out, [inputs], *SIMPLE, "--jobs", "2"))
    expected, found = tables(folder / "quiet"), tables(out)
    different = [name for name in expected if found.get(name) != expected[name]]
    left = [path for path in out.rglob("*") if path.suffix == ".tmp" or "temporary" in path.parent.parts]
    print(f"SIGKILL {done[signal.SIGKILL]}, SIGTERM {done[signal.SIGTERM]}; exit codes {codes}")
    print(
        f"tables that differ from the quiet run: {different or 'none'}; others: {sorted(found.keys() - expected)}"
    )
    print(f"records {len(Store(out / '.eistool' / 'records'))}; temporary files left: {len(left)}")


def hosts(folder: Path, n: int, rounds: int) -> None:
    """Let two machines work on different folders with one result folder."""
    both = [make(folder / "a", n // 2, 50), make(folder / "b", n - n // 2, 50, first=10**6)]
    timed(folder / "quiet", both, *SIMPLE, "--jobs", "2")
    expected = tables(folder / "quiet")
    for number in range(rounds):
        out = folder / f"out{number}"
        processes = [start(out, [one], *SIMPLE, "--jobs", "1", host=f"host{i}") for i, one in enumerate(both)]
        codes = [finish(process) for process in processes]
        records = len(Store(out / ".eistool" / "records"))
        mixed = [name for name in expected if tables(out).get(name) != expected[name]]
        run = json.loads((out / "run.json").read_text(encoding="utf-8"))
        print(
            f"round {number + 1}: exit codes {codes}, {n - records} of {n} records lost, generation "
            f"{run['generation']}, tables that differ from one run over both: {mixed or 'none'}"
        )


def scale(folder: Path, sizes: Sequence[int], per_file: int) -> None:
    """Print rate, peak memory and the time of a re-run for numbers of spectra."""
    print("spectra  files   first run   rate     peak memory of the main process   re-run")
    for n in sizes:
        inputs = make(folder / f"in{n}", n, per_file)
        for path in inputs.iterdir():
            os.utime(path, (1e9, 1e9))
        peak, seconds = peak_memory(folder / f"out{n}", [inputs])
        again = timed(folder / f"out{n}", [inputs], *SIMPLE, "--jobs", "2")
        first = f"{n:7d}  {-(-n // per_file):5d}  {seconds:8.1f} s  {n / seconds:6.1f}/s"
        print(f"{first}  {peak:8.0f} MB  {again:26.1f} s", flush=True)


def peak_memory(out: Path, folders: Sequence[Path]) -> tuple[float, float]:
    """Return the peak memory in MB of the main process of a run with two workers, and its seconds."""
    process = start(out, folders, *SIMPLE, "--jobs", "2")
    begun, peak = time.perf_counter(), 0.0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            peak = max(peak, float(status.partition("VmHWM:")[2].split()[0]) / 1024)
        except (OSError, IndexError):
            break
        time.sleep(0.2)
    finish(process)
    return peak, time.perf_counter() - begun


def jobs(folder: Path, n: int) -> None:
    """Print the rate of one process and of two."""
    inputs = make(folder / "in", n, 1)
    timed(folder / "warm", [inputs], "--jobs", "2", "--every", "1000")
    seconds = {count: timed(folder / f"out{count}", [inputs], "--jobs", str(count)) for count in (1, 2)}
    same = tables(folder / "out1") == tables(folder / "out2")
    for count, taken in seconds.items():
        print(f"--jobs {count}: {taken:.1f} s, {n / taken:.1f} spectra/s")
    print(f"two are {seconds[1] / seconds[2]:.2f} times one; the same bytes: {same}")


def dask(folder: Path, n: int) -> None:
    """Print the rate of two Dask workers, and with one killed in mid-run."""
    inputs = make(folder / "in", n, 1)
    local = timed(folder / "local", [inputs], "--jobs", "2")
    port = 8786 + os.getpid() % 1000
    address = f"tcp://127.0.0.1:{port}"
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", str(port), "--no-dashboard"],
        stderr=subprocess.DEVNULL,
    )
    options = ["--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(folder)]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, *options]
    workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        time.sleep(8)
        timed(folder / "warm", [inputs], "--scheduler", address, "--every", "1000")
        taken = timed(folder / "dask", [inputs], "--scheduler", address)
        killed = start(folder / "killed", [inputs], "--scheduler", address)
        records = folder / "killed" / ".eistool" / "records"
        while len(Store(records)) < n // 4 and killed.poll() is None:
            time.sleep(0.1)
        workers[0].kill()
        code = finish(killed)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
    print(f"local, 2 processes: {n / local:.1f} spectra/s")
    print(f"Dask, 2 workers: {n / taken:.1f} spectra/s, {local / taken:.2f} times local")
    for name in ("dask", "killed"):
        print(f"{name}: the same bytes as local: {tables(folder / name) == tables(folder / 'local')}")
    print(f"exit code with a worker killed: {code}")


LOOP = """
import sys, time
import numpy as np
from impedance.models.circuits import CustomCircuit
from impedance.preprocessing import readCSV
begun = time.perf_counter()
for path in sys.argv[1:]:
    f, z = readCSV(path)
    circuit = CustomCircuit("R0-p(R1,CPE1)-p(R2,CPE2)", initial_guess=[10, 100, 1e-6, 0.9, 300, 1e-4, 0.8])
    circuit.fit(f, z)
print(time.perf_counter() - begun)
"""


def peers(folder: Path, n: int, pyimpspec: str) -> None:
    """Print the time of other programs on the same files."""
    inputs = make(folder / "in", n, 1)
    plain = folder / "plain"  # without a header, as impedance.py reads
    plain.mkdir()
    for spectrum in eistool.read(inputs):
        data = np.column_stack([spectrum.frequency, spectrum.impedance.real, spectrum.impedance.imag])
        np.savetxt(plain / str(spectrum.metadata.source), data, delimiter=",")
    files = sorted(map(str, plain.iterdir()))
    timed(folder / "warm", [inputs], *SIMPLE, "--every", "1000")
    for label, options in (
        ("one circuit", (*SIMPLE, "--mask", "none", "--weighting", "modulus")),
        ("one circuit, Kramers-Kronig test and masks", SIMPLE),
        ("circuits compared, DRT", ()),
    ):
        taken = timed(folder / f"out {label}", [inputs], *options, "--jobs", "2")
        print(f"eistool, {label}: {taken:.1f} s, {n / taken:.1f} spectra/s")
    loop = subprocess.run([sys.executable, "-c", LOOP, *files], capture_output=True, text=True, check=True)
    taken = float(loop.stdout.split()[-1])
    print(f"loop over impedance.py, one circuit with start values: {taken:.1f} s, {n / taken:.1f} spectra/s")
    if pyimpspec:
        few = files[: max(1, n // 10)]
        begun = time.perf_counter()
        command = [pyimpspec, "-m", "pyimpspec", "fit", "R(RQ)(RQ)", *few, "--method", "leastsq"]
        command += ["--weight", "modulus", "--output-to", "--output-dir", str(folder), "--suppress-progress"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        taken = (time.perf_counter() - begun) / len(few)
        print(f"pyimpspec fit, one circuit, {len(few)} spectra: {taken:.2f} s each, exit {done.returncode}")
        if done.returncode:
            print(done.stderr[-500:])


def main() -> None:
    """Print one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("kills", "hosts", "scale", "jobs", "dask", "peers"))
    parser.add_argument("--spectra", type=int, help="number of spectra")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3, help="of two hosts")
    parser.add_argument("--sizes", default="1000,10000", help="numbers of spectra of scale")
    parser.add_argument("--per-file", type=int, default=100, help="spectra to a file of scale")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pyimpspec", default="", help="Python of an environment with pyimpspec")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.part == "kills":
            kills(folder, given.spectra or 2000, given.kills, given.seed)
        elif given.part == "hosts":
            hosts(folder, given.spectra or 10_000, given.rounds)
        elif given.part == "scale":
            scale(folder, [int(size) for size in given.sizes.split(",")], given.per_file)
        elif given.part == "peers":
            peers(folder, given.spectra or 200, given.pyimpspec)
        else:
            {"jobs": jobs, "dask": dask}[given.part](folder, given.spectra or 200)


if __name__ == "__main__":
    main()

"""Runs on disks of five sizes that are too small, and their resumption with room.

Run ``python -m tests.benchmarks.full_disk``. Sixty simulated spectra are fitted with all pictures into a small
file system in memory (``mount -t tmpfs``, which needs the superuser). For each size: exit code and message, fits
in the tables, temporary files left; then the file system is enlarged, the same command is run again, and its
tables are compared with those of a run with room.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import eistool
from eistool.readers.writers import write_spectra

SIZES_KB = (16, 64, 640, 1500, 5000)
N_SPECTRA = 60
CIRCUIT = "R0-p(R1,CPE1)"


def run(folder: Path, out: Path) -> tuple[int, str]:
    """Return exit code and last line of stderr."""
    options = ["--circuit", CIRCUIT, "--plots", "all", "--no-progress", "--out", str(out)]
    command = [sys.executable, "-m", "eistool.cli", "fit", str(folder), *options]
    done = subprocess.run(command, capture_output=True, check=False)
    lines = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
    return done.returncode, f"{len(lines)} line(s): {lines[-1] if lines else ''}"


def tables(out: Path) -> dict[str, bytes]:
    """Return the tables of a result folder."""
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.csv"))}


def main() -> None:
    """Print the outcome for each size."""
    with tempfile.TemporaryDirectory() as place:
        folder, quiet, small = (Path(place, name) for name in ("in", "quiet", "small"))
        folder.mkdir()
        f = np.geomspace(1e5, 1, 40)
        for seed in range(N_SPECTRA):
            spectrum = eistool.simulate(CIRCUIT, f, [20, 100 + seed, 1e-5, 0.9], noise=0.003, seed=seed)
            write_spectra(folder / f"cell_{seed:02d}.csv", [spectrum])
        run(folder, quiet)
        expected = tables(quiet)
        size = sum(path.stat().st_size for path in quiet.rglob("*") if path.is_file())
        print(f"with room: {size / 1024:.0f} kB in {sum(1 for _ in quiet.rglob('*'))} files")
        small.mkdir()
        for kilobytes in SIZES_KB:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(small)], check=True)
            try:
                code, message = run(folder, small / "out")
                left = [path.name for path in small.rglob("*.tmp")]
                n_fits = max(len((tables(small / "out").get("fits.csv") or b"").splitlines()) - 1, 0)
                print(f"{kilobytes:5d} kB: exit {code}, {n_fits} fits in tables, temporary files: {left}")
                print(f"    {message}"[:260])
                subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
                code, _ = run(folder, small / "out")
                print(
                    f"    with room again: exit {code}, tables equal: {tables(small / 'out') == expected}",
                    flush=True,
                )
            finally:
                subprocess.run(["umount", str(small)], check=True)


if __name__ == "__main__":
    main()

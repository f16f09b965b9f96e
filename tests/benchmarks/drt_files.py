"""Processor time of distributions and pictures of measured spectra.

Run ``python -m tests.benchmarks.drt_files FOLDER...``. All spectra below the folders are prepared as
``eistool fit`` does; the output is the time of a thread for one distribution with its suggested circuits (mean,
median, largest), and for one picture of a spectrum.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from eistool import read
from eistool.errors import EistoolError
from eistool.jobs.check import prepare
from eistool.jobs.drt import distribution
from eistool.report import FitPicture, NyquistPlot
from eistool.spectrum import Spectrum

PICTURES = 50  # of these spectra at most


def spectra(folders: list[Path]) -> list[Spectrum]:
    """Return the prepared spectra below the folders that can be read."""
    found: list[Spectrum] = []
    for folder in folders:
        try:
            found += [prepare(each, "auto", "auto").spectrum for each in read(folder)]
        except EistoolError as error:
            print(f"{folder}: {error}")
    return found


def main() -> None:
    """Print both times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    measured = spectra(parser.parse_args().folders)
    distribution(measured[0])  # compile
    times = []
    for spectrum in measured:
        start = time.thread_time()
        distribution(spectrum)
        times.append(1e3 * (time.thread_time() - start))
    print(
        f"{len(times)} distributions: mean {np.mean(times):.1f}, median {np.median(times):.1f}, "
        f"largest {max(times):.0f} ms"
    )
    plot = NyquistPlot()
    pictures = [
        FitPicture(s.label, "", "", s.frequency, s.impedance, s.mask, s.impedance * 1.01)
        for s in measured[:: max(len(measured) // PICTURES, 1)]
    ]
    plot.to_png(pictures[0])
    start = time.thread_time()
    for picture in pictures:
        plot.to_png(picture)
    seconds = time.thread_time() - start
    print(
        f"{len(pictures)} pictures: {1e3 * seconds / len(pictures):.0f} ms, {len(pictures) / seconds:.0f} a second"
    )


if __name__ == "__main__":
    main()

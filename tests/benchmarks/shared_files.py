"""Outcome of reading all measured files, compared with impedance.py.

``python -m tests.benchmarks.shared_files`` prints a Markdown table of the files in EISTOOL_REAL_DATA.
"""

import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import eistool
from eistool.errors import ReaderError
from eistool.readers import scan

# what holds no spectrum, and why
NO_SPECTRUM = {
    r"/cv_data\.dta$": "a voltammogram",
    r"_MissingFreq\.mpt$": "its frequencies were deleted",
    r"_GCPL_.*\.mpr$": "a galvanostatic record",
    r"gamma_LIB_ECM\.csv$|_DRT-RR\.csv$": "a distribution of relaxation times",
    r"circuits_filtered\.csv$": "circuits",
    r"EIS_fit_|fit results/": "the result of a fit",
    r"for_test_arr\.csv$": "conductivities",
    r"sample_info\.txt$|Nota gruppi\.txt$|/ref\.txt$": "a description",
    r"_LOOP\.txt$": "indices of loops",
}  # fmt: skip
# what a known binary format may still be refused for
UNREAD = {r"\.mpr$": "no reader for BioLogic binary"}

_PEERS = {
    "gamry_dta": ("readGamry",),
    "biologic_mpt": ("readBioLogic",),
    "zplot": ("readZPlot", "readAutolab"),
    "versastudio_par": ("readVersaStudio",),
}
_SAME = 1e-6
_BY_NAME = {"CHInstruments": "readCHInstruments", "Parstat": "readParstat", "Powersuite": "readPowerSuite"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one file."""

    source: str
    format: str
    sizes: tuple[int, ...]  # points of each sweep
    told: str  # sweeps x points in the data's own manifest
    error: str
    peer: str  # reader of impedance.py and its deviation, or why there is none

    @property
    def sweeps(self) -> str:
        """Return sweeps x points, as the manifest writes it."""
        return " + ".join(f"{count} x {size}" for size, count in Counter(self.sizes).items())

    @property
    def no_spectrum(self) -> str:
        """Return the expected reason for refusing the file; empty if it should be read."""
        return next((why for pattern, why in NO_SPECTRUM.items() if re.search(pattern, f"/{self.source}")), "")

    @property
    def as_told(self) -> bool:
        """Return whether the sweeps and points are the manifest's, or as many points in other sweeps."""
        sweeps, times, points = self.told.partition(" x ")
        if not times:
            return True
        return self.sizes == int(sweeps) * (int(points),) or sum(self.sizes) == int(sweeps) * int(points)

    @property
    def verdict(self) -> str:
        """Return the outcome in words."""
        if self.error:
            why = self.no_spectrum
            return f"refused{f', {why}' if why else ''}: {self.error}"
        if self.no_spectrum:
            return f"READ, BUT IT IS {self.no_spectrum}"
        if not self.as_told:
            return f"READ, BUT EXPECTED {self.told}"
        same = not self.told or self.sweeps == self.told
        return "read right" if same else f"read right: {self.sweeps} where the manifest counts {self.told}"


def outcomes(folder: Path, compare: bool = True) -> Iterator[Outcome]:
    """Yield the outcome of each file that is not passed over as a document."""
    told = _manifest(folder)
    for found in scan([folder]):
        if found.ignored:
            continue
        try:
            spectra = eistool.read(found.path)
        except ReaderError as error:
            yield Outcome(found.source, "", (), told.get(found.source, ""), str(error), "")
            continue
        name = str(spectra[0].metadata.format)
        peer = _peer(found.path, name, spectra) if compare else ""
        sizes = tuple(len(s) for s in spectra)
        yield Outcome(found.source, name, sizes, told.get(found.source, ""), "", peer)


def _manifest(folder: Path) -> dict[str, str]:
    """Return sweeps x points of the files by their source."""
    path = folder / "MANIFEST.md"
    told: dict[str, str] = {}
    data_set = ""
    for line in path.read_text("utf-8").splitlines() if path.is_file() else []:
        if line.startswith("## "):
            data_set = line[3:].strip()
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) > 5 and cells[1].startswith("`"):
            told[f"{data_set}/{cells[1].strip('`')}"] = cells[4]
    return told


def _peer(path: Path, name: str, spectra: list[eistool.Spectrum]) -> str:
    from impedance import preprocessing

    by_name = [reader for part, reader in _BY_NAME.items() if part in path.name]
    csv = ["readCSV"] if name == "delimited" and path.suffix.lower() == ".csv" else []
    tried: list[str] = []
    for reader in _PEERS.get(name, by_name or csv):
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                frequency, impedance = getattr(preprocessing, reader)(str(path))
        # whatever it raises is its answer
        except Exception as error:  # noqa: BLE001
            tried.append(f"{reader}: not read, {type(error).__name__}")
            continue
        frequency, impedance = np.asarray(frequency, float), np.asarray(impedance, complex)
        usable = frequency > 0
        return f"{reader}: {_deviation(spectra, frequency[usable], impedance[usable])}"
    return "; ".join(tried)


def _deviation(spectra: list[eistool.Spectrum], frequency: np.ndarray, impedance: np.ndarray) -> str:
    ours_f = np.concatenate([s.frequency for s in spectra])
    ours_z = np.concatenate([s.impedance for s in spectra])
    if ours_f.size != frequency.size:
        return f"{frequency.size} points, not {ours_f.size}"
    scale = float(np.median(np.abs(impedance / ours_z)))
    factor = "" if abs(scale - 1) < _SAME else f", {scale:g} times as large"
    impedance = impedance / (scale if factor else 1.0)
    other = np.abs(impedance - ours_z) > np.abs(impedance.conj() - ours_z)
    at = "" if not other.any() else f", Im of the other sign at {'all' if other.all() else np.sum(other)} points"
    impedance = np.where(other, impedance.conj(), impedance)
    deviation = max(np.max(np.abs(ours_f / frequency - 1)), np.max(np.abs(impedance / ours_z - 1)))
    return f"{deviation:.0e}{factor}{at}"


def main() -> None:
    """Print the table and the counts."""
    folder = Path(os.environ.get("EISTOOL_REAL_DATA", ""))
    if not folder.name or not folder.is_dir():
        sys.exit("set EISTOOL_REAL_DATA to the folder of measured spectra")
    found = list(outcomes(folder))
    print("| file | format | sweeps x points | verdict | impedance.py |")
    print("|---|---|---|---|---|")
    for o in found:
        verdict = o.verdict.replace("|", "\\|")
        print(f"| `{o.source}` | {o.format} | {o.sweeps} | {verdict} | {o.peer} |")
    read = [o for o in found if not o.error]
    print(f"\n{len(found)} files: {len(read)} read, {sum(len(o.sizes) for o in read)} spectra, "
          f"{sum(map(sum, (o.sizes for o in read)))} points; {len(found) - len(read)} refused, "
          f"{sum(not o.no_spectrum for o in found if o.error)} of them with a spectrum in it")  # fmt: skip
    peers = Counter(_kind(o.peer) for o in read if o.peer)
    print("impedance.py: " + ", ".join(f"{count} files {kind}" for kind, count in peers.most_common()))


def _kind(peer: str) -> str:
    """Return the agreement with the reader of impedance.py in words."""
    if "not read" in peer or "points, not" in peer:
        return "not read, or not with all their points"
    if "Im of" in peer or "times" in peer:
        return "with the sign of Im or the unit left as the file has them"
    deviation = float(peer.rpartition(": ")[2])
    return "with the same numbers" if deviation < _SAME else "with other numbers"


if __name__ == "__main__":
    main()

"""Supported formats, in the order of identification."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from eistool.errors import SpectrumError
from eistool.readers.content import FileContent
from eistool.readers.formats import (
    arrays,
    biologic_mpr,
    biologic_mpt,
    delimited,
    gamry_dta,
    ivium,
    novocontrol,
    palmsens_pssession,
    spectra_json,
    spectrum_rows,
    versastudio_par,
    workbook,
    zahner_ism,
    zplot,
)
from eistool.spectrum import Spectrum


@dataclass(frozen=True, slots=True)
class Reader:
    """A supported format.

    Parameters
    ----------
    name, title : str
        For results, and for messages.
    suffixes : tuple of str
        In lower case, with the dot.
    identify : callable
        Whether a file has this format, from its content.
    load : callable
        Returns the spectra of a file.
    fallback : bool
        Whether the format is tried only after all others.
    electrodes : bool
        Whether ``load`` takes an electrode, for files with several.
    complete : bool
        Whether the spectra have all their metadata, so that the file name is not interpreted.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    identify: Callable[[FileContent], bool]
    load: Callable[..., list[Spectrum]]
    fallback: bool = False
    electrodes: bool = False
    complete: bool = False

    def read(self, content: FileContent, electrode: str = "working") -> list[Spectrum]:
        """Return the spectra in a file, at least one.

        Raises
        ------
        ReaderError
            If the file cannot be read.
        """
        if not self.fallback and not self.identify(content):
            raise content.error(f"not a file of {self.title}; expected the start of that format")
        if electrode != "working" and not self.electrodes:
            raise content.error(f"electrode={electrode!r}; {self.title} has one electrode: choose 'working'")
        choice = (electrode,) if self.electrodes else ()
        try:
            with np.errstate(all="ignore"):  # absurd numbers become inf or nan, and are refused below
                spectra = self.load(content, *choice)
        except SpectrumError as error:
            raise content.error(str(error)) from error
        if not spectra:
            raise content.error(f"no spectrum; expected a file of {self.title}")
        return spectra


READERS: tuple[Reader, ...] = (
    Reader(
        "biologic_mpt",
        "BioLogic EC-Lab / BT-Lab text",
        biologic_mpt.SUFFIXES,
        biologic_mpt.identify,
        biologic_mpt.load,
        electrodes=True,
    ),
    Reader(
        "biologic_mpr",
        "BioLogic EC-Lab / BT-Lab binary",
        biologic_mpr.SUFFIXES,
        biologic_mpr.identify,
        biologic_mpr.load,
        electrodes=True,
    ),
    Reader("gamry_dta", "Gamry Framework", gamry_dta.SUFFIXES, gamry_dta.identify, gamry_dta.load),
    Reader("zplot", "Scribner ZPlot / ZView", zplot.SUFFIXES, zplot.identify, zplot.load),
    Reader("zahner_ism", "Zahner Thales", zahner_ism.SUFFIXES, zahner_ism.identify, zahner_ism.load),
    Reader(
        "versastudio_par",
        "PAR VersaStudio",
        versastudio_par.SUFFIXES,
        versastudio_par.identify,
        versastudio_par.load,
    ),
    Reader(
        "palmsens_pssession",
        "PalmSens PSTrace session",
        palmsens_pssession.SUFFIXES,
        palmsens_pssession.identify,
        palmsens_pssession.load,
    ),
    Reader(
        "novocontrol", "Novocontrol WinDETA text", novocontrol.SUFFIXES, novocontrol.identify, novocontrol.load
    ),
    Reader("ivium", "Ivium data", ivium.SUFFIXES, ivium.identify, ivium.load),
    Reader(
        "eistool_json",
        "Spectra of eistool as JSON",
        spectra_json.SUFFIXES,
        spectra_json.identify,
        spectra_json.load,
        complete=True,
    ),
    Reader("workbook", "Excel workbook", workbook.SUFFIXES, workbook.identify, workbook.load),
    Reader("npz", "NumPy arrays", arrays.NPZ_SUFFIXES, arrays.identify_npz, arrays.load_npz),
    Reader("npy", "NumPy array", arrays.NPY_SUFFIXES, arrays.identify_npy, arrays.load_npy),
    Reader("mat", "MATLAB arrays", arrays.MAT_SUFFIXES, arrays.identify_mat, arrays.load_mat),
    Reader("parquet", "Parquet table", arrays.PARQUET_SUFFIXES, arrays.identify_parquet, arrays.load_parquet),
    Reader(
        "spectrum_rows",
        "Text with one spectrum per row",
        spectrum_rows.SUFFIXES,
        spectrum_rows.identify,
        spectrum_rows.load,
    ),
    Reader(
        "delimited",
        "Delimited text with any header, or three columns",
        delimited.SUFFIXES,
        delimited.identify,
        delimited.load,
        fallback=True,
    ),
)

# impedance formats that are not supported, and the remedy
UNSUPPORTED = MappingProxyType(
    {
        ".dfr": ("Eco Chemie FRA", "export the curve as text (Data > Export)"),
        ".nox": ("Metrohm Autolab NOVA", "export the data as ASCII with frequency, Z' and -Z''"),
        ".xls": ("Excel workbook before 2007", "save it as .xlsx or CSV"),
        ".mgr": ("BioLogic EC-Lab graph", "the data are in the .mpr or .mpt file of the same name"),
        ".mps": ("BioLogic EC-Lab settings", "the data are in the .mpr or .mpt files of the same name"),
        ".mpl": ("BioLogic EC-Lab log", "the data are in the .mpr or .mpt file of the same name"),
        ".isfx": ("Zahner model", "the data are in the .ism file"),
    }
)

# files beside measurements: they hold none, and are no failures
BESIDE = frozenset((".mgr", ".mps", ".mpl", ".isfx"))
# JSON and MATLAB files may be anything else too
_SHARED = frozenset((".json", ".mat"))
KNOWN_SUFFIXES = (
    (frozenset(suffix for reader in READERS for suffix in reader.suffixes) | frozenset(UNSUPPORTED))
    - BESIDE
    - _SHARED
)


def find_reader(content: FileContent) -> Reader | None:
    """Return the reader that identifies a file; the suffix decides between several."""
    candidates = [reader for reader in READERS if not reader.fallback and reader.identify(content)]
    if not candidates:
        candidates = [reader for reader in READERS if reader.fallback and reader.identify(content)]
    return next((r for r in candidates if content.suffix in r.suffixes), candidates[0] if candidates else None)


def refusal(content: FileContent) -> str:
    """Return the reason why a file is not supported, and the next step."""
    if content.suffix in UNSUPPORTED:
        title, remedy = UNSUPPORTED[content.suffix]
        return f"no reader for {title} files ({content.suffix}); {remedy}"
    named = [reader.title for reader in READERS if content.suffix in reader.suffixes]
    if len(named) == 1:
        return f"unknown content; expected a file of {named[0]}: save or copy it again"
    names = ", ".join(reader.title for reader in READERS)
    return f"unknown content; expected one of: {names}"

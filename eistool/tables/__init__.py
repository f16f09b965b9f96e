"""Tables of the result folder: columns, units, descriptions and rows."""

from typing import Any

from eistool.tables.arrhenius import ALTERNATIVES, ARRHENIUS
from eistool.tables.check import CHECKS
from eistool.tables.conductivity import COMPOSITION, CONDUCTIVITY
from eistool.tables.direct_current import IR_DROPS, POLARIZATION
from eistool.tables.drt import DRT_CURVES, DRT_PEAKS, DRTS
from eistool.tables.fits import CURVES, FITS, PARAMETERS, PROCESSES
from eistool.tables.readings import READINGS
from eistool.tables.spectra import FAILURES, MEASURED, SPECTRA
from eistool.tables.subtraction import SUBTRACTION
from eistool.tables.table import Column, Rows, Table, to_csv
from eistool.tables.tracks import EVENTS, SERIES, SERIES_DRT, TRACKS

TABLES: tuple[Table[Any], ...] = (
    SPECTRA,
    FITS,
    PARAMETERS,
    PROCESSES,
    CURVES,
    MEASURED,
    READINGS,
    DRT_PEAKS,
    DRTS,
    DRT_CURVES,
    CHECKS,
    FAILURES,
    CONDUCTIVITY,
    ARRHENIUS,
    ALTERNATIVES,
    COMPOSITION,
    TRACKS,
    EVENTS,
    SERIES,
    SERIES_DRT,
    POLARIZATION,
    SUBTRACTION,
    IR_DROPS,
)

__all__ = ["TABLES", "Column", "Rows", "Table", "to_csv"]

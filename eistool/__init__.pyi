# Spectra and files
from .readers import read as read
from .readers import read_polarization as read_polarization
from .readers import read_profile as read_profile
from .spectrum import CellGeometry as CellGeometry
from .spectrum import Metadata as Metadata
from .spectrum import Profile as Profile
from .spectrum import Series as Series
from .spectrum import Spectrum as Spectrum

# Corrections and arithmetic
from .spectrum import average_spectra as average_spectra
from .spectrum import deembed as deembed
from .spectrum import normalize_by_area as normalize_by_area
from .spectrum import subtract_lead as subtract_lead
from .spectrum import subtract_stray_capacitance as subtract_stray_capacitance

# Validity of a spectrum
from .validation import check_kramers_kronig as check_kramers_kronig
from .validation import check_z_hit as check_z_hit

# Readings without a circuit
from .drt import take_readings as take_readings

# Circuits
from .circuit import Circuit as Circuit
from .circuit import register_element as register_element
from .circuit.library import load_circuit as load_circuit
from .circuit.simulate import simulate as simulate

# Fits
from .fitting import FitResult as FitResult
from .fitting import compare_circuits as compare_circuits
from .fitting import fit as fit
from .fitting import fit_global as fit_global
from .fitting import fit_iter as fit_iter
from .fitting import fit_many as fit_many

# Distributions of relaxation times
from .drt import DRT as DRT
from .drt import DRTPeak as DRTPeak
from .drt import compute_drt as compute_drt
from .drt import compute_drt_tikhonov as compute_drt_tikhonov
from .drt import hilbert_score as hilbert_score

# Materials
from .materials import arrhenius as arrhenius
from .materials import assign as assign
from .materials import conductivity as conductivity
from .materials import regress_thickness as regress_thickness

# Direct currents and symmetric cells
from .direct_current import analyze_ir_drop as analyze_ir_drop
from .direct_current import analyze_polarization as analyze_polarization
from .direct_current import bruce_vincent as bruce_vincent
from .symmetric_cell import separator_budget as separator_budget
from .symmetric_cell import subtract_symmetric_cell as subtract_symmetric_cell

# Processes along a series
from .tracking import Event as Event
from .tracking import Tracks as Tracks
from .tracking import track as track

# Errors
from .errors import CircuitError as CircuitError
from .errors import ConfigError as ConfigError
from .errors import EistoolError as EistoolError
from .errors import FitError as FitError
from .errors import OutputError as OutputError
from .errors import ReaderError as ReaderError
from .errors import SpectrumError as SpectrumError

__version__: str
__all__: list[str]

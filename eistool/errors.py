"""Exceptions of eistool.

::

    EistoolError
    ├── ReaderError     a file cannot be read as spectra
    ├── SpectrumError   values do not form a spectrum, a series or a cell
    ├── CircuitError    a circuit expression, name or value is invalid
    ├── FitError        a fit cannot be performed
    ├── ConfigError     an option, eistool.toml or a samples table is invalid
    └── OutputError     results cannot be written, and the run cannot go on
"""


class EistoolError(Exception):
    """Base class of all exceptions of eistool."""


class ReaderError(EistoolError):
    """A file cannot be read; the message gives file, line and expected content."""


class SpectrumError(EistoolError):
    """Values do not form a spectrum, a series or a cell geometry."""


class CircuitError(EistoolError):
    """A circuit expression, library name or parameter value is invalid."""


class FitError(EistoolError):
    """A fit cannot be performed; the message gives the reason."""


class ConfigError(EistoolError):
    """An option, ``eistool.toml`` or a samples table is invalid."""


class OutputError(EistoolError):
    """Results cannot be written: the disk is full, or the result folder is gone."""

"""The exceptions that eistool raises.

::

    EistoolError
    ├── ReaderError     a file cannot be read as spectra
    ├── SpectrumError   values do not form a spectrum, a series or a cell
    ├── CircuitError    a circuit expression, its values or its names are wrong
    ├── FitError        a fit cannot be done
    └── ConfigError     options, eistool.toml or a samples table are wrong
"""


class EistoolError(Exception):
    """Base class of every error that eistool raises on purpose."""


class ReaderError(EistoolError):
    """A file cannot be read; the message names file, line and what was expected."""


class SpectrumError(EistoolError):
    """Values do not form a spectrum, a series or a cell geometry."""


class CircuitError(EistoolError):
    """A circuit expression, a library name or parameter values are wrong."""


class FitError(EistoolError):
    """A fit cannot be done, with the reason."""


class ConfigError(EistoolError):
    """Options, ``eistool.toml`` or a samples table are wrong."""

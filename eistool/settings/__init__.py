"""Settings from ``eistool.toml`` files in or above the folders of spectra."""

from eistool.settings.overrides import Override, read_overrides, with_override
from eistool.settings.settings import (
    CIRCUITS_VARIABLE,
    COORDINATES,
    PLOTS,
    WEIGHTINGS,
    FitSettings,
    Settings,
    SubtractionSettings,
    circuit_folders,
    load_settings,
)

__all__ = [
    "CIRCUITS_VARIABLE",
    "COORDINATES",
    "PLOTS",
    "WEIGHTINGS",
    "FitSettings",
    "Override",
    "Settings",
    "SubtractionSettings",
    "circuit_folders",
    "load_settings",
    "read_overrides",
    "with_override",
]

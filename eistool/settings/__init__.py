"""Settings from ``eistool.toml`` files in or above the folders of spectra."""

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
    "Settings",
    "SubtractionSettings",
    "circuit_folders",
    "load_settings",
]

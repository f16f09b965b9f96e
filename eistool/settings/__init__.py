"""Defaults that a lab keeps in ``eistool.toml``, in or above its folders of spectra."""

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

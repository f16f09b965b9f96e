"""Settings from ``eistool.toml`` files in or above the folders of spectra."""

from eistool.settings.overrides import Override, read_overrides, with_override
from eistool.settings.schema import (
    COORDINATES,
    PLOTS,
    WEIGHTINGS,
    FitSettings,
    Settings,
    SubtractionSettings,
    commented_defaults,
)
from eistool.settings.settings import CIRCUITS_VARIABLE, FILE_NAME, circuit_folders, first_error, load_settings

__all__ = [
    "CIRCUITS_VARIABLE",
    "COORDINATES",
    "FILE_NAME",
    "PLOTS",
    "WEIGHTINGS",
    "FitSettings",
    "Override",
    "Settings",
    "SubtractionSettings",
    "circuit_folders",
    "commented_defaults",
    "first_error",
    "load_settings",
    "read_overrides",
    "with_override",
]

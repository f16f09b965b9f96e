"""Defaults that a lab keeps in ``eistool.toml``, in or above its folders of spectra."""

from eistool.settings.settings import COORDINATES, PLOTS, WEIGHTINGS, FitSettings, Settings, load_settings

__all__ = ["COORDINATES", "PLOTS", "WEIGHTINGS", "FitSettings", "Settings", "load_settings"]

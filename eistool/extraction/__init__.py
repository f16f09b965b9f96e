"""Extraction: from fits, spectra and direct currents to properties of materials."""

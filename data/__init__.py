"""Sample spectra, simulated by the project (see data/README.md)."""

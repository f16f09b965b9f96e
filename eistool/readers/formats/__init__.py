"""Instrument formats: one file each, with ``identify`` and ``load``."""

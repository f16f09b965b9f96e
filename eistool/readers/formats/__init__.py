"""File formats: one module each, with ``identify`` and ``load``."""

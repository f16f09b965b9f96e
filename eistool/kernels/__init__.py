"""Compiled code, and nothing else: numpy, numba and math."""

"""Compiled numerical kernels (numba)."""

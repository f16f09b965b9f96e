"""Every compiled kernel, and nothing else: numpy, numba, math."""

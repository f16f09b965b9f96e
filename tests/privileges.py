"""Permissions that hold for the superuser too, for tests of folders that cannot be read."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION = 0x20080522
_IGNORE_PERMISSIONS = ~0b110 & 0xFFFFFFFF  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


@contextmanager
def permissions_hold() -> Iterator[None]:
    """Let the permissions of files hold within the context, for any user."""
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions of this system cannot be set by chmod")
    if os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, state = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, state):
        pytest.skip("the superuser of this system cannot give up its rights")
    before = state[0]
    state[0] &= _IGNORE_PERMISSIONS
    if libc.capset(header, state):
        pytest.skip("the superuser of this system cannot give up its rights")
    try:
        yield
    finally:
        state[0] = before
        libc.capset(header, state)

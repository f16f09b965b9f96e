"""The one decorator that owns all numba options, and the place where compiled code is cached."""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core import config

# no nnan, no ninf: a NaN must lose every comparison. reassoc is for sums of products only.
_SAFE = frozenset({"contract", "nsz", "arcp"})
_SUMS = _SAFE | {"reassoc"}


def _fingerprint() -> str:
    """Return a hash of all kernels: numba does not notice that a callee in another file changed."""
    state = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()


def _usable(folder: Path) -> bool:
    """Return whether a folder is ours alone and can be written: cached code is run without a question."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & stat.S_IWOTH):
            return False
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _choose_cache() -> bool:
    """Point numba's cache at the user's own folder; return whether there is one that can be written."""
    if "NUMBA_CACHE_DIR" in os.environ:
        base = Path(os.environ["NUMBA_CACHE_DIR"])
    else:
        base = Path(platformdirs.user_cache_dir("eistool"))
    folders = [base]
    with contextlib.suppress(FileNotFoundError):  # no temporary folder either
        user = os.getuid() if hasattr(os, "getuid") else "user"
        folders.append(Path(tempfile.gettempdir()) / f"eistool-{user}")
    for folder in folders:
        own = folder / _fingerprint()
        if _usable(folder) and _usable(own):
            config.CACHE_DIR = str(own)  # type: ignore[attr-defined]
            return True
    return False


_CACHE = _choose_cache()


def kernel(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for nopython mode, without the GIL, cached on disk where that is possible.

    Parameters
    ----------
    signature : numba signature or str
        Compiled for at import, from the cache when it is warm.
    """
    options: dict[str, Any] = {"nogil": True, "cache": _CACHE, "error_model": "numpy", "fastmath": set(_SAFE)}
    decorator: Callable[[Callable[..., Any]], Any] = numba.njit(signature, **options)
    return decorator


def part(*, fast: bool = False, sums: bool = False, inline: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that only kernels call.

    Parameters
    ----------
    fast : bool
        Products and sums may be contracted.
    sums : bool
        The function only adds products, whose order may change.
    inline : bool
        Always part of its caller's code.
    """
    fastmath: Any = set(_SUMS) if sums else set(_SAFE) if fast else False
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": fastmath, "forceinline": inline}
    decorator: Callable[[Callable[..., Any]], Any] = numba.njit(**options)
    return decorator


class _Address(numba.types.WrapperAddressProtocol):
    """A compiled function as an argument, its address looked up once and not at each call."""

    def __init__(self, function: Any, signature: Any) -> None:
        result = function.get_compile_result(signature)
        self._address = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
        self._signature = signature

    def __wrapper_address__(self) -> int:
        return int(self._address)

    def signature(self) -> Any:
        return self._signature


def as_argument(function: Any, signature: Any) -> Any:
    """Return what to pass where a kernel takes this function of this signature."""
    return function if config.DISABLE_JIT else _Address(function, signature)  # type: ignore[attr-defined]


def direct(function: Any) -> Any:
    """Return a kernel's own entry, which does not look at the types of its arguments.

    Finding the type of functions that are passed as arguments takes longer than a small fit. Arguments
    must be of the kernel's signature exactly.
    """
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    (result,) = function.overloads.values()
    return result.entry_point

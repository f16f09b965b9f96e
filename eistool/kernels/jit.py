"""The one decorator that owns all numba options, and the place where compiled code is cached."""

import hashlib
import os
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


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
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
    temporary = Path(tempfile.gettempdir()) / f"eistool-{platformdirs.user_cache_path().parent.name}"
    for folder in (base / _fingerprint(), temporary / _fingerprint()):
        if _writable(folder):
            config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
            return True
    return False


_CACHE = _choose_cache()


def kernel(signature: Any = None, *, sums: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for nopython mode, without the GIL, cached on disk where that is possible.

    Parameters
    ----------
    signature : numba signature, optional
        Compile for these types at import (from the cache when it is warm).
    sums : bool
        The function only adds products, whose order may change.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "cache": _CACHE,
        "error_model": "numpy",
        "fastmath": set(_SUMS if sums else _SAFE),
    }
    args = () if signature is None else (signature,)
    decorator: Callable[[Callable[..., Any]], Any] = numba.njit(*args, **options)
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

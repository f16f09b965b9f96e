"""numba options of all kernels, and the cache of compiled code."""

import contextlib
import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core import config, sigutils
from numba.core.compiler_lock import global_compiler_lock

# without nnan and ninf, since comparisons must handle NaN; reassoc for sums of products only
_SAFE = frozenset({"contract", "nsz", "arcp"})
_SUMS = _SAFE | {"reassoc"}


def _fingerprint() -> str:
    """Return a hash of all kernels; numba does not detect changes of callees in other files."""
    state = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()


def _usable(folder: Path) -> bool:
    """Return whether a folder is writable by this user only; cached code is executed unchecked."""
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
    """Set numba's cache to a folder of the user; return False if none is writable."""
    if "NUMBA_CACHE_DIR" in os.environ:
        base = Path(os.environ["NUMBA_CACHE_DIR"])
    else:
        base = Path(platformdirs.user_cache_dir("eistool"))
    folders = [base]
    with contextlib.suppress(FileNotFoundError):  # no temporary folder either
        user = os.getuid() if hasattr(os, "getuid") else "user"
        folders.append(Path(tempfile.gettempdir()) / f"eistool-{user}")
    for folder in folders:
        subfolder = folder / _fingerprint()
        if _usable(folder) and _usable(subfolder):
            config.CACHE_DIR = str(subfolder)  # type: ignore[attr-defined]
            return True
    return False


_CACHE = _choose_cache()
LOG = logging.getLogger("eistool.kernels")


class _FirstRun:
    """Message before the first compilation, if nothing was compiled on this machine before."""

    pending = _CACHE and not any(Path(config.CACHE_DIR).rglob("*.nbi"))  # type: ignore[attr-defined]

    @classmethod
    def announce(cls) -> None:
        if cls.pending:
            cls.pending = False
            LOG.info("compiling the engine: one or two minutes, at the first run only")


def kernel(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function in nopython mode, without the GIL and cached on disk if possible.

    Parameters
    ----------
    signature : numba signature or str
        Signature compiled, or loaded from the cache, at the first call from Python or from another kernel: a
        command needs few of the kernels of the modules that it imports.
    """
    options: dict[str, Any] = {"nogil": True, "cache": _CACHE, "error_model": "numpy", "fastmath": set(_SAFE)}

    def decorate(function: Callable[..., Any]) -> Any:
        kernel = numba.njit(**options)(function)
        if not config.DISABLE_JIT:  # type: ignore[attr-defined]
            _compile_late(kernel, signature)
        return kernel

    return decorate


def _compile_late(kernel: Any, signature: Any) -> None:
    """Make a dispatcher compile this signature, whatever the types of the first call, and no other."""
    declared, _ = sigutils.normalize_signature(signature)
    compile_types = kernel.compile

    def compile_declared(given: Any) -> Any:
        types, _ = sigutils.normalize_signature(given)
        convert = kernel.typingctx.can_convert
        if len(types) != len(declared) or any(
            convert(*pair) is None for pair in zip(types, declared, strict=True)
        ):
            raise TypeError(f"{kernel.py_func.__name__}{types}: expected {declared}")
        with global_compiler_lock:  # a second thread may have called it meanwhile
            compiled = kernel.overloads.get(tuple(declared))
            if compiled is not None:
                return compiled.entry_point
            _FirstRun.announce()
            entry = compile_types(signature)
            kernel.disable_compile()
            return entry

    kernel.compile = compile_declared
    kernel.declared = declared


def part(*, fast: bool = False, sums: bool = False, inline: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that is called by kernels only, without the wrappers that a call from Python needs.

    Parameters
    ----------
    fast : bool
        Products and sums may be contracted.
    sums : bool
        The function only sums products; their order may change.
    inline : bool
        Always inline the function.
    """
    fastmath: Any = set(_SUMS) if sums else set(_SAFE) if fast else False
    options: dict[str, Any] = {
        "error_model": "numpy",
        "fastmath": fastmath,
        "forceinline": inline,
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
    }

    def decorate(function: Callable[..., Any]) -> Any:
        part = numba.njit(**options)(function)
        if not config.DISABLE_JIT:  # type: ignore[attr-defined]
            find_template = part.get_call_template
            # otherwise each literal integer among the arguments would be a type of its own, and compiled
            part.get_call_template = lambda args, kws: find_template(tuple(map(numba.types.unliteral, args)), kws)
        return part

    return decorate


class _Address(numba.types.WrapperAddressProtocol):
    """Compiled function as an argument; its address is looked up once instead of at each call."""

    def __init__(self, function: Any, signature: Any) -> None:
        result = function.get_compile_result(signature)
        self._address = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
        self._signature = signature

    def __wrapper_address__(self) -> int:
        return int(self._address)

    def signature(self) -> Any:
        return self._signature


def as_argument(function: Any, signature: Any) -> Any:
    """Return a function as an argument for kernels that take this signature."""
    return function if config.DISABLE_JIT else _Address(function, signature)  # type: ignore[attr-defined]


def direct(function: Any) -> Any:
    """Return the entry point of a kernel, which bypasses numba's type dispatch.

    Dispatch on functions passed as arguments takes longer than a small fit. Arguments must match the
    kernel's signature exactly.
    """
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    function.compile(function.declared)
    (result,) = function.overloads.values()
    return result.entry_point

"""Boundary around each item of a batch: an exception becomes a reason, its traceback goes to the log."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from eistool.errors import EistoolError, OutputError

R = TypeVar("R")

LOG = logging.getLogger("eistool.batch")
LOG.addHandler(logging.NullHandler())  # silent, unless a log file is asked for


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Reason for a missing result; a ``transient`` one may not come again."""

    reason: str
    transient: bool = False


def attempt(
    item: str, function: Callable[[], R], raised: tuple[type[Exception], ...] = (OutputError,)
) -> R | Breakdown:
    """Return the result of a function, or the reason for its absence.

    Parameters
    ----------
    item : str
        Name of the file, spectrum, sample or picture, for the reason and the log.
    function : callable
        Computation of the result.
    raised : tuple of exceptions
        Those that would end the next item as well: by default, that results cannot be written.

    Examples
    --------
    >>> attempt("a.csv", lambda: 1 / 2)
    0.5
    >>> attempt("a.csv", lambda: 1 / 0).reason
    'a.csv: the computation broke down (ZeroDivisionError: division by zero)'
    """
    try:
        return function()
    except raised:
        raise
    except EistoolError as error:
        LOG.info("%s: %s", item, error)
        return Breakdown(str(error))
    except Exception as error:
        LOG.exception("%s", item)
        reason = f"{item}: the computation broke down ({type(error).__name__}: {error})"
        return Breakdown(reason, transient=isinstance(error, MemoryError))

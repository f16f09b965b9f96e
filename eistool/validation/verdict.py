"""Why a spectrum is not to be trusted, or why that cannot be told."""

from dataclasses import dataclass

from eistool.display import Shown

SIGNIFICANCE = 5e-4  # of each test: several are made on each spectrum


@dataclass(frozen=True, slots=True, repr=False)
class Reason(Shown):
    """One reason, and where in the spectrum it shows.

    ``kind`` is ``drift``, ``outliers``, ``nonlinearity``, ``noise`` or ``points``; the last two mean that
    nothing can be told.
    """

    kind: str
    text: str
    f_min_Hz: float | None = None
    f_max_Hz: float | None = None


UNDECIDED = ("noise", "points")


def passed(reasons: tuple[Reason, ...]) -> bool | None:
    """Return True without reasons, None if they say that nothing can be told, else False."""
    if any(reason.kind not in UNDECIDED for reason in reasons):
        return False
    return None if reasons else True


def say(verdict: bool | None) -> str:
    """Return the verdict as a word or two."""
    return {True: "passed", False: "failed", None: "cannot tell"}[verdict]

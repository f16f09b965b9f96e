"""Flags, states and verdicts of the tables in plain words, and advice."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from eistool.report.results import Results

STATES = {
    "ok": "The circuit describes the spectrum.",
    "poor_model": "The circuit describes the spectrum poorly: a sum of RC elements is far better.",
    "failed": "There is no result.",
    "left_out": "The sweep was left out.",
}
STATUS = {
    "ok": "",
    "fixed": "held fixed",
    "at_bound": "at its bound",
    "not_identifiable": "not determined by the data",
    "not_resolvable": "not resolved by the data",
    "extrapolated": "extrapolated beyond the measured window",
    "blocking": "blocking at low frequencies",
    "absent": "absent",
}

# first match explains a flag; groups are inserted
_FLAGS: tuple[tuple[str, str], ...] = (
    (
        r"at_bound: (.+)",
        "{0} ended at the limit of the allowed range, so that the value is the limit and not a result. "
        "Another circuit may fit better.",
    ),
    (
        r"not_identifiable: (.+)",
        "The data do not determine {0}: very different values fit as well. A simpler circuit or a wider range of "
        "frequencies is needed.",
    ),
    (r"not needed by the data: (.+)", "The fit is as good without {0}. Use a simpler circuit."),
    (r"correlated: (\S+) (\S+) \((.+)\)", "{0} and {1} can hardly be told apart (correlation {2})."),
    (
        r"misfit of (\S+) of \|Z\|, largest at (.+)",
        "Circuit and data differ by {0} of |Z| beyond the noise, most at {1}. The errors include this misfit.",
    ),
    (
        r"residuals are (\S+) times the noise",
        "The residuals are {0} times as large as the noise: the circuit lacks a feature of the data.",
    ),
    (r"residuals are (\S+) of \|Z\|", "The residuals reach {0} of |Z|: noisy data, or an unsuitable circuit."),
    (r"near tie: (.+)", "Other circuits describe the data about as well: {0}."),
    (
        r"(\d+) of (\d+) starts reached the best minimum",
        "Of {1} starts of the fit, {0} ended at the best solution.",
    ),
    (
        r"(\d+) other minima within ΔBIC (\S+)",
        "Other solutions of nearly the same quality (ΔBIC below {1}): {0}.",
    ),
    (
        r"other elements can take their place",
        "Other elements of the circuit can take the place of those that are not determined.",
    ),
    (
        r"(.+), the circuit of the other sweeps, does not describe it",
        "The circuit of the other sweeps of this sample, {0}, does not describe this one.",
    ),
    (
        r"(.+), the circuit of the other sweeps, has (\S+) less evidence",
        "The circuit of the other sweeps of this sample, {0}, has {1} times less evidence here.",
    ),
    (
        r"blocking at low frequencies.*",
        "The cell blocks at low frequencies: γ keeps rising, and R_pol depends on the measured range.",
    ),
    (
        r"residuals are correlated: .*",
        "The residuals have a pattern: the cell drifted, or the spectrum has a feature that no γ describes.",
    ),
    (
        r"a peak lies outside the measured window.*",
        "A peak lies outside the measured window; its position and area are extrapolated.",
    ),
    (r"(\d+) outlying points? given little weight", "{0} outlying points have little weight."),
    (
        r"drift: Z changes by about (\S+) from the first to the last point",
        "The impedance drifted by about {0} from the first to the last point.",
    ),
    (r"negative γ: .*", "γ is negative in places: an inductive loop, or drift."),
)


def explain_flag(flag: str) -> str:
    """Return a flag in plain words, or the flag itself.

    Examples
    --------
    >>> explain_flag("near tie: randles")
    'Other circuits describe the data about as well: randles.'
    """
    for pattern, text in _FLAGS:
        if match := re.fullmatch(pattern, flag):
            return text.format(*match.groups())
    return flag


def split_flags(flags: str) -> list[str]:
    """Return the single flags of a cell."""
    return [flag for flag in flags.split("; ") if flag]


def advise(results: Results) -> list[str]:
    """Return the next steps that the tables suggest, the most useful first."""
    rules: Sequence[Callable[[Results], str]] = (
        _interrupted, _older, _unreadable, _failed, _poor, _invalid, _facts,
    )  # fmt: skip
    return [text for rule in rules if (text := rule(results))]


def _interrupted(results: Results) -> str:
    if results.run.get("state") == "done":
        return ""
    return "The run has not finished. Run the same command again: it computes what is missing."


def _older(results: Results) -> str:
    older = results.run.get("older")
    if not isinstance(older, dict):
        return ""
    jobs: dict[str, list[str]] = {}
    for name, entry in sorted(older.items()):
        jobs.setdefault(str(entry.get("job", "")) if isinstance(entry, dict) else "", []).append(name)
    parts = ", ".join(f"{' '.join(names)} of `eistool {job}`" for job, names in jobs.items())
    return parts and f"These tables are of an earlier run: {parts}. Run it again if spectra have changed since."


def _unreadable(results: Results) -> str:
    unread = [row["source"] for row in results.rows("failures") if row.get("stage") == "read"]
    if not unread:
        return ""
    return (
        f"{_count(len(unread), 'file')} could not be read. Run `eistool inspect FILE` to see why, or move files "
        "that hold no spectra out of the folder."
    )


def _failed(results: Results) -> str:
    n = sum(row.get("stage") not in ("read", None) for row in results.rows("failures"))
    return f"{_count(n, 'sweep')} gave no result; the reasons are listed below." if n else ""


def _poor(results: Results) -> str:
    n = _states(results)["poor_model"]
    if not n:
        return ""
    return (
        f"{_count(n, 'sweep')} {'is' if n == 1 else 'are'} described poorly. Look at the residuals: a pattern at "
        "one end of the spectrum is often an artefact (limit the range by `--f-min` or `--f-max`), a pattern in "
        "the middle a missing process (name another circuit by `--circuit`)."
    )


def _invalid(results: Results) -> str:
    n = sum(row.get("kk_passed") == "false" for row in results.rows("spectra"))
    if not n:
        return ""
    return (
        f"{_count(n, 'sweep')} did not pass the Kramers-Kronig test: the cell drifted, or points are disturbed. "
        "Resistances and time constants at the lowest frequencies suffer first. `eistool check` gives the reason."
    )


def _facts(results: Results) -> str:
    spectra = results.rows("spectra")
    missing = [
        column
        for column, names in (
            ("cell_type", ("cell_type",)),
            ("temperature_C", ("temperature_C",)),
            ("thickness_um and diameter_mm", ("thickness_um", "cell_constant_per_cm")),
        )
        if spectra and all(not row.get(name) for row in spectra for name in names)
    ]
    if not missing or not results.rows("fits"):
        return ""
    return (
        f"The metadata lack {', '.join(missing)}. Add these columns to a `samples.csv` beside the spectra to "
        "obtain conductivities, activation energies and named processes."
    )


def _states(results: Results) -> Counter[str]:
    return Counter(row.get("status", "") for row in results.rows("spectra"))


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"

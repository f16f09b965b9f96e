"""Spectra on a cycling record: what it says of them, and the picture that shows where they were taken."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eistool.batch.files import write_whole
from eistool.batch.store import Record
from eistool.readers import override
from eistool.report import SpectrumMark, profile_to_png
from eistool.spectrum import Profile, Spectrum
from eistool.spectrum.cycling import AGAINST, OFF, ORIGIN

PROFILE_PICTURE = Path("plots") / "profile.png"
WRITTEN_DOWN = ("samples table", "command line")  # what somebody wrote down goes before a calculation
_SOC = "soc_pct is "


def link_profile(spectra: Sequence[Spectrum], profile: Profile | None) -> list[Spectrum]:
    """Return the spectra with charge, state of charge, voltage and direction from a record, if there is one.

    Values of the samples table stay. Spectra that are not on the record get a note that says why.
    """
    if profile is None:
        return list(spectra)
    linked = []
    for spectrum in spectra:
        values, remark = profile.state(spectrum.metadata)
        origins = spectrum.metadata.origin
        new = {name: value for name, value in values.items() if origins.get(name) not in WRITTEN_DOWN}
        described = override(spectrum, ORIGIN, new)
        linked.append(replace(described, notes=(*described.notes, remark)))
    return linked


def profile_remarks(spectra: Sequence[Spectrum], profile: Profile | None) -> list[str]:
    """Return what ``soc_pct`` rests on, and a warning for the spectra that a record does not tell of."""
    told = [(s.label, note) for s in spectra for note in s.notes]
    remarks = list(dict.fromkeys(note for _, note in told if note.startswith(_SOC)))
    if profile is not None and AGAINST in profile.notes:
        remarks.append(f"{profile.source}: {AGAINST}")
    off = [(label, note) for label, note in told if note.startswith(OFF)]
    if off:
        remarks.append(f"{len(off)} of {len(spectra)} spectra are {off[0][1]} ({off[0][0]})")
    return remarks


def draw_profile(path: Path, profile: Profile | None, records: Sequence[Record]) -> None:
    """Draw the record with the spectra numbered in the order of their time; without a record, remove it."""
    if profile is None:
        path.unlink(missing_ok=True)
        return
    rows = [row for record in records for row in record.tables["spectra"] if record.status != "left_out"]
    marks = [
        SpectrumMark(seconds, row["direction"])
        for row in rows
        if row["capacity_mAh"] is not None and (seconds := profile.seconds(row["started_at"])) is not None
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, profile_to_png(profile, sorted(marks, key=lambda mark: mark.seconds)))

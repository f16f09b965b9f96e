"""State of charge of spectra from a cycling record, and a picture of the record."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eistool.batch import Breakdown, Record, attempt
from eistool.batch.files import write_file
from eistool.batch.job import failure
from eistool.jobs.pictures import remove
from eistool.readers import override
from eistool.report import SpectrumMark, profile_to_png
from eistool.spectrum import Profile, Spectrum
from eistool.spectrum.cycling import AGAINST, OFF, ORIGIN

CYCLING_PICTURE = Path("plots") / "profile.png"
GIVEN = ("samples table", "command line")  # origins of values that precede computed ones
_SOC = "soc_pct is "


def link_cycling(spectra: Sequence[Spectrum], profile: Profile | None) -> list[Spectrum]:
    """Return the spectra with charge, state of charge, voltage and direction from a cycling record.

    Values of the samples table are kept. Spectra outside the record get a note with the reason.
    """
    if profile is None:
        return list(spectra)
    linked = []
    for spectrum in spectra:
        values, remark = profile.state(spectrum.metadata)
        origins = spectrum.metadata.origin
        new = {name: value for name, value in values.items() if origins.get(name) not in GIVEN}
        described = override(spectrum, ORIGIN, new)
        linked.append(replace(described, notes=(*described.notes, remark)))
    return linked


def cycling_remarks(spectra: Sequence[Spectrum], profile: Profile | None) -> list[str]:
    """Return the basis of ``soc_pct``, and a warning for spectra outside the record."""
    notes = [(s.label, note) for s in spectra for note in s.notes]
    remarks = list(dict.fromkeys(note for _, note in notes if note.startswith(_SOC)))
    if profile is not None and AGAINST in profile.notes:
        remarks.append(f"{profile.source}: {AGAINST}")
    off = [(label, note) for label, note in notes if note.startswith(OFF)]
    if off:
        remarks.append(f"{len(off)} of {len(spectra)} spectra are {off[0][1]} ({off[0][0]})")
    return remarks


def draw_cycling(path: Path, profile: Profile | None, records: Sequence[Record]) -> list[Record]:
    """Draw the record with the spectra numbered by time; without a record, remove the picture."""
    if profile is None:
        remove(path)
        return []
    rows = [record.row("spectra") for record in records if record.status != "left_out" and record.key.sweep]
    marks = [
        SpectrumMark(seconds, row["direction"])
        for row in rows
        if row["capacity_mAh"] is not None and (seconds := profile.seconds(row["started_at"])) is not None
    ]
    png = attempt(path.name, lambda: profile_to_png(profile, sorted(marks, key=lambda mark: mark.seconds)))
    if isinstance(png, Breakdown):
        return [failure(path.name, "draw", png.reason)]
    write_file(path, png)
    return []

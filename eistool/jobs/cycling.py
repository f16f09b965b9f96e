"""State of charge of spectra from a cycling record, and a picture of the record."""

from collections.abc import Sequence
from dataclasses import replace

from eistool.batch import Output, Record, Records
from eistool.batch.drawing import draw
from eistool.batch.job import Picture
from eistool.batch.store import digest
from eistool.readers import override
from eistool.report import SpectrumMark, profile_to_png
from eistool.spectrum import Profile, Sweep
from eistool.spectrum.cycling import AGAINST, OFF, ORIGIN

CYCLING_PICTURE = "plots/profile.png"
GIVEN = ("samples table", "command line")  # origins of values that precede computed ones
_SOC = "soc_pct is "


def link_cycling(spectra: Sequence[Sweep], profile: Profile | None) -> list[Sweep]:
    """Return the sweeps with charge, state of charge, voltage and direction from a cycling record.

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


def cycling_remarks(spectra: Sequence[Sweep], profile: Profile | None) -> list[str]:
    """Return the basis of ``soc_pct``, and a warning for spectra outside the record."""
    notes = [(s.label, note) for s in spectra for note in s.notes]
    remarks = list(dict.fromkeys(note for _, note in notes if note.startswith(_SOC)))
    if profile is not None and AGAINST in profile.notes:
        remarks.append(f"{profile.source}: {AGAINST}")
    off = [(label, note) for label, note in notes if note.startswith(OFF)]
    if off:
        remarks.append(f"{len(off)} of {len(spectra)} spectra are {off[0][1]} ({off[0][0]})")
    return remarks


def draw_cycling(output: Output, profile: Profile | None, records: Records) -> list[Record]:
    """Draw the record with the spectra numbered by time, and return the failures."""
    if profile is None:
        return []
    rows = (record.row("spectra") for record in records if record.status != "left_out" and record.key.sweep)
    marks = [
        SpectrumMark(seconds, row["direction"])
        for row in rows
        if row["capacity_mAh"] is not None and (seconds := profile.seconds(row["started_at"])) is not None
    ]
    marks.sort(key=lambda mark: mark.seconds)
    content = digest(
        [profile.source, *map(repr, marks), profile.voltage_V.tobytes().hex(), profile.time_s.tobytes().hex()]
    )
    return draw(output, CYCLING_PICTURE, Picture(content, lambda: profile_to_png(profile, marks)))

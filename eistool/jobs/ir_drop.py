"""Job of ``eistool irdrop``: overpotentials and IR drops of a cycling record."""

from collections.abc import Sequence
from pathlib import Path

from eistool.batch.files import write_finished_run, write_table
from eistool.direct_current import IRDrops, analyze_ir_drop
from eistool.readers import read_polarization
from eistool.tables.direct_current import IR_DROPS


def ir_drop_file(
    file: Path, out: Path, reference: str | None = None, command: Sequence[str] = ()
) -> tuple[str, tuple[str, ...], IRDrops]:
    """Analyze the voltage drops of a cycling record; write a table and ``run.json``.

    Parameters
    ----------
    file : Path
        Record of time, current and voltage.
    out : Path
        Result folder, created if needed.
    reference : {"Li", "In/InLi"}, optional
        Reference electrode of the potentials.
    command : sequence of str
        Command line, for ``run.json``.

    Returns
    -------
    source : str
    notes : tuple of str
        Decisions of the reader.
    drops : IRDrops
    """
    record = read_polarization(file)
    drops = analyze_ir_drop(
        record.time_s, record.current_A, record.voltage_V, record.working_V, record.counter_V, reference
    )
    rows = (IR_DROPS.row(event, source=record.source, reference=reference) for event in drops.events)
    write_table(out, IR_DROPS, rows)
    write_finished_run(out, command, {"reference": reference}, {record.source: file}, 0)
    return record.source, record.notes, drops

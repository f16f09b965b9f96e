"""Table of readings: values read from a spectrum without a circuit."""

from collections.abc import Mapping

from eistool.drt import Reading
from eistool.tables.table import KEY_COLUMNS, Column, Rows, Table

READINGS: Table[Reading] = Table(
    "readings",
    "value read from a spectrum",
    (
        *KEY_COLUMNS,
        Column(
            "quantity",
            "",
            "`R_first`, `R_last` (Re Z at the highest and lowest frequency used), `R_phase` (where \\|phase\\| is "
            "least), `R_intercept`, `R_minimum_1`, ..., `apex_1_height`, ...",
        ),
        Column("value", "`unit`", "value"),
        Column("u", "`unit`", "its standard uncertainty"),
        Column("unit", "", "unit of the value"),
        Column("frequency_Hz", "Hz", "frequency of the reading"),
        Column("u_frequency_Hz", "Hz", "its standard uncertainty"),
        Column("status", "", "`ok` or `not_resolvable`"),
        Column("reason", "", "remark"),
    ),
)


def reading_rows(readings: Mapping[str, Reading]) -> Rows:
    """Return the rows of the readings of a spectrum."""
    return Rows.of(*(READINGS.row(reading, quantity=quantity) for quantity, reading in readings.items()))

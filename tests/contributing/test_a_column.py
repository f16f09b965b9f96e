"""A new column of a result file: one entry beside the table's other columns."""

from eistool.tables.table import Column, Table


def test_a_column_is_one_entry() -> None:
    # in eistool/tables, a table is a tuple of such entries: heading, unit, description and the cell's value
    ratio: Column[complex] = Column("z_ratio", "", "Im Z / Re Z", lambda z: z.imag / z.real)
    real: Column[complex] = Column("z_real_ohm", "ohm", "real part", lambda z: z.real)
    table = Table("example", "number", (real, ratio))
    assert table.row(4 - 2j) == {"z_real_ohm": 4.0, "z_ratio": -0.5}

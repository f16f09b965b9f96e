"""What a batch makes of all its records together: tables, pictures, and remarks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from eistool.batch.store import Rows
from eistool.errors import EistoolError

# a spectrum or a series that nobody foresaw: the batch goes on without what follows from it
BREAKDOWNS = (EistoolError, ArithmeticError, ValueError, LookupError)


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """Tables by name, pictures by file name below the folder of plots, warnings, and lines on whole series."""

    tables: Mapping[str, Rows] = field(default_factory=dict)
    pictures: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    def joined(self, other: "Derived") -> "Derived":
        """Return both together."""
        return Derived(
            {**self.tables, **other.tables},
            {**self.pictures, **other.pictures},
            (*self.remarks, *other.remarks),
            (*self.told, *other.told),
        )

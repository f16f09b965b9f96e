"""Jobs whose computation is slow, hangs or ends its process, by the name of the file."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from eistool.batch import Job, JobOptions, Record, Task
from eistool.tables import Rows, Table
from eistool.tables.spectra import FAILURES, SPECTRA, spectrum_row


@dataclass(frozen=True, eq=False)
class OddJob(Job[JobOptions]):
    """A row for each spectrum."""

    name = "odd"
    stage = "working"
    tables: ClassVar[tuple[Table[Any], ...]] = (SPECTRA, FAILURES)

    def analyze(self, task: Task) -> dict[str, Any]:
        """Return the row of a spectrum."""
        if "hangs" in task.key.source:
            time.sleep(1000)
        if "dies" in task.key.source:
            os._exit(3)
        if "raises" in task.key.source:
            raise MemoryError("too much")
        return spectrum_row(task.load(), "ok", "")

    def records(self, tasks: Sequence[Task], analyses: Sequence[Any]) -> list[Record]:
        """Return the records of rows."""
        return [Record(t.key, "ok", {"spectra": Rows.of(row)}) for t, row in zip(tasks, analyses, strict=True)]

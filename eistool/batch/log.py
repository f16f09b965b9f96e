"""Log of a run: a file in the result folder, created with its first entry."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LOG_FILE = "eistool.log"
LEVELS = ("debug", "info", "warning", "error")
_LOGGERS = ("eistool", "py.warnings")
_LAYOUT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"


class _LogFile(logging.FileHandler):
    """File of a log that never ends a run: what cannot be written is dropped."""

    def _open(self) -> Any:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def emit(self, record: logging.LogRecord) -> None:
        """Write an entry; the file is opened with the first one."""
        with suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (name of logging)
        """Drop an entry."""


@contextmanager
def log_to(out: Path, level: str = "warning") -> Iterator[None]:
    """Append the log of eistool, and warnings, to ``eistool.log`` in a result folder.

    Parameters
    ----------
    out : Path
        Result folder.
    level : {"debug", "info", "warning", "error"}
        Least severity. Tracebacks of items without a result are errors; their reasons are in the tables.
    """
    handler = _LogFile(out / LOG_FILE, encoding="utf-8", errors="backslashreplace", delay=True)
    handler.setFormatter(logging.Formatter(_LAYOUT))
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level.upper())
    try:
        with warnings.catch_warnings():
            logging.captureWarnings(True)
            yield
    finally:
        logging.captureWarnings(False)
        for logger, old in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(old)
        handler.close()

"""Interruption of a batch by Ctrl-C or the end of a cluster job."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedAtOnce(KeyboardInterrupt):
    """A second signal: nothing more is written."""


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Yield an event set by the first signal; a second signal raises :class:`StoppedAtOnce`.

    A KeyboardInterrupt within a compiled function or during a write to the store would leave either in an
    undefined state.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only the main thread receives signals
        yield stop
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise StoppedAtOnce
        stop.set()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    if any(getattr(handler, "arrived", False) for handler in before.values()):
        stop.set()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)

"""Ctrl-C and the end of a cluster job stop a batch between two fits, not within one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Yield an event that the first signal sets; a second one interrupts at once.

    A KeyboardInterrupt inside of a compiled function or half-way through a line of the store would leave
    either in a state that nobody expects.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals are none of our business
        yield stop
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)

"""Engines that carry out calls: in this process, in worker processes, or on a Dask cluster.

An engine has one target, a picklable function, and is given arguments. Results come back in any order, and nothing
but the order depends on the engine.
"""

import contextlib
import importlib
import logging
import logging.handlers
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from threadpoolctl import threadpool_limits

from eistool.batch.boundary import Breakdown
from eistool.errors import ConfigError, EistoolError

QUEUE_SECONDS = 0.5  # work that waits at a worker, so that it never runs dry
MOST_QUEUED = 64
CONNECT_SECONDS = 20  # to a scheduler
ATTEMPTS = 2  # of a call whose worker died
_LENGTH = 8  # bytes
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(slots=True, eq=False)
class Call:
    """One argument for the target of an engine.

    Parameters
    ----------
    name : str
        Name of the item, for messages.
    argument : object
        Picklable.
    limit : float, optional
        Seconds after which the call is given up.
    """

    name: str
    argument: Any
    limit: float | None = None
    attempts: int = field(default=0, init=False)


class Engine(ABC):
    """Carries out calls; used as a context manager that ends all workers."""

    target: Callable[[Any], Any]

    def set_target(self, target: Callable[[Any], Any]) -> None:
        """Set the function for the calls that follow; there must be no calls under way."""
        self.target = target

    @abstractmethod
    def wants_more(self) -> bool:
        """Return whether further calls keep the engine busy."""

    @abstractmethod
    def submit(self, call: Call) -> None:
        """Begin a call."""

    @abstractmethod
    def results(self, wait: float) -> list[tuple[Call, Any]]:
        """Return calls that have ended with their results, after at most about ``wait`` seconds."""

    @property
    @abstractmethod
    def under_way(self) -> int:
        """Number of calls without a result so far."""

    @abstractmethod
    def drop_queued(self) -> None:
        """Forget the calls that have not begun."""

    @abstractmethod
    def close(self) -> None:
        """End all workers."""

    def map(self, target: Callable[[Any], Any], arguments: Iterable[Any]) -> Iterator[Any]:
        """Yield the results of a function in the order of its arguments."""
        self.set_target(target)
        waiting = iter(enumerate(arguments))
        done: dict[int, Any] = {}
        order: dict[Call, int] = {}
        position, exhausted = 0, False
        while True:
            while not exhausted and self.wants_more() and len(done) < 4 * MOST_QUEUED:
                number, argument = next(waiting, (-1, None))
                if number < 0:
                    exhausted = True
                    break
                call = Call(f"input {number + 1}", argument)
                order[call] = number
                self.submit(call)
            for call, result in self.results(0.1):
                done[order.pop(call)] = result
            while position in done:
                yield done.pop(position)
                position += 1
            if exhausted and not order and not done:
                return

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Inline(Engine):
    """Calls in this process, one after the other, with one thread for the small matrices of fits."""

    def __init__(self) -> None:
        self._queue: deque[Call] = deque()
        self._limits = threadpool_limits(limits=1, user_api="blas")

    def wants_more(self) -> bool:
        """Return whether no call waits."""
        return not self._queue

    def submit(self, call: Call) -> None:
        """Begin a call: it is carried out when its result is asked for."""
        self._queue.append(call)

    def results(self, wait: float) -> list[tuple[Call, Any]]:
        """Carry out a call, and return it with its result."""
        if not self._queue:
            return []
        call = self._queue.popleft()
        return [(call, self.target(call.argument))]

    @property
    def under_way(self) -> int:
        """Number of calls without a result so far."""
        return len(self._queue)

    def drop_queued(self) -> None:
        """Forget the calls that have not begun."""
        self._queue.clear()

    def close(self) -> None:
        """Give back the threads: there are no workers."""
        self._limits.restore_original_limits()


class Processes(Engine):
    """Worker processes on this machine, which share numba's cache of compiled code.

    A worker that dies, or exceeds the limit of a call, costs no other call.

    Parameters
    ----------
    count : int
        Number of workers; each is started with the first call for it, or by :meth:`warm_up`.
    nice : int
        Increment of their niceness.
    """

    def __init__(self, count: int, nice: int = 0) -> None:
        self._nice = nice
        self._inbox: queue.Queue[tuple[_Worker, Any]] = queue.Queue()
        self._workers: list[_Worker | None] = [None] * count
        self._again: deque[Call] = deque()
        self._ended: deque[tuple[Call, Any]] = deque()
        self._seconds = QUEUE_SECONDS  # mean of a call

    def set_target(self, target: Callable[[Any], Any]) -> None:
        """Set the function for the calls that follow."""
        super().set_target(target)
        for worker in self._workers:
            if worker is not None:
                worker.send("target", target)

    def warm_up(self, target: Callable[[Any], Any]) -> None:
        """Start all workers, which import what a target needs while this process goes on."""
        self.target = target
        self._workers = [worker or self._start() for worker in self._workers]

    def _start(self) -> "_Worker":
        worker = _Worker(self._inbox, self._nice)
        worker.send("target", self.target)
        return worker

    def _depth(self) -> int:
        return min(MOST_QUEUED, max(2, round(QUEUE_SECONDS / max(self._seconds, 1e-6))))

    def wants_more(self) -> bool:
        """Return whether a worker has little left to do."""
        depth = self._depth()
        return any(worker is None or len(worker.calls) < depth for worker in self._workers)

    def submit(self, call: Call) -> None:
        """Give a call to the worker with the least to do."""
        loads = [0 if worker is None else len(worker.calls) for worker in self._workers]
        place = loads.index(min(loads))
        worker = self._workers[place]
        if worker is None:
            worker = self._workers[place] = self._start()
        if not worker.calls:
            worker.since = time.monotonic()
        worker.calls.append(call)
        worker.send("call", call.argument)

    def results(self, wait: float) -> list[tuple[Call, Any]]:
        """Return calls that have ended with their results."""
        with contextlib.suppress(queue.Empty):
            self._take(*self._inbox.get(timeout=0 if self._ended else wait))
            while True:
                self._take(*self._inbox.get_nowait())
        self._check_limits()
        while self._again:
            self.submit(self._again.popleft())
        ended = list(self._ended)
        self._ended.clear()
        return ended

    def _take(self, worker: "_Worker", message: Any) -> None:
        if worker not in self._workers:  # given up before
            return
        kind, value = message
        now = time.monotonic()
        if kind == "raised":
            worker.calls.popleft()
            raise value
        if kind == "result":
            call = worker.calls.popleft()
            self._seconds = 0.8 * self._seconds + 0.2 * (now - worker.since)
            worker.since = now
            self._ended.append((call, value))
        elif kind == "dropped":
            for _ in range(value):
                worker.calls.pop()
        elif kind == "log":
            logger = logging.getLogger(value.name)
            if logger.isEnabledFor(value.levelno):
                logger.handle(value)
        elif kind == "ready":
            worker.since = now
            worker.ready = True
        else:
            self._give_up(worker, f"its process ended ({worker.end()}): out of memory, or killed")

    def _check_limits(self) -> None:
        for worker in self._workers:
            if worker is None or not worker.calls or not worker.ready:
                continue
            limit = worker.calls[0].limit
            if limit is not None and time.monotonic() - worker.since > limit:
                worker.calls[0].attempts = ATTEMPTS
                self._give_up(worker, f"given up after {limit:g} s (--timeout)")

    def _give_up(self, worker: "_Worker", reason: str) -> None:
        """End a worker; its first call is tried again or ends with the reason, the others go on elsewhere."""
        worker.kill()
        self._workers[self._workers.index(worker)] = None
        calls = list(worker.calls)
        if calls:
            calls[0].attempts += 1
            if calls[0].attempts >= ATTEMPTS:
                call = calls.pop(0)
                self._ended.append((call, Breakdown(f"{call.name}: {reason}", transient=True)))
        self._again.extend(calls)

    @property
    def under_way(self) -> int:
        """Number of calls without a result so far."""
        queued = sum(len(worker.calls) for worker in self._workers if worker is not None)
        return queued + len(self._again) + len(self._ended)

    def drop_queued(self) -> None:
        """Forget the calls that have not begun."""
        self._again.clear()
        for worker in self._workers:
            if worker is not None:
                worker.send("drop", None)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            if worker is not None:
                worker.kill()
        self._workers = [None] * len(self._workers)


class _Worker:
    """A worker process, with the calls that it was given."""

    def __init__(self, inbox: "queue.Queue[tuple[_Worker, Any]]", nice: int) -> None:
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)  # noqa: PTH109 - as a string
        environment = {**os.environ, "PYTHONPATH": paths, **dict.fromkeys(_ONE_THREAD, "1")}
        code = f"from eistool.batch.engines import serve; serve({nice})"
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # signals of a terminal are for this process
        )
        self.calls: deque[Call] = deque()
        self.since = time.monotonic()
        self.ready = False
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._receive, args=(inbox,), daemon=True).start()
        threading.Thread(target=self._send, daemon=True).start()

    def send(self, kind: str, value: Any) -> None:
        """Send a message; a worker that has ended is noticed when its results are awaited."""
        self._outbox.put(_pack((kind, value)))

    def _send(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(OSError, ValueError):
            while (message := self._outbox.get()) is not None:
                self._process.stdin.write(message)
                self._process.stdin.flush()

    def _receive(self, inbox: "queue.Queue[tuple[_Worker, Any]]") -> None:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        while (message := _read(self._process.stdout)) is not None:
            inbox.put((self, message))
        inbox.put((self, ("ended", None)))

    def end(self) -> str:
        """Return how the process ended."""
        code = self._process.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        """End the process at once; its results are stored by this one, so nothing is lost."""
        self._outbox.put(None)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _pack(message: object) -> bytes:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(_LENGTH, "big") + data


def _read(pipe: IO[bytes]) -> Any:
    """Return the next message; None at the end."""
    try:
        length = int.from_bytes(pipe.read(_LENGTH), "big")
        data = pipe.read(length)
    except (OSError, ValueError):
        return None
    return pickle.loads(data) if length and len(data) == length else None  # noqa: S301 - a pipe of our own


def _send_log(send: Callable[[logging.LogRecord], None]) -> None:
    """Send entries of the log and warnings to the process that keeps them."""

    class Sender(logging.handlers.QueueHandler):
        def enqueue(self, record: logging.LogRecord) -> None:
            send(record)

    logging.captureWarnings(True)
    for name in ("eistool", "py.warnings"):
        logger = logging.getLogger(name)
        logger.addHandler(Sender(queue.SimpleQueue()))
        logger.setLevel(logging.INFO)


def _receive_calls(calls: "queue.Queue[tuple[str, Any]]", answer: Callable[[str, Any], None]) -> None:
    """Queue the messages from stdin; at its end, end the process."""
    while (message := _read(sys.stdin.buffer)) is not None:
        if message[0] != "drop":
            calls.put(message)
            continue
        waiting = []
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(calls.get_nowait())
        for other in waiting:
            if other[0] != "call":
                calls.put(other)
        answer("dropped", sum(kind == "call" for kind, _ in waiting))
    os._exit(0)  # the run has ended, maybe killed: there is nobody to work for


def serve(nice: int = 0) -> None:
    """Carry out calls from stdin until it is closed; the main program of a worker."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if nice and hasattr(os, "nice"):
        os.nice(nice)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is printed is no answer
    lock = threading.Lock()
    calls: queue.Queue[tuple[str, Any]] = queue.Queue()

    def answer(kind: str, value: Any) -> None:
        with lock:
            answers.write(_pack((kind, value)))
            answers.flush()

    threading.Thread(target=_receive_calls, args=(calls, answer), daemon=True).start()
    _send_log(lambda record: answer("log", record))
    target: Callable[[Any], Any] = repr
    ready = False
    while True:
        kind, value = calls.get()
        if kind == "target":
            target = value
            continue
        if not ready:
            answer("ready", None)
            ready = True
        try:
            answer("result", target(value))
        except EistoolError as error:  # for the user, as if it were raised there
            answer("raised", error)


class Dask(Engine):
    """Workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Of the scheduler, for instance ``tcp://10.0.0.1:8786``.

    Raises
    ------
    ConfigError
        If dask.distributed is not installed, or the scheduler cannot be reached.
    """

    def __init__(self, address: str) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")  # untyped
        except ImportError as error:
            raise ConfigError(
                f"--scheduler {address} needs dask.distributed; install eistool[cluster], or use --scheduler local"
            ) from error
        try:
            self._client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ConfigError(f"--scheduler {address}: cannot be reached ({error}); start it first") from error
        self._inbox: queue.Queue[Any] = queue.Queue()
        self._calls: dict[Any, Call] = {}
        self._common: Any = None

    def set_target(self, target: Callable[[Any], Any]) -> None:
        """Set the function for the calls that follow; it is sent to each worker once."""
        super().set_target(target)
        self._common = self._client.scatter(pickle.dumps(target, pickle.HIGHEST_PROTOCOL), broadcast=True)

    def wants_more(self) -> bool:
        """Return whether the workers of the cluster may run dry."""
        threads: int = sum(self._client.nthreads().values())
        return len(self._calls) < max(4, 3 * threads)

    def submit(self, call: Call) -> None:
        """Begin a call."""
        argument = pickle.dumps(call.argument, pickle.HIGHEST_PROTOCOL)
        future = self._client.submit(call_target, self._common, argument, pure=False, retries=ATTEMPTS)
        self._calls[future] = call
        future.add_done_callback(self._inbox.put)

    def results(self, wait: float) -> list[tuple[Call, Any]]:
        """Return calls that have ended with their results."""
        ended = []
        with contextlib.suppress(queue.Empty):
            future = self._inbox.get(timeout=wait)
            while True:
                call = self._calls.pop(future, None)
                if call is not None:
                    ended.append((call, self._result(call, future)))
                future = self._inbox.get_nowait()
        return ended

    def _result(self, call: Call, future: Any) -> Any:
        if future.status == "finished":
            return future.result()
        reason = future.exception() if future.status == "error" else future.status
        return Breakdown(f"{call.name}: its worker ended ({reason})", transient=True)

    @property
    def under_way(self) -> int:
        """Number of calls without a result so far."""
        return len(self._calls)

    def drop_queued(self) -> None:
        """Forget the calls that have not ended; the cluster decides what has begun."""
        self._client.cancel(list(self._calls))
        self._calls.clear()

    def close(self) -> None:
        """Leave the cluster, which goes on without this run."""
        self._client.close()


def call_target(target: bytes, argument: bytes) -> Any:
    """Return the result of a pickled function, on a worker of a cluster."""
    return pickle.loads(target)(pickle.loads(argument))  # noqa: S301 - from the client of this cluster

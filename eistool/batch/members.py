"""Runs that work in one result folder: who is alive, and who may write the tables.

Nothing here relies on locks of the operating system, which network file systems keep badly or not at all. A run
shows that it is alive by rewriting a small file; the right to write tables is a file that only one run can create.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from eistool.typing import Threshold

BEAT_SECONDS: Annotated[float, Threshold("seconds between two signs of life of a run", "engineering choice")] = 5.0
STALE_SECONDS: Annotated[
    float,
    Threshold(
        "age in s of its last sign of life after which a run on another machine is taken for dead",
        "above the 60 s for which NFS clients may keep attributes of files",
    ),
] = 90.0
POLL_SECONDS = 0.2
ALIVE = ("joining", "computing")  # states of runs that have not ended by themselves


@dataclass(frozen=True, slots=True)
class Member:
    """A run in a result folder.

    Parameters
    ----------
    name : str
        Unique, and sorted by the start of the run.
    host : str
        Name of the machine; ``EISTOOL_HOST`` replaces it where several machines have the same.
    machine : str
        Identity of the machine since its last start, and of the namespace of its processes.
    pid, started : int, str
        The process; its start tells it from a later one with the same number.
    work : str
        Hash of job and settings; runs with the same one can share their work.
    inputs : str
        Hash of the paths that were given.
    session : str
        Name of the first of the runs whose results are in the same tables.
    state : str
        ``joining``, ``computing``, ``done`` or ``interrupted``.
    doing : tuple of str
        Items of work in progress.
    since : str
        Start of the run, for messages.
    """

    name: str
    host: str
    machine: str
    pid: int
    started: str
    work: str
    inputs: str
    session: str
    state: str = "joining"
    doing: tuple[str, ...] = ()
    since: str = ""

    @property
    def title(self) -> str:
        """Description for messages."""
        return f"process {self.pid} on {self.host} (since {self.since})"


def host() -> str:
    """Return the name of this machine."""
    return os.environ.get("EISTOOL_HOST") or socket.gethostname()


def _machine() -> str:
    parts = [host()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _process_start(pid: int) -> str | None:
    """Return the start of a process as the system counts it, empty if unknown; None if there is no process."""
    if not Path("/proc/self/stat").exists():
        return _start_without_proc(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _start_without_proc(pid: int) -> str | None:
    if sys.platform == "win32":  # os.kill would end the process
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""


class Membership:
    """A run among those that work in one folder.

    Parameters
    ----------
    folder : Path
        Private folder of eistool in the result folder, created by :meth:`join`.
    work, inputs : str
        Hashes of job and settings, and of the paths that were given.
    stopped : callable
        Whether the run was asked to stop; waiting then ends with a ``KeyboardInterrupt``.
    """

    def __init__(self, folder: Path, work: str, inputs: str, stopped: Callable[[], bool] = lambda: False) -> None:
        now = datetime.now(UTC)
        nonce = secrets.token_hex(4)
        name = f"{now:%Y%m%dT%H%M%S.%f}-{_safe(host())}-{os.getpid()}-{nonce}"
        start = _process_start(os.getpid()) or ""
        since = now.isoformat(timespec="seconds")
        self.me = Member(name, host(), _machine(), os.getpid(), start, work, inputs, name, since=since)
        self.folder = folder
        self.temporary = folder / "temporary" / name  # of this run alone
        self._runs = folder / "runs"
        self._lease = folder / "lease"
        self._stopped = stopped
        self._write_lock = threading.Lock()
        self._ended = threading.Event()
        self._beating: threading.Thread | None = None

    def others(self) -> list[Member]:
        """Return all other runs with a file, dead ones included."""
        members = []
        for path in sorted(self._runs.glob("*.json")):
            if path.stem != self.me.name:
                with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                    values = json.loads(path.read_text(encoding="utf-8"))
                    members.append(Member(**{**values, "doing": tuple(values["doing"])}))
        return members

    def is_alive(self, member: Member) -> bool:
        """Return whether a run is still at work.

        The age of a sign of life is the difference of two times of the file server, whatever the clocks of the
        machines show.
        """
        if member.state not in ALIVE:
            return False
        if member.machine == self.me.machine:
            start = _process_start(member.pid)
            if start is None or (start and member.started and start != member.started):
                return False
            if start:
                return True
        try:
            last = self._path(member).stat().st_mtime
        except FileNotFoundError:
            return False
        return self.server_time() - last < STALE_SECONDS

    def busy(self) -> list[Member]:
        """Return the other runs that are at work."""
        return [member for member in self.others() if member.state == "computing" and self.is_alive(member)]

    def enter(self) -> None:
        """Begin to show signs of life."""
        self._runs.mkdir(parents=True, exist_ok=True)
        self._path(self.me).write_text(json.dumps(asdict(self.me)), encoding="utf-8")
        self.temporary.mkdir(parents=True, exist_ok=True)  # only now, or another run would remove it
        self._beating = threading.Thread(target=self._keep_beating, name="eistool sign of life", daemon=True)
        self._beating.start()

    def announce(self, **changes: Any) -> None:
        """Publish changes of this run's entry, for instance of ``state``, ``session`` or ``doing``."""
        self.me = replace(self.me, **changes)
        self._beat()

    def leave(self, state: str, forget: bool) -> None:
        """End the signs of life; ``forget`` removes the file of this run."""
        self._ended.set()
        if self._beating is not None:
            self._beating.join()
        with contextlib.suppress(OSError):  # the share may be gone
            if forget:
                self._path(self.me).unlink(missing_ok=True)
            elif self._beating is not None:
                self.announce(state=state)
        shutil.rmtree(self.temporary, ignore_errors=True)

    def remove(self, member: Member) -> None:
        """Remove the files of a run that is dead or done."""
        self._path(member).unlink(missing_ok=True)
        shutil.rmtree(self.temporary.with_name(member.name), ignore_errors=True)

    def clean_up(self) -> None:
        """Remove the temporary files of runs that are not at work."""
        paths = list(self.temporary.parent.iterdir())
        present = {member.name for member in self.others()} | {self.me.name}
        for path in paths:
            if path.name not in present:
                shutil.rmtree(path, ignore_errors=True)

    @contextlib.contextmanager
    def lease(self, waiting: Callable[[str], None] = lambda owner: None) -> Iterator[None]:
        """Hold the right to change tables, alone among all runs of the folder.

        Parameters
        ----------
        waiting : callable
            Called with the owner's description while another run holds it.
        """
        while not self._take():
            owner = self._owner()
            if owner is None or not self._is_held(owner):
                self._take_over(owner)
                continue
            if self._stopped():
                raise KeyboardInterrupt
            waiting(owner)
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                if self.holds_lease():
                    self._lease.unlink()

    def holds_lease(self) -> bool:
        """Return whether this run still holds the lease: a suspended one may have lost it."""
        return self._owner() == self.me.name

    def _take(self) -> bool:
        """Create the file of the lease; return False if it exists."""
        mine = self.temporary / "lease"
        mine.write_text(self.me.name, encoding="utf-8")
        try:
            os.link(mine, self._lease)  # atomic on NFS too, where exclusive creation once was not
        except FileExistsError:
            return mine.stat().st_nlink == 2  # the reply to a link that succeeded may be lost
        except OSError:  # no links, as on many SMB shares
            try:
                with self._lease.open("x", encoding="utf-8") as file:
                    file.write(self.me.name)
            except FileExistsError:
                return False
        finally:
            mine.unlink(missing_ok=True)
        return True

    def _owner(self) -> str | None:
        try:
            return self._lease.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _is_held(self, owner: str) -> bool:
        if not owner:  # created this moment, or by a run that died at it
            return self.server_time() - self._lease.stat().st_mtime < STALE_SECONDS
        return any(member.name == owner and self.is_alive(member) for member in self.others())

    def _take_over(self, owner: str | None) -> None:
        """Remove the lease of a dead run; one that another run has taken meanwhile is put back."""
        if owner is None:
            return
        aside = self.temporary / "old lease"
        with contextlib.suppress(FileNotFoundError):
            self._lease.rename(aside)
            if aside.read_text(encoding="utf-8") != owner:
                with contextlib.suppress(OSError):
                    os.link(aside, self._lease)
            aside.unlink()

    def _path(self, member: Member) -> Path:
        return self._runs / f"{member.name}.json"

    def _beat(self) -> None:
        with self._write_lock:
            path = self._path(self.me)
            temporary = self.temporary / "member"
            temporary.write_text(json.dumps(asdict(self.me)), encoding="utf-8")
            temporary.replace(path)

    def _keep_beating(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):  # the share may come back
                self._beat()

    def server_time(self) -> float:
        """Return the present time by the clock of the file server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder) as file:
            return os.fstat(file.fileno()).st_mtime


def _safe(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in name)[:40]

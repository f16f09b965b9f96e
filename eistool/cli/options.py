"""Options shared by several commands, and their value types."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eistool.cli.output import echo

if TYPE_CHECKING:
    from eistool.batch import Scheduling, Selection

Command = TypeVar("Command", bound=Callable[..., Any])


def inputs(command: Command) -> Command:
    """Add ``PATH...``, ``--samples`` and ``--json``."""
    decorators = (
        click.argument(
            "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH..."
        ),
        click.option(
            "--samples",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Samples table; by default samples.csv in or above each file's folder.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of tables."),
    )
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def circuits(command: Command) -> Command:
    """Add ``--circuits``."""
    return click.option(
        "--circuits",
        "circuit_folders",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        multiple=True,
        help="Folder of custom circuits, searched first; may be repeated.",
    )(command)


def find_circuits(folder: Path, named: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the folders of the user's circuits, with a note for each built-in circuit that they replace."""
    from eistool.circuit.library import replaced_circuits
    from eistool.settings import circuit_folders

    folders = circuit_folders(folder, named)
    for name, path in replaced_circuits(folders).items():
        echo(f"note: {path} replaces the built-in circuit {name}", err=True)
    return folders


def results(command: Command) -> Command:
    """Add ``--out``, ``--jobs``, ``--force``, ``--report``, ``--verbose``, ``--no-progress``, ``--log-level``."""
    decorators = (
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            help="Result folder; an existing one is resumed.  [default: eistool-results, beside the input folder "
            "if that is the working folder]",
        ),
        click.option("--jobs", type=click.IntRange(min=1), help="Processes; by default one per core."),
        click.option("--force", is_flag=True, help="Compute everything anew."),
        click.option(
            "--report/--no-report", default=True, show_default=True, help="Write report.html beside the tables."
        ),
        click.option("--excel", is_flag=True, help="Write results.xlsx too, a sheet for each table."),
        click.option("--verbose", "-v", is_flag=True, help="Print every sweep, also of large folders."),
        click.option("--no-progress", is_flag=True, help="Do not report progress on stderr."),
        click.option(
            "--log-level",
            type=click.Choice(("debug", "info", "warning", "error")),
            default="warning",
            show_default=True,
            help="Least severity of the entries of eistool.log in the result folder.",
        ),
    )
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def scheduling(command: Command) -> Command:
    """Add the options that distribute the work, which have no influence on the results."""
    decorators = (
        click.option(
            "--if-busy",
            type=click.Choice(("join", "wait", "fail")),
            default="join",
            show_default=True,
            help="Share the work with a run that is at work in the result folder with the same settings, wait for "
            "it to end, or refuse; runs with other settings are waited for.",
        ),
        click.option(
            "--scheduler",
            default="local",
            show_default=True,
            metavar="local|tcp://HOST:PORT",
            help="Compute on this machine, or on the workers of a Dask scheduler.",
        ),
        click.option(
            "--shard",
            type=Shard(),
            help="Compute the I-th of N parts, and leave the tables to eistool merge.",
        ),
        click.option("--timeout", type=float, help="Seconds after which a spectrum is given up."),
        click.option("--nice", type=click.IntRange(0, 19), default=0, help="Lower priority of the processes."),
        click.option(
            "--compute/--no-compute",
            default=True,
            help="Compute what is missing, or write the tables of what there is.  [default: --compute]",
        ),
    )
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def to_scheduling(given: dict[str, Any]) -> "Scheduling":
    """Return the distribution of the work given by the options of :func:`scheduling`."""
    from eistool.batch import Scheduling

    names = ("if_busy", "scheduler", "shard", "timeout", "nice", "compute")
    return Scheduling(**{name: given[name] for name in names})


class Shard(click.ParamType[tuple[int, int]]):
    """``I/N``, as the number of a part, from 1, and the number of parts."""

    name = "I/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return both numbers."""
        if isinstance(value, tuple):
            return value
        number, _, count = str(value).partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            self.fail(f"{value!r}; write I/N with I from 1 to N, for instance 3/20", param, ctx)
        return int(number), int(count)


def profile(command: Command) -> Command:
    """Add ``--profile``."""
    return click.option(
        "--profile",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Cycling record (.mpr, .mpt or text), source of charge, voltage and direction of each spectrum.",
    )(command)


def electrode(command: Command) -> Command:
    """Add ``--electrode``."""
    return click.option(
        "--electrode",
        type=click.Choice(("working", "counter", "cell")),
        default="working",
        show_default=True,
        help="Electrode whose impedance is read from three-electrode files.",
    )(command)


def out_folder(command: Command) -> Command:
    """Add ``--out``."""
    return click.option(
        "--out", type=click.Path(path_type=Path), help="Result folder.  [default: eistool-results]"
    )(command)


def plots(command: Command) -> Command:
    """Add ``--plots``."""
    return click.option(
        "--plots", type=click.Choice(("all", "none")), default="all", show_default=True, help="Pictures."
    )(command)


def selection(command: Command) -> Command:
    """Add ``--by`` and the options that select sweeps and points."""
    decorators = (
        click.option(
            "--by",
            type=click.Choice(("soc", "voltage", "temperature", "time", "cycle")),
            help="Order the results along this coordinate; fit and track follow processes along it.",
        ),
        click.option("--select", type=Numbers(), default=(), help="Sweeps of each file to use, from 1."),
        click.option("--every", type=click.IntRange(min=1), default=1, help="Use every n-th sweep of each file."),
        click.option("--time-range", type=Range(), help="Use sweeps started between these hours of a file."),
        click.option("--f-min", type=float, help="Lowest frequency to use, in Hz."),
        click.option("--f-max", type=float, help="Highest frequency to use, in Hz."),
    )
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def to_selection(given: dict[str, Any]) -> "Selection":
    """Return the selection given by the options of :func:`selection`."""
    from eistool.batch import Selection

    return Selection(
        sweeps=given["select"],
        every=given["every"],
        time_range=given["time_range"],
        f_min=given["f_min"],
        f_max=given["f_max"],
    )


GEOMETRY = (
    ("thickness_um", "Thickness of the electrolyte, in µm."),
    ("u_thickness_um", "Its standard uncertainty.  [default: 20]"),
    ("diameter_mm", "Diameter of the pellet, in mm."),
    ("u_diameter_mm", "Its standard uncertainty.  [default: 0.05]"),
    ("electrode_diameter_mm", "Diameter of electrodes that are smaller than the pellet, in mm."),
    ("area_cm2", "Area, in cm², in place of a diameter."),
    ("cell_constant_per_cm", "L/A, in 1/cm, in place of the geometry."),
    ("r_lead_ohm", "Resistance of the leads, in ohm, to be subtracted."),
)
TEMPERATURE = (
    ("temperature_C", "Temperature, in °C."),
    ("u_temperature_C", "Its standard uncertainty.  [default: 1]"),
)


def geometry(command: Command) -> Command:
    """Add the options that describe thickness and area of a cell, and the resistance of its leads."""
    return _numbers(command, GEOMETRY)


def cell_facts(command: Command) -> Command:
    """Add options for metadata of the cell, which take precedence over the samples table."""
    return click.option(
        "--cell-type",
        type=click.Choice(("blocking", "symmetric", "electron_blocking", "full", "other")),
        help="Type of the cell.",
    )(_numbers(command, GEOMETRY + TEMPERATURE))


def _numbers(command: Command, options: Sequence[tuple[str, str]]) -> Command:
    for name, text in reversed(options):
        command = click.option(f"--{name.replace('_', '-').lower()}", name, type=float, help=text)(command)
    return command


def to_metadata(given: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata given by the options of :func:`geometry` or :func:`cell_facts`."""
    names = ("cell_type", *(name for name, _ in GEOMETRY + TEMPERATURE))
    return {name: given[name] for name in names if given.get(name) is not None}


class Measured(click.ParamType[tuple[float, float]]):
    """``VALUE[,U]``, as a value and its standard uncertainty."""

    name = "VALUE[,U]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Return both numbers."""
        if isinstance(value, tuple):
            return value
        number, _, u = str(value).replace("±", ",").partition(",")
        try:
            return float(number), float(u or 0)
        except ValueError:
            self.fail(f"{value!r}; write for instance 23,0.2", param, ctx)


class Assignment(click.ParamType[tuple[str, float]]):
    """``NAME=VALUE``, as a name and a number."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Return the name and the number."""
        if isinstance(value, tuple):
            return value
        name, equals, number = str(value).partition("=")
        try:
            return name.strip(), float(number)
        except ValueError:
            self.fail(f"{value!r}; write for instance {'R1=100' if equals else f'{name}=100'}", param, ctx)


class Range(click.ParamType[tuple[float, float]]):
    """``LOW:HIGH``, as two numbers; either may be left out."""

    name = "LOW:HIGH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Return both ends."""
        if isinstance(value, tuple):
            return value
        low, colon, high = str(value).partition(":")
        try:
            ends = float(low or "-inf"), float(high or "inf")
        except ValueError:
            colon = ""
        if not colon or ends[0] > ends[1]:
            self.fail(f"{value!r}; write for instance 0.5:24", param, ctx)
        return ends


class Bound(click.ParamType[tuple[str, tuple[float, float]]]):
    """``NAME=LOW:HIGH``, as a name and two numbers."""

    name = "NAME=LOW:HIGH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[float, float]]:
        """Return the name and both ends."""
        if isinstance(value, tuple):
            return value
        name, _, ends = str(value).partition("=")
        low, _, high = ends.partition(":")
        try:
            return name.strip(), (float(low), float(high))
        except ValueError:
            self.fail(f"{value!r}; write for instance CPE1.alpha=0.7:1", param, ctx)


class Numbers(click.ParamType[tuple[int, ...]]):
    """``1,10,20``, as whole numbers."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r}; write for instance 1,10,20", param, ctx)

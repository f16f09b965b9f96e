"""Schema of ``eistool.toml``, and lookup of settings and circuit folders."""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from eistool.errors import ConfigError
from eistool.settings.overrides import Override
from eistool.typing import PathLike

FILE_NAME = "eistool.toml"
CIRCUITS_VARIABLE = "EISTOOL_CIRCUITS"

Weighting = Literal["auto", "modulus", "unit", "proportional", "noise"]
Mask = Literal["auto", "none", "outliers", "kk"]
Plots = Literal["failed", "all", "none"]
Coordinate = Literal["soc", "voltage", "temperature", "time", "cycle"]

WEIGHTINGS: tuple[str, ...] = get_args(Weighting)
PLOTS: tuple[str, ...] = get_args(Plots)
COORDINATES: tuple[str, ...] = get_args(Coordinate)


class FitSettings(BaseModel):
    """Table ``[fit]``: defaults of ``eistool fit``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    circuit: str = "auto"
    weighting: Weighting = "auto"
    jobs: PositiveInt | None = None  # by default one thread per core
    plots: Plots = "failed"
    by: Coordinate | None = None
    drt: bool = True
    mask: Mask = "auto"
    circuit_per: Literal["spectrum", "series"] = "series"
    require_valid: bool = False


class SubtractionSettings(BaseModel):
    """Table ``[subtraction]``: defaults of ``eistool subtract``; resistances are [R, u] in ohm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    full: tuple[str, ...] = ()  # files or patterns, relative to eistool.toml
    symmetric: str | None = None
    layers: NonNegativeInt | None = None
    counter_electrodes: NonNegativeInt | None = None
    r_in: Literal["per_electrode", "pair"] = "per_electrode"
    electrolyte: tuple[NonNegativeFloat, NonNegativeFloat] | None = None
    interface: tuple[NonNegativeFloat, NonNegativeFloat] | None = None
    lead: tuple[NonNegativeFloat, NonNegativeFloat] = (0.0, 0.0)
    full_layer: tuple[PositiveFloat, PositiveFloat] | None = None  # thickness in µm, diameter in mm
    symmetric_layer: tuple[PositiveFloat, PositiveFloat] | None = None


class Settings(BaseModel):
    """Contents of ``eistool.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit: FitSettings = FitSettings()
    subtraction: SubtractionSettings = SubtractionSettings()
    circuits: Path | None = None  # folder of circuits, relative to eistool.toml
    override: tuple[Override, ...] = ()


def load_settings(folder: PathLike) -> Settings:
    """Return the settings of the nearest ``eistool.toml`` in or above a folder, or the defaults.

    Parameters
    ----------
    folder : path
        A folder, or a file in it.

    Raises
    ------
    ConfigError
        If the file is not valid TOML, or has an unknown key or a wrong value; the message gives file, key
        and allowed values.

    Examples
    --------
    >>> load_settings("/").fit.weighting
    'auto'
    """
    start = Path(folder).resolve()
    path = next((p / FILE_NAME for p in (start, *start.parents) if (p / FILE_NAME).is_file()), None)
    if path is None:
        return Settings()
    try:
        settings = Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: {error}; write TOML such as [fit] and circuit = 'spike'") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_error(error)}") from error
    settings = settings.model_copy(update={"subtraction": _resolved(path.parent, settings.subtraction)})
    if settings.circuits is None:
        return settings
    folder = (path.parent / settings.circuits).resolve()
    if not folder.is_dir():
        raise ConfigError(f"{path}: circuits = '{settings.circuits}'; folder {folder} not found")
    return settings.model_copy(update={"circuits": folder})


def _resolved(folder: Path, subtraction: SubtractionSettings) -> SubtractionSettings:
    """Return the settings with paths relative to the folder resolved, and patterns expanded."""
    full = []
    for pattern in subtraction.full:
        files = sorted(folder.glob(pattern))
        full += [str(file) for file in files] if files else [str(folder / pattern)]
    symmetric = None if subtraction.symmetric is None else str(folder / subtraction.symmetric)
    return subtraction.model_copy(update={"full": tuple(full), "symmetric": symmetric})


def circuit_folders(folder: PathLike, named: Iterable[PathLike] = ()) -> tuple[Path, ...]:
    """Return the folders of the user's circuits, in search order.

    The order is: named folders (command-line option), the environment variable ``EISTOOL_CIRCUITS`` (separated
    as in ``PATH``), and the key ``circuits`` of the nearest ``eistool.toml``.

    Parameters
    ----------
    folder : path
        Folder in or above which ``eistool.toml`` is searched.
    named : iterable of paths
        Folders to search first.

    Raises
    ------
    ConfigError
        If a folder does not exist; the message names the option, variable or file that refers to it.

    Examples
    --------
    >>> circuit_folders("/", ["/tmp"])[0].name
    'tmp'
    """
    sources = [("--circuits", Path(name)) for name in named]
    variable = os.environ.get(CIRCUITS_VARIABLE, "")
    sources += [(CIRCUITS_VARIABLE, Path(name).expanduser()) for name in variable.split(os.pathsep) if name]
    for source, path in sources:
        if not path.is_dir():
            raise ConfigError(
                f"{source}: folder {path} not found; give a folder with a NAME.toml for each circuit"
            )
    default = load_settings(folder).circuits
    return tuple(dict.fromkeys([path for _, path in sources] + ([] if default is None else [default])))


def _first_error(error: ValidationError) -> str:
    mistake = error.errors()[0]
    *table, key = (str(part) for part in mistake["loc"])
    name = ".".join([*table, key])
    if mistake["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"fit": FitSettings, "subtraction": SubtractionSettings}
        model = models.get(".".join(table), Settings)
        return f"unknown key {name!r}; allowed are {', '.join(model.model_fields)}"
    return f"{name} = {mistake['input']!r}; {mistake['msg'][0].lower()}{mistake['msg'][1:]}"

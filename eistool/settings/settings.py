"""The contents of ``eistool.toml``, checked key by key."""

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
from eistool.typing import PathLike

FILE_NAME = "eistool.toml"
CIRCUITS_VARIABLE = "EISTOOL_CIRCUITS"

Weighting = Literal["modulus", "unit", "proportional", "noise"]
Mask = Literal["none", "outliers", "kk"]
Plots = Literal["failed", "all", "none"]
Coordinate = Literal["soc", "voltage", "temperature", "time", "cycle"]

WEIGHTINGS: tuple[str, ...] = get_args(Weighting)
PLOTS: tuple[str, ...] = get_args(Plots)
COORDINATES: tuple[str, ...] = get_args(Coordinate)


class FitSettings(BaseModel):
    """The table ``[fit]``: defaults of ``eistool fit``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    circuit: str = "auto"
    weighting: Weighting = "modulus"
    jobs: PositiveInt | None = None  # one thread for each core
    plots: Plots = "failed"
    by: Coordinate | None = None
    drt: bool = True
    mask: Mask = "none"
    require_valid: bool = False


class SubtractionSettings(BaseModel):
    """The table ``[subtraction]``: defaults of ``eistool subtract``; resistances are [R, u] in ohm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    full: tuple[str, ...] = ()  # files or patterns, relative to the file
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
    """All of ``eistool.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit: FitSettings = FitSettings()
    subtraction: SubtractionSettings = SubtractionSettings()
    circuits: Path | None = None  # folder of circuits; in the file relative to the file


def load_settings(folder: PathLike) -> Settings:
    """Return the settings of the nearest ``eistool.toml`` in or above a folder, or the defaults.

    Parameters
    ----------
    folder : path
        A folder, or a file in it.

    Raises
    ------
    ConfigError
        If the file is no TOML, or has an unknown key or a wrong value; the message names file and key,
        and what is allowed.

    Examples
    --------
    >>> load_settings("/").fit.weighting
    'modulus'
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
        raise ConfigError(f"{path}: {_first_mistake(error)}") from error
    settings = settings.model_copy(update={"subtraction": _resolved(path.parent, settings.subtraction)})
    if settings.circuits is None:
        return settings
    folder = (path.parent / settings.circuits).resolve()
    if not folder.is_dir():
        raise ConfigError(f"{path}: circuits = '{settings.circuits}'; there is no folder {folder}")
    return settings.model_copy(update={"circuits": folder})


def _resolved(folder: Path, subtraction: SubtractionSettings) -> SubtractionSettings:
    """Return the settings with files as the folder of eistool.toml has them, patterns spelled out."""
    found = []
    for pattern in subtraction.full:
        files = sorted(folder.glob(pattern))
        found += [str(file) for file in files] if files else [str(folder / pattern)]
    symmetric = None if subtraction.symmetric is None else str(folder / subtraction.symmetric)
    return subtraction.model_copy(update={"full": tuple(found), "symmetric": symmetric})


def circuit_folders(folder: PathLike, named: Iterable[PathLike] = ()) -> tuple[Path, ...]:
    """Return the folders of the user's circuits, in the order in which they are searched.

    These are the named ones (by an option), those of the environment variable ``EISTOOL_CIRCUITS``
    (several are separated as in ``PATH``), and the key ``circuits`` of the nearest ``eistool.toml``.

    Parameters
    ----------
    folder : path
        In or above which ``eistool.toml`` is looked for.
    named : iterable of paths
        Folders that come first.

    Raises
    ------
    ConfigError
        If there is no such folder; the message says who named it.

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
            raise ConfigError(f"{source}: there is no folder {path}; give one with a NAME.toml for each circuit")
    own = load_settings(folder).circuits
    return tuple(dict.fromkeys([path for _, path in sources] + ([] if own is None else [own])))


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors()[0]
    *table, key = (str(part) for part in mistake["loc"])
    name = ".".join([*table, key])
    if mistake["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"fit": FitSettings, "subtraction": SubtractionSettings}
        model = models.get(".".join(table), Settings)
        return f"unknown key {name!r}; allowed are {', '.join(model.model_fields)}"
    return f"{name} = {mistake['input']!r}; {mistake['msg'][0].lower()}{mistake['msg'][1:]}"

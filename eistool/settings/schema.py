"""Schema of ``eistool.toml``, and a commented file with its defaults."""

import json
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from eistool.settings.overrides import Override

Weighting = Literal["auto", "modulus", "unit", "proportional", "noise"]
Mask = Literal["auto", "none", "outliers", "kk"]
Plots = Literal["failed", "all", "none"]
Coordinate = Literal["soc", "voltage", "temperature", "time", "cycle"]

WEIGHTINGS: tuple[str, ...] = get_args(Weighting)
PLOTS: tuple[str, ...] = get_args(Plots)
COORDINATES: tuple[str, ...] = get_args(Coordinate)

_HEAD = """\
# Settings of eistool for the spectra in and below this folder. Options of the command line take precedence,
# and only the nearest eistool.toml in or above a folder counts. Uncomment a line to change a default.
"""


def _key(default: Any, description: str, example: Any = None) -> Any:
    """Return a field with its description, and an example for a default of None."""
    return Field(default=default, description=description, examples=[example])


class FitSettings(BaseModel):
    """Table ``[fit]``: defaults of ``eistool fit``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    circuit: str = _key("auto", "name of the library, expression, or auto")
    weighting: Weighting = _key("auto", "divisor of the residuals")
    jobs: PositiveInt | None = _key(None, "number of parallel computations; by default one per core", 4)
    plots: Plots = _key("failed", "spectra to plot; failed includes poor models")
    by: Coordinate | None = _key(None, "coordinate along which processes are followed", "soc")
    drt: bool = _key(True, "whether to compute the distribution of relaxation times")
    mask: Mask = _key("auto", "points left out of a fit")
    circuit_per: Literal["spectrum", "series"] = _key("series", "whether the sweeps of a sample take one circuit")
    require_valid: bool = _key(False, "whether to fit only spectra that pass the Kramers-Kronig test")


class SubtractionSettings(BaseModel):
    """Table ``[subtraction]``: defaults of ``eistool subtract``; resistances are [R, u] in ohm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    full: tuple[str, ...] = _key((), "files or patterns below this folder, or resistances", ["full_*.mpt"])
    symmetric: str | None = _key(None, "file of the symmetric cell, or its resistance", "symmetric.mpt")
    layers: NonNegativeInt | None = _key(None, "electrolyte layers of the full cell", 2)
    counter_electrodes: NonNegativeInt | None = _key(None, "counter electrodes of the full cell", 2)
    r_in: Literal["per_electrode", "pair"] = _key("per_electrode", "meaning of the interface resistance")
    electrolyte: tuple[NonNegativeFloat, NonNegativeFloat] | None = _key(
        None, "R_SE of the symmetric cell; by default from a fit", [23.0, 0.2]
    )
    interface: tuple[NonNegativeFloat, NonNegativeFloat] | None = _key(
        None, "R_In of the symmetric cell; by default from a fit", [0.9, 0.1]
    )
    lead: tuple[NonNegativeFloat, NonNegativeFloat] = _key((0.0, 0.0), "leads and contacts of the full cell")
    full_layer: tuple[PositiveFloat, PositiveFloat] | None = _key(
        None, "thickness in µm and diameter in mm of one electrolyte layer of the full cell", [100.0, 10.0]
    )
    symmetric_layer: tuple[PositiveFloat, PositiveFloat] | None = _key(
        None, "the same for the symmetric cell", [100.0, 10.0]
    )


class Settings(BaseModel):
    """Contents of ``eistool.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit: FitSettings = FitSettings()
    subtraction: SubtractionSettings = SubtractionSettings()
    circuits: Path | None = _key(None, "folder of circuits, relative to this file", "circuits")
    override: tuple[Override, ...] = ()


TABLES: dict[str, type[BaseModel]] = {"fit": FitSettings, "subtraction": SubtractionSettings}


def commented_defaults() -> str:
    r"""Return an ``eistool.toml`` with every key, its meaning and its default, commented out.

    Examples
    --------
    >>> print("\n".join(commented_defaults().splitlines()[3:6]))
    # folder of circuits, relative to this file
    # circuits = "circuits"
    <BLANKLINE>
    """
    lines = [_HEAD, *_keys(Settings)]
    for name, model in TABLES.items():
        lines += ["", f"[{name}]", *_keys(model)]
    return "\n".join(lines) + "\n"


def _keys(model: type[BaseModel]) -> list[str]:
    lines = []
    for name, one in model.model_fields.items():
        if one.description is None:  # a table
            continue
        choices = [choice for choice in _choices(one.annotation) if choice is not None]
        meaning = one.description + (f": {', '.join(map(str, choices))}" if choices else "")
        value = one.default if one.default not in (None, ()) else (one.examples or [None])[0]
        lines += [f"# {meaning}", f"# {name} = {json.dumps(value)}"]
    return lines


def _choices(annotation: Any) -> tuple[Any, ...]:
    """Return the values of a literal, or of one among alternatives."""
    if getattr(annotation, "__origin__", None) is Literal:
        return get_args(annotation)
    return next(filter(None, map(_choices, get_args(annotation))), ())

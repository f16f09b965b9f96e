"""Overrides: choices that a person made for single sweeps, stored as ``[[override]]`` in ``eistool.toml``."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, ValidationError

from eistool.errors import ConfigError

BEGIN, END = "# choices accepted in eistool serve: begin", "# choices accepted in eistool serve: end"


class Override(BaseModel):
    """Choices for one sweep, which precede all other settings of a fit.

    ``file`` is the source of the sweep, or its base name. Points at ``masked_Hz`` are left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    sweep: PositiveInt = 1
    circuit: str | None = None
    f_min_Hz: PositiveFloat | None = None
    f_max_Hz: PositiveFloat | None = None
    masked_Hz: tuple[PositiveFloat, ...] = ()
    weighting: Literal["auto", "modulus", "unit", "proportional", "noise"] | None = None
    bounds: dict[str, tuple[float, float]] = {}
    fixed: dict[str, float] = {}

    def to_toml(self) -> str:
        """Return the override as a table of TOML."""
        known = self.model_dump(exclude_defaults=True)
        return "\n".join(["[[override]]", *(f"{name} = {_toml(value)}" for name, value in known.items())])


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def read_overrides(path: Path) -> tuple[Override, ...]:
    """Return the overrides of a file, none if it does not exist.

    Raises
    ------
    ConfigError
        If the file is not valid TOML, or an override has an unknown key or a wrong value.
    """
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(Override.model_validate(one) for one in contents.get("override", ()))
    except FileNotFoundError:
        return ()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, TypeError) as error:
        raise ConfigError(f"{path}: {error}; correct or remove the file") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: override, {place}: {first['msg']}") from error


def with_override(text: str, overrides: Iterable[Override]) -> str:
    r"""Return the text of an ``eistool.toml`` with these accepted overrides in place of the earlier ones.

    Examples
    --------
    >>> print(with_override("[fit]\njobs = 2\n", [Override(file="a.csv", circuit="spike")]))
    [fit]
    jobs = 2
    <BLANKLINE>
    # choices accepted in eistool serve: begin
    [[override]]
    file = "a.csv"
    circuit = "spike"
    # choices accepted in eistool serve: end
    <BLANKLINE>
    """
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    tables = "\n\n".join(one.to_toml() for one in overrides)
    head = before.rstrip("\n")
    return f"{head}{chr(10) * 2 if head else ''}{BEGIN}\n{tables}\n{END}\n{after.lstrip(chr(10))}"

"""``eistool simulate``: spectra of known circuits."""

from pathlib import Path

import click

from eistool.cli.options import Assignment, circuits, find_circuits
from eistool.cli.output import echo
from eistool.errors import ConfigError

FORMATS = ("csv", "csv-semicolon", "dta", "json", "mpt", "z")


@click.command(
    epilog="""\b
Examples:
  eistool simulate "R0-p(R1,CPE1)" -p R0=10 -p R1=100 -p CPE1.Q=1e-6 -p CPE1.alpha=0.9 -o arc.csv
  eistool simulate spike -p L0=1e-7 -p R0=53 -p CPE1.Q=2e-6 -p CPE1.alpha=0.92 --noise 0.005 -o pellet.mpt
"""
)
@click.argument("circuit")
@circuits
@click.option("-p", "--parameter", "values", type=Assignment(), multiple=True, help="Value of a parameter.")
@click.option("--f-min", type=float, default=0.1, show_default=True, help="Lowest frequency, in Hz.")
@click.option("--f-max", type=float, default=1e6, show_default=True, help="Highest frequency, in Hz.")
@click.option("--per-decade", type=click.IntRange(min=1), default=10, show_default=True, help="Points per decade.")
@click.option("--noise", type=float, default=0.0, show_default=True, help="Standard deviation relative to |Z|.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the noise.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; by default stdout.")
@click.option(
    "--format", "style", type=click.Choice(FORMATS), help="File format; by default from the suffix, else csv."
)
def command(
    circuit: str,
    circuit_folders: tuple[Path, ...],
    values: tuple[tuple[str, float], ...],
    f_min: float,
    f_max: float,
    per_decade: int,
    noise: float,
    seed: int,
    output: Path | None,
    style: str | None,
) -> None:
    """Simulate the spectrum of CIRCUIT, an expression or a name of the library.

    Every parameter of the circuit needs a value: -p NAME=VALUE. Frequencies descend. Noise is normally
    distributed, with equal variance of real and imaginary parts.
    """
    from eistool.circuit import as_circuit
    from eistool.circuit.simulate import simulate
    from eistool.readers.writers import format_spectra, write_spectra

    the_circuit = as_circuit(circuit, find_circuits(Path.cwd(), circuit_folders))
    spectrum = simulate(the_circuit, sweep(f_min, f_max, per_decade), dict(values), noise=noise, seed=seed)
    if output is None:
        echo(format_spectra([spectrum], style or "csv"), nl=False)
        return
    try:
        write_spectra(output, [spectrum], style)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error.strerror or error})") from error
    echo(f"{len(spectrum)} points in {output}", err=True)


def sweep(f_min: float, f_max: float, per_decade: int) -> list[float]:
    """Return logarithmically spaced frequencies in Hz, descending from ``f_max`` to ``f_min``.

    Examples
    --------
    >>> sweep(1, 100, 1)
    [100.0, 10.0, 1.0]
    """
    import math

    if not 0 < f_min < f_max < math.inf:
        raise ConfigError(f"f-min={f_min:g}, f-max={f_max:g}; give 0 < f-min < f-max, in Hz")
    decades = math.log10(f_max / f_min)
    n = max(2, round(decades * per_decade) + 1)
    return [f_max * 10 ** (-decades * i / (n - 1)) for i in range(n - 1)] + [float(f_min)]

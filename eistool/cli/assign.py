"""``eistool assign``: assignment of arcs to processes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eistool.cli.options import cell_facts, circuits, find_circuits, inputs, to_metadata
from eistool.cli.output import echo, echo_json

if TYPE_CHECKING:
    from eistool.fitting import FitResult
    from eistool.spectrum import Spectrum


@click.command(
    epilog="""\b
Examples:
  eistool assign pellet_m40C.mpt --circuit "p(R1,CPE1)-p(R2,CPE2)-CPE3" --thickness-um 1000 --diameter-mm 10
  eistool assign pellets/ --cell-type blocking
"""
)
@inputs
@circuits
@click.option("--circuit", help="Name of the library, or expression.  [default: of the samples table, or auto]")
@cell_facts
def command(paths: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Assign the arcs of spectra to processes: capacitances, candidates, evidence.

    C L/A is compared with typical values of bulk and grain boundaries, C/A with those of interfaces, each
    within a factor of 3; roles from the circuit library take precedence. A grain boundary is claimed only if
    its apex lies in the window, its capacitance is plausible, and the BIC rises by more than 10 without it.
    """
    import eistool
    from eistool.materials import assign
    from eistool.readers import override

    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    folders = find_circuits(folder, options["circuit_folders"])
    assigned = []
    for spectrum in eistool.read(list(paths), options["samples"]):
        full = override(spectrum, "command line", to_metadata(options))
        result = _fit(full, options["circuit"] or full.metadata.circuit, folders)
        assigned.append((result, assign(result)))
    if as_json:
        contents = [
            {"label": result.spectrum.label, "circuit": repr(result.circuit), "status": result.status}
            | {"processes": [one.to_dict() for one in processes]}
            for result, processes in assigned
        ]
        echo_json(contents)
        return
    for result, processes in assigned:
        echo(f"{result.spectrum.label}: {result.circuit}, {result.status}")
        for line in [text for one in processes for text in _lines(one)] or [f"  no arcs {result.reason}".rstrip()]:
            echo(line)


def _fit(spectrum: "Spectrum", circuit: str | None, folders: tuple[Path, ...]) -> "FitResult":
    from eistool.circuit import as_circuit
    from eistool.fitting import compare_circuits, fit_many
    from eistool.jobs.candidates import candidates, choose

    if circuit is not None and circuit != "auto":
        return fit_many([spectrum], as_circuit(circuit, folders), jobs=1)[0]
    ranked = compare_circuits(spectrum, candidates(spectrum.metadata, folders))
    return choose([candidate.result for candidate in ranked], spectrum.metadata)


def _lines(one: Any) -> list[str]:
    from math import isfinite, isinf

    from eistool.display import format_value
    from eistool.materials.assignment import grain_boundary_objection
    from eistool.report.units import format_hertz, format_ohm

    place = (
        "blocks" if isinf(one.R) else f"{format_ohm(one.R, one.u_R)} at {format_hertz(one.apex_Hz)}, {one.status}"
    )
    lines = [f"  {one.name}: {one.assignment or 'unknown'}; {place}, alpha {one.alpha:.3f}"]
    capacitances = (("C", one.C_eff, one.u_C_eff), ("Brug", one.C_brug, one.u_C_brug))
    known = [f"{name} {format_value(value, u)} F" for name, value, u in capacitances if isfinite(value)]
    if known:
        lines.append(f"    {', '.join(known)}")
    lines.append(f"    {one.reason}")
    if "grain_boundary" in one.candidates or one.assignment == "grain_boundary":
        objection = grain_boundary_objection(one)
        verdict = f"not claimed: {objection}" if objection else f"claimed: ΔBIC {one.delta_bic:.0f} without it"
        lines.append(f"    as a grain boundary {verdict}")
    return lines

"""Workbench of ``eistool serve``: single sweeps of a result folder, refitted as a person chooses."""

import json
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pydantic import ValidationError

from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.files import write_whole
from eistool.circuit import as_circuit
from eistool.circuit.library import circuit_names
from eistool.display import format_value, plain
from eistool.drt import compute_drt
from eistool.errors import ConfigError, EistoolError
from eistool.fitting import FitResult, compare_circuits, fit
from eistool.jobs.overrides import chosen_points
from eistool.report.page.render import render_pages
from eistool.report.page.words import explain_flag
from eistool.report.results import Key, Results, key_of, name_of, number, read_results
from eistool.settings import Override, read_overrides, with_override
from eistool.settings.settings import FILE_NAME
from eistool.spectrum import Metadata, Spectrum
from eistool.typing import JSON, ComplexArray

DRAFTS = "serve.json"
MOST_COMPARED = 8


class Workbench:
    """Sweeps of a result folder with drafts of choices, which survive the browser and the server.

    Parameters
    ----------
    folder : Path
        Result folder.

    Raises
    ------
    ConfigError
        If the folder was not written by eistool.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._spectra: dict[str, Spectrum] = {}
        self._dropped: dict[str, Spectrum] = {}
        self._masked: dict[str, list[float]] = {}  # by the run
        self._stamp: object = None
        self._drafts: dict[str, JSON] = self._read_drafts()
        self.spectra()  # raises now rather than at the first click

    @property
    def stamp(self) -> str:
        """Time of the last change of the results."""
        return str((self.folder / "run.json").stat().st_mtime_ns)

    def page(self, number: int = 1) -> str | None:
        """Return a page of the report with the panel for refits, None if there is no such page."""
        pages = render_pages(self.folder, live=True)
        return pages[number - 1] if 1 <= number <= len(pages) else None

    def spectra(self) -> dict[str, Spectrum]:
        """Return the sweeps by name, those dropped on the page included."""
        with self._lock:
            if self._stamp != self.stamp:
                results = read_results(self.folder)
                self._spectra, self._masked = _spectra(results), _masked(results)
                self._stamp = self.stamp
            return {**self._spectra, **self._dropped}

    def open(self, name: str) -> JSON:
        """Return points, circuits and the latest choices of a sweep."""
        spectrum = self._spectrum(name)
        accepted = {name_of((one.file, one.sweep)): one for one in self._accepted()}
        default = accepted[name].model_dump(exclude_defaults=True) if name in accepted else {}
        circuit = self._circuits().get(name) or _suggested(spectrum)
        draft = {
            "circuit": circuit,
            "masked_Hz": self._masked.get(name, []),
            **default,
            **self._drafts.get(name, {}),
        }
        order = np.argsort(spectrum.frequency)[::-1]
        return {
            "name": name,
            "choices": plain({key: value for key, value in draft.items() if key not in ("file", "sweep")}),
            "accepted": name in accepted,
            "circuits": sorted(circuit_names()),
            "f": spectrum.frequency[order].tolist(),
            "re": spectrum.impedance.real[order].tolist(),
            "im": spectrum.impedance.imag[order].tolist(),
        }

    def refit(self, name: str, choices: Mapping[str, Any]) -> JSON:
        """Return the fit of a sweep with these choices, and keep them as its draft.

        Parameters
        ----------
        name : str
            Of the sweep.
        choices : mapping
            Fields of :class:`~eistool.settings.Override` other than ``file`` and ``sweep``.

        Raises
        ------
        EistoolError
            If the sweep is unknown, a choice is wrong, or the fit fails.
        """
        override = self._override(name, choices)
        result = self._fit(name, override)
        self._keep(name, override)
        return _described(result)

    def simulate(self, name: str, choices: Mapping[str, Any], values: Mapping[str, float]) -> JSON:
        """Return the curve of the circuit at given values of all its parameters, without a fit.

        Parameters
        ----------
        name : str
            Of the sweep.
        choices : mapping
            As for :meth:`refit`; the circuit and the points are used.
        values : mapping
            Value of each parameter by its full name, in SI units.

        Raises
        ------
        EistoolError
            If the sweep is unknown, or a choice or a value is wrong.
        """
        override = self._override(name, choices)
        spectrum = chosen_points(self._spectrum(name), override)
        impedance = as_circuit(override.circuit or "").impedance(spectrum.frequency, values)
        residual = (spectrum.impedance - impedance) / abs(spectrum.impedance)
        rms = np.sqrt(np.mean(abs(residual[spectrum.mask]) ** 2) / 2)
        return {
            "status": "not fitted",
            "quality": f"residuals {100 * rms:.3g} % of |Z| (root mean square), {spectrum.n_used} points",
            **_curve(spectrum, impedance),
        }

    def compare(self, name: str, choices: Mapping[str, Any], circuits: list[str]) -> list[JSON]:
        """Return the circuits ranked by their evidence on the points of these choices."""
        if not 1 < len(circuits) <= MOST_COMPARED:
            raise ConfigError(f"{len(circuits)} circuits; choose 2 to {MOST_COMPARED} to compare")
        override = self._override(name, choices)
        spectrum = chosen_points(self._spectrum(name), override)
        ranked = compare_circuits(
            spectrum, [as_circuit(one) for one in circuits], weighting=override.weighting or "auto"
        )
        return [
            {
                "circuit": repr(one.result.circuit),
                "delta_bic": one.delta_bic,
                "status": one.result.status,
                "chi2": f"{one.result.chi2_reduced:.3g}" if one.result.success else "",
            }
            for one in ranked
        ]

    def accept(self, name: str, choices: Mapping[str, Any]) -> str:
        """Write the choices of a sweep into ``eistool.toml`` of the result folder, and return what to do next."""
        if name in self._dropped:
            raise ConfigError(f"{name} is no sweep of the folder; run eistool fit on its file first")
        override = self._override(name, choices)
        self._fit(name, override)
        path = self.folder / FILE_NAME
        with self._lock:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            kept = [one for one in self._accepted() if (one.file, one.sweep) != (override.file, override.sweep)]
            write_whole(path, with_override(text, [*kept, override]).encode())
        self._keep(name, override)
        return f"Written to {path}. Run the same eistool fit command again: it refits this sweep alone."

    def read(self, file_name: str, contents: bytes) -> list[str]:
        """Read a file that was dropped on the page, and return the names of its sweeps."""
        from eistool.readers import read

        base = PurePosixPath(file_name.replace("\\", "/")).name or "file"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / base
            path.write_bytes(contents)
            found = read(path)
        names = [f"dropped: {name_of((base, i))}" for i, _ in enumerate(found, start=1)]
        with self._lock:
            self._dropped |= dict(zip(names, found, strict=True))
        return names

    def _spectrum(self, name: str) -> Spectrum:
        spectra = self.spectra()
        if name not in spectra:
            raise ConfigError(f"no sweep {name!r} with points in {self.folder}; reload the page")
        return spectra[name]

    def _circuits(self) -> dict[str, str]:
        return {name_of(key_of(row)): row.get("circuit", "") for row in read_results(self.folder).rows("fits")}

    def _accepted(self) -> tuple[Override, ...]:
        return read_overrides(self.folder / FILE_NAME)

    def _override(self, name: str, choices: Mapping[str, Any]) -> Override:
        source, sweep = _key_of_name(name)
        ends = (0.0, np.inf)  # JSON has no infinity: null is an end without a limit
        try:
            bounds = {
                key: tuple(end if value is None else value for value, end in zip(pair, ends, strict=True))
                for key, pair in choices.get("bounds", {}).items()
            }
            return Override.model_validate({**choices, "bounds": bounds, "file": source, "sweep": sweep})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    def _fit(self, name: str, override: Override) -> FitResult:
        spectrum = chosen_points(self._spectrum(name), override)
        if not override.circuit:
            raise ConfigError("give a circuit: a name of the library, or an expression such as R0-p(R1,CPE1)")
        return fit(
            spectrum,
            as_circuit(override.circuit),
            bounds=override.bounds,
            fixed=override.fixed,
            weighting=override.weighting or "auto",
        )

    def _read_drafts(self) -> dict[str, JSON]:
        try:
            drafts = json.loads((self.folder / DRAFTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none yet
            return {}
        return drafts if isinstance(drafts, dict) else {}

    def _keep(self, name: str, override: Override) -> None:
        with self._lock:
            self._drafts[name] = override.model_dump(exclude_defaults=True, mode="json")
            write_whole(self.folder / DRAFTS, json.dumps(self._drafts, ensure_ascii=False).encode())


def _key_of_name(name: str) -> Key:
    source, mark, sweep = name.rpartition("#")
    return (source, int(sweep)) if mark and sweep.isdigit() else (name, 1)


def _spectra(results: Results) -> dict[str, Spectrum]:
    """Return the measured points of all sweeps by name; every point may be chosen again."""
    spectra = {}
    for key, rows in (results.by_sweep("measured") | results.by_sweep("curves")).items():
        columns = ("frequency_Hz", "z_real_ohm", "z_imag_ohm")
        points = [[number(row.get(column)) for column in columns] for row in rows]
        known = np.array([point for point in points if None not in point], dtype=np.float64)
        if known.size:
            metadata = Metadata(source=key[0], sweep=key[1])
            try:
                z = known[:, 1] + 1j * known[:, 2]
                spectra[name_of(key)] = Spectrum(known[:, 0], z, metadata, label=name_of(key))
            except EistoolError:  # no such spectrum could have been fitted
                continue
    return spectra


def _suggested(spectrum: Spectrum) -> str:
    """Return the circuit suggested by the distribution of relaxation times, empty if there is none."""
    suggested = attempt(spectrum.label, lambda: repr(compute_drt(spectrum).suggest_circuits(1)[0].circuit))
    return "" if isinstance(suggested, Breakdown) else suggested


def _masked(results: Results) -> dict[str, list[float]]:
    return {
        name_of(key): [f for row in rows if row.get("mask_reason") and (f := number(row.get("frequency_Hz")))]
        for key, rows in results.by_sweep("curves").items()
    }


def _curve(spectrum: Spectrum, impedance: ComplexArray) -> JSON:
    """Return the points used and the modelled impedance, the highest frequency first."""
    order = np.argsort(spectrum.frequency)[::-1]
    z = impedance[order]
    return {"used": spectrum.mask[order].tolist(), "fit_re": z.real.tolist(), "fit_im": z.imag.tolist()}


def _described(result: FitResult) -> JSON:
    described: JSON = plain(
        {
            "status": result.status,
            "reason": result.reason,
            "flags": [explain_flag(flag) for flag in result.flags],
            "quality": f"reduced χ² {result.chi2_reduced:.3g}, BIC {result.bic:.1f}, "
            f"{result.spectrum.n_used} points",
            **_curve(result.spectrum, result.impedance),
            "sliders": [
                {name: getattr(p, name) for name in ("name", "value", "unit", "lower", "upper")}
                for p in result.parameters.values()
            ],
            "parameters": [
                [p.name, format_value(p.value, p.stderr), p.unit, p.status.replace("_", " ")]
                for p in result.parameters.values()
            ],
        }
    )
    return described

"""Results of global fits: fits of the spectra, shared parameters and laws."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.circuit import Circuit
from eistool.display import Tabular, format_value, html_table
from eistool.fitting.result import FitResult, Parameter
from eistool.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LawFit(Tabular):
    """Law of a circuit parameter along the series."""

    name: str  # of the circuit's parameter
    law: str  # arrhenius | constant | linear | power
    parameters: Mapping[str, Parameter]

    def to_dict(self) -> dict[str, Any]:
        """Return the law as plain Python objects."""
        parameters = {name: asdict(parameter) for name, parameter in self.parameters.items()}
        return {"name": self.name, "law": self.law, "parameters": parameters}

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a pandas table with a row for each parameter of the law."""
        import pandas as pd

        return pd.DataFrame([asdict(parameter) for parameter in self.parameters.values()])

    def __repr__(self) -> str:
        return f"{self.name} {self.law}: {', '.join(map(repr, self.parameters.values()))}"

    def _repr_html_(self) -> str:
        return html_table(f"{self.name} {self.law}", _COLUMNS, [_row(p) for p in self.parameters.values()])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GlobalFit:
    """Model fitted to all spectra of a series simultaneously.

    Attributes
    ----------
    circuit : Circuit
        The model.
    results : tuple of FitResult
        Fits of the spectra in the order of the series, with the marginal covariance of the joint fit. Spectra
        that were left out keep their separate fits, with a flag that gives the reason.
    shared : mapping of name to Parameter
        Parameters with a common value for all spectra.
    laws : mapping of name to LawFit
        Parameters that follow a law.
    smooth : mapping of name to float
        Penalty strengths.
    names : tuple of str
        Names of the rows of ``covariance``: ``CPE1.alpha``, ``R1.Ea_eV``, ...
    covariance : FloatArray, shape (m, m)
        Covariance of the shared parameters and those of the laws, scaled with ``chi2_reduced`` unless the
        weighting is the measured noise.
    chi2, chi2_reduced, bic : float
        Statistics of all spectra that were used, without the penalty.
    n_data, n_parameters
        2 x points, and the effective number of parameters; penalised parameters count in part.
    index : tuple of float
        Coordinates of the spectra.
    status : {"ok", "poor_model", "failed"}
        ``poor_model``: at least one spectrum is not described. ``failed``: the fit did not converge.
    flags : tuple of str
        Caveats.
    """

    circuit: Circuit
    results: tuple[FitResult, ...]
    shared: Mapping[str, Parameter]
    laws: Mapping[str, LawFit]
    smooth: Mapping[str, float]
    names: tuple[str, ...]
    covariance: FloatArray
    chi2: float
    n_data: int
    n_parameters: float
    index_name: str
    index: tuple[float, ...]
    status: str
    flags: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        """Whether the fit converged; see also ``status`` and ``flags``."""
        return self.status != "failed"

    @property
    def dof(self) -> float:
        """Degrees of freedom of all spectra together."""
        return self.n_data - self.n_parameters

    @property
    def chi2_reduced(self) -> float:
        """``chi2`` divided by the degrees of freedom."""
        return self.chi2 / self.dof

    @property
    def bic(self) -> float:
        """Bayesian information criterion n ln(S/n) + k ln n."""
        return bic(self.chi2, self.n_data, self.n_parameters)

    @property
    def correlation(self) -> FloatArray:
        """Correlation matrix of shared and law parameters, shape (m, m)."""
        sigma = np.sqrt(np.diag(self.covariance))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(np.outer(sigma, sigma) > 0, self.covariance / np.outer(sigma, sigma), np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Return the global fit as plain Python objects."""
        return {
            "circuit": repr(self.circuit),
            "status": self.status,
            "flags": list(self.flags),
            "chi2": self.chi2,
            "chi2_reduced": self.chi2_reduced,
            "bic": self.bic,
            "n_data": self.n_data,
            "n_parameters": self.n_parameters,
            self.index_name: list(self.index),
            "shared": {name: asdict(parameter) for name, parameter in self.shared.items()},
            "laws": {name: law.to_dict() for name, law in self.laws.items()},
            "smooth": dict(self.smooth),
            "names": list(self.names),
            "covariance": self.covariance.tolist(),
            "results": [result.to_dict() for result in self.results],
        }

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table with a row per spectrum: coordinate, status, parameters and their errors."""
        import pandas as pd

        rows = []
        for x, result in zip(self.index, self.results, strict=True):
            row: dict[str, object] = {"label": result.spectrum.label, self.index_name: x, "status": result.status}
            row |= {"chi2_reduced": result.chi2_reduced}
            for name, parameter in result.parameters.items():
                row |= {name: parameter.value, f"{name}_stderr": parameter.stderr}
            rows.append(row | {"flags": "; ".join(result.flags)})
        return pd.DataFrame(rows)

    def _joint(self) -> list[Parameter]:
        return [*self.shared.values(), *(p for law in self.laws.values() for p in law.parameters.values())]

    def __repr__(self) -> str:
        head = f"GlobalFit {self.circuit} to {len(self.results)} spectra: {self.status}"
        lines = [f"{head}, reduced chi2 {self.chi2_reduced:.4g}"]
        lines += [f"  shared {parameter!r}" for parameter in self.shared.values()]
        lines += [f"  {law!r}" for law in self.laws.values()]
        lines += [f"  smooth {name}, strength {strength:.3g}" for name, strength in self.smooth.items()]
        lines += [f"  flag: {flag}" for flag in self.flags]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(name, *_row(p)[1:]) for name, p in zip(self.names, self._joint(), strict=True)]
        title = f"{self.circuit} fitted to {len(self.results)} spectra together: {self.status}"
        return html_table(title, _COLUMNS, rows)


_COLUMNS = ("parameter", "value ± standard error", "unit", "status")


def _row(parameter: Parameter) -> tuple[str, ...]:
    value = format_value(parameter.value, parameter.stderr)
    return parameter.name, value, parameter.unit, parameter.status


def bic(chi2: float, n: int, k: float) -> float:
    """Return n ln(S/n) + k ln n."""
    # avoids the logarithm of 0 for noise-free data
    return n * math.log(max(chi2, 1e-300) / n) + k * math.log(n)

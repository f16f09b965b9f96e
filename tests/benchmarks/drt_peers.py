"""DRT of given spectra by other programs, run in an interpreter with these programs installed.

``python drt_peers.py IN.npz OUT.npz``: ``frequency`` and ``impedance`` (one row a spectrum) in; for each program
τ, γ and milliseconds out. It needs pyDRTtools or pyimpspec, and neither eistool nor the test suite.
"""

import contextlib
import importlib
import io
import sys
import time
from typing import Any
from unittest.mock import MagicMock

import numpy as np


def pydrttools(frequency: Any, impedance: Any) -> tuple[Any, Any]:
    """Return τ and γ by ridge regression with GCV, first derivative and inductance, its defaults."""
    runs = importlib.import_module("pyDRTtools.runs")
    entry = runs.EIS_object(frequency, impedance.real, impedance.imag)
    runs.simple_run(entry, cv_type="GCV", induct_used=1)
    return entry.out_tau_vec, entry.gamma


def pyimpspec(frequency: Any, impedance: Any) -> tuple[Any, Any]:
    """Return τ and γ by Tikhonov regularisation with radial basis functions and mGCV."""
    package = importlib.import_module("pyimpspec")
    data = package.DataSet(frequency, impedance)
    result = package.calculate_drt(
        data, method="tr-rbf", mode="complex", inductance=True, cross_validation="mgcv", num_procs=1
    )
    return np.asarray(result.time_constants), np.asarray(result.gammas)


def main() -> None:
    """Run each program that can be imported."""
    # its windows need Qt, which nothing here does
    for name in ("GUI", "cli", "layout"):
        sys.modules[f"pyDRTtools.{name}"] = MagicMock()
    given = np.load(sys.argv[1])
    out: dict[str, Any] = {}
    for run in (pydrttools, pyimpspec):
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                run(given["frequency"], given["impedance"][0])
            except ImportError as error:
                sys.stderr.write(f"{run.__name__}: {error}\n")
                continue
            rows = []
            for impedance in given["impedance"]:
                start = time.process_time()
                tau, gamma = run(given["frequency"], impedance)
                rows.append((tau, gamma, 1e3 * (time.process_time() - start)))
        out |= {
            f"{run.__name__} tau": np.array([r[0] for r in rows]),
            f"{run.__name__} gamma": np.array([r[1] for r in rows]),
            f"{run.__name__} ms": np.array([r[2] for r in rows]),
        }
    np.savez(sys.argv[2], **out)


if __name__ == "__main__":
    main()

"""The whole test command, ``python -m tests``: style, types, layers and tests, up to the first failure."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest", "--numprocesses", "auto", "--dist", "worksteal", "--quiet")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # a worker per core
# compiled before the tests, or each of pytest's workers would compile them for itself
KERNELS = (
    "bootstrap, misfit, nonlinear_covariance, nonnegative, profile_likelihood, search",
    "drt, kramers_kronig, ladder_evidence, noise, smooth_curve",
)
CHECKS = (
    (BIN / "ruff", "check", "."),
    (BIN / "ruff", "format", "--check", "."),
    (BIN / "lint-imports",),
    *((sys.executable, "-c", f"from eistool.kernels import {names}") for names in KERNELS),
    (BIN / "mypy",),
)


def run(check: tuple[str | Path, ...]) -> tuple[int, str]:
    """Run one check and return its exit code and all that it printed."""
    done = subprocess.run(
        list(map(str, check)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def main() -> int:
    """Run every check, several at a time, then the tests; return the exit code of the first that fails."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for check, (code, output) in zip(CHECKS, pool.map(run, CHECKS), strict=True):
            name = " ".join([Path(check[0]).name, *map(str, check[1:])])
            print(f"== {name}\n{output}", end="", flush=True)  # noqa: T201
            if code:
                pool.shutdown(cancel_futures=True)
                print(f"== failed: {name}", flush=True)  # noqa: T201
                return code
    print("== pytest", flush=True)  # noqa: T201
    return subprocess.run(PYTEST, cwd=ROOT, env=ONE_THREAD | os.environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""Tests of the compiled kernels: a single signature, and agreement with naive implementations."""

import math
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls as scipy_nnls

import eistool
from eistool import fit, simulate
from eistool.circuit import Circuit
from eistool.circuit.program import compile_circuit, frequency_grid, to_blocks
from eistool.fitting.problem import Constraints, build_problem
from eistool.kernels import (
    elementary,
    least_squares,
    model,
    nonlinear_covariance,
    nonnegative,
    parameters,
    profile_likelihood,
    search,
    starts,
)
from eistool.kernels.jit import kernel
from eistool.typing import FloatArray

KERNELS = {
    "evaluate": model.evaluate,
    "to_theta": parameters.to_theta,
    "to_values": parameters.to_values,
    "nnls": least_squares.nnls,
    "ladder": least_squares.ladder,
    "nonnegative": nonnegative.nonnegative,
    "minimise": least_squares.minimise,
    "search": search.search,
    "propose": starts.propose,
    "widen_covariance": nonlinear_covariance.widen_covariance,
    "invert": least_squares.invert,
    "profile": profile_likelihood.profile,
}


@pytest.mark.parametrize("name", KERNELS)
def test_compiled_for_one_signature(name: str) -> None:
    assert len(KERNELS[name].signatures) <= 1


def test_threads_may_share_the_first_call() -> None:
    @kernel("float64(float64)")
    def double(x: float) -> float:
        return 2 * x

    start = threading.Barrier(4)

    def call(x: int) -> float:
        start.wait()
        return float(double(float(x)))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == [0, 2, 4, 6]


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_nnls_is_scipys(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((3 * n, n)), rng.standard_normal(3 * n)
    norm = np.linalg.norm(a, axis=0)
    x = np.empty(n)
    value = least_squares.nnls((a / norm).T @ (a / norm), (a / norm).T @ b, x, n)
    expected, rest = scipy_nnls(a, b)
    np.testing.assert_allclose(x / norm, expected, atol=1e-8)
    assert value + b @ b == pytest.approx(rest**2, abs=1e-8)


@kernel("UniTuple(float64, 5)(float64, float64, float64)")
def elementary_functions(x, positive, y):  # type: ignore[no-untyped-def]
    sine, cosine = elementary.sincos(y)
    return elementary.exp(x), elementary.log(positive), elementary.atan(abs(y)), sine, cosine


@given(st.floats(-1e2, 1e2), st.floats(-1e2, 1e2))
def test_elementary_functions(x: float, y: float) -> None:
    exp, log, atan, sine, cosine = elementary_functions(x, math.exp(x), y)
    assert exp == pytest.approx(np.exp(x), rel=1e-15)
    assert log == pytest.approx(x, rel=1e-15, abs=1e-15)
    assert atan == pytest.approx(np.arctan(abs(y)), rel=1e-15)
    assert sine == pytest.approx(np.sin(y), abs=3e-16)
    assert cosine == pytest.approx(np.cos(y), abs=3e-16)


@kernel("Tuple((complex128, complex128, float64, float64))(complex128)")
def hyperbolic_ratios(s):  # type: ignore[no-untyped-def]
    real, imag = model._warburg_ratio(abs(s) ** 2)
    return model._tanh_ratio(s), model._sinh_ratio(s), real, imag


@given(st.floats(-12, 12), st.floats(0, 0.5))
def test_hyperbolic_ratios(log_size: float, turn: float) -> None:
    s = np.exp(log_size) * np.exp(1j * np.pi * turn * 0.98)
    reference = np.longdouble(1) * s
    tanh, sinh = np.tanh(reference), np.sinh(np.clip(reference.real, 0, 700) + 1j * reference.imag)
    tanh_ratio, sinh_ratio, t_real, t_imag = hyperbolic_ratios(s)
    assert tanh_ratio == pytest.approx(complex(tanh / reference), rel=1e-10)
    assert sinh_ratio == pytest.approx(complex(reference / sinh), rel=1e-10, abs=1e-100)
    root = np.sqrt(1j) * abs(s)
    assert t_real + 1j * t_imag == pytest.approx(complex(np.tanh(root) / root), rel=1e-12)


@pytest.mark.parametrize(
    "expression", ["L0-R0-p(R1,CPE1)-p(CPE2,R2)-W1", "p(R1-p(R2,C2),CPE1)-La1", "TLMct1-Zarc1"]
)
@pytest.mark.parametrize("arcs", [True, False])
def test_parameters_survive_the_way_there_and_back(expression: str, arcs: bool) -> None:
    circuit = Circuit(expression)
    rng = np.random.default_rng(2)
    values = np.array(
        [rng.uniform(0.5, 1) if spec.kind == "exponent" else 10 ** rng.uniform(-6, 3) for spec in circuit.specs]
    )
    program = compile_circuit(circuit, arcs=arcs)
    scale = np.array([2.0, 5.0])
    theta = program.to_theta(values, scale)
    back, derivative = program.to_values(theta, scale)
    np.testing.assert_allclose(back, values, rtol=1e-12)
    numeric = np.empty_like(derivative)
    for k in range(theta.size):
        up, down = theta.copy(), theta.copy()
        up[k] += 1e-6
        down[k] -= 1e-6
        numeric[:, k] = (program.to_values(up, scale)[0] - program.to_values(down, scale)[0]) / 2e-6
    np.testing.assert_allclose(derivative, numeric, rtol=1e-7, atol=1e-8 * values.max())
    # program and circuit agree in any units
    omega = 2 * np.pi * np.geomspace(0.1, 1e5, 30)
    z = program.evaluate(omega * np.exp(-scale[1]), theta, scale[1])[0] * np.exp(scale[0])
    np.testing.assert_allclose(z, circuit.impedance(omega / (2 * np.pi), values), rtol=1e-10)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(10, 100))
def test_ladder_is_a_non_negative_least_squares_fit(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    circuit = Circuit("R0-p(R1,CPE1)")
    x = np.geomspace(1e-3, 1e3, n)
    z = circuit.impedance(x / (2 * np.pi), [0.3, 1.0, 1.0, 0.8]) * (1 + 0.01 * rng.standard_normal(n))
    grid = frequency_grid(x)
    target = np.stack([to_blocks(a.real, a.imag, grid.shape[1]) for a in (z, (1 + 1j) / np.abs(z))])
    log_tau = np.linspace(-8, 8, 30)
    resistances = np.empty(33)
    total = least_squares.ladder(grid, target, log_tau, resistances)
    columns = [1 / (1 + 1j * x * tau) for tau in np.exp(log_tau)] + [np.ones(n), 1j * x, 1 / (1j * x)]
    weighted = np.column_stack(columns) / np.abs(z)[:, None]
    matrix = np.vstack([weighted.real, weighted.imag])
    right = np.concatenate([(z / np.abs(z)).real, (z / np.abs(z)).imag])
    scale = np.linalg.norm(matrix, axis=0)
    assert total == pytest.approx(scipy_nnls(matrix / scale, right)[1] ** 2, rel=1e-5, abs=1e-9)


def test_kernels_run_uncompiled() -> None:
    code = (
        "import numpy as np, eistool\n"
        "s = eistool.simulate('R0-p(R1,CPE1)', np.geomspace(1, 1e4, 16), [1, 10, 1e-4, 0.9], 0.001, 1)\n"
        "print(eistool.fit(s, 'R0-C1').chi2)\n"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    slow = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    fast = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(slow.stdout) == pytest.approx(float(fast.stdout), rel=1e-6)


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_a_cache_that_cannot_be_written_does_not_stop_the_program(variable: str) -> None:
    environment = {**os.environ, variable: "/proc/nowhere", "NUMBA_DISABLE_JIT": "1"}
    code = "import eistool; print(eistool.simulate('R0', [1.0], [5.0]).impedance[0].real)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(5.0)


def test_a_fit_needs_no_folder_to_write_to(tmp_path: Path) -> None:
    """Read-only package without a cache, home or temporary folder."""
    package = tmp_path / "site" / "eistool"
    shutil.copytree(Path(eistool.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    folders = [package, *(path for path in package.rglob("*") if path.is_dir())]
    for folder in folders:
        (folder / "__pycache__").write_bytes(b"")  # blocks the cache even for root, who ignores file modes
        folder.chmod(0o555)
    code = (
        "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/dev/null/tmp']\n"
        "import numpy as np, eistool\n"
        "s = eistool.simulate('R0-p(R1,CPE1)', np.geomspace(1, 1e4, 16), [1, 10, 1e-4, 0.9], 0.001, 1)\n"
        "print(eistool.__file__, eistool.fit(s, 'R0-p(R1,CPE1)').values.tobytes().hex())\n"
    )
    without = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    environment = {key: value for key, value in os.environ.items() if key not in without}
    bare = {**environment, "HOME": "/dev/null", "PYTHONPATH": str(package.parent)}
    before = sorted(package.rglob("*"))
    try:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=bare, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert sorted(package.rglob("*")) == before
    finally:
        for folder in folders:
            folder.chmod(0o755)
    spectrum = simulate("R0-p(R1,CPE1)", np.geomspace(1, 1e4, 16), [1, 10, 1e-4, 0.9], 0.001, 1)
    values = fit(spectrum, "R0-p(R1,CPE1)").values.tobytes().hex()
    assert done.stdout.split() == [str(package / "__init__.py"), values]


def test_a_cache_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    open_to_all = tmp_path / "cache"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(open_to_all),
        "TMPDIR": str(tmp_path),
        "NUMBA_DISABLE_JIT": "1",
    }
    code = "import eistool.kernels.jit; from numba.core import config; print(config.CACHE_DIR)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).parent == tmp_path / f"eistool-{os.getuid()}"


@given(st.integers(1, 12), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_nonnegative_is_scipys(n: int, n_free: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_free = min(n_free, n)
    a, b = rng.standard_normal((2 * n, n)), rng.standard_normal((6, 2 * n))
    x = np.zeros((6, n))
    nonnegative.nonnegative(np.ascontiguousarray(a.T), b, n_free, x)
    # a free unknown is the difference of two non-negative ones
    both = np.hstack([a, -a[:, :n_free]])
    for k in range(6):
        assert (x[k, n_free:] >= 0).all()
        assert np.linalg.norm(a @ x[k] - b[k]) == pytest.approx(scipy_nnls(both, b[k])[1], abs=1e-8)


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_kernel_is_compiled_at_the_first_call_for_its_own_types() -> None:
    @kernel("float64(float64[::1])")
    def first(x: FloatArray) -> float:
        return float(x[0])

    assert not first.signatures
    with pytest.raises(TypeError, match="expected"):
        first(np.arange(4.0)[::2])
    assert first(np.arange(2.0)) == 0.0
    assert len(first.signatures) == 1
    with pytest.raises(TypeError):
        first(np.arange(2))


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("R0-p(R1,CPE1)-CPE2", [20, 100, 1e-6, 0.9, 1e-4, 0.8]),
        ("L0-R0-p(R1-W1,CPE1)-C2", [1e-6, 20, 100, 50, 1e-6, 0.9, 1e-3]),
    ],
)
def test_a_minimiser_without_steps_solves_for_the_terms(expression: str, values: list[float]) -> None:
    """Without a step, each term of the outermost sum has its best factor, by least squares."""
    circuit = Circuit(expression)
    spectrum = simulate(circuit, np.geomspace(1, 1e5, 41), values, noise=0.01, seed=2)
    problem = build_problem(spectrum, circuit, Constraints.of(circuit, None, None, None), "modulus")
    program, f = problem.program, problem.free.size
    amplitude = program.kinds == parameters.AMPLITUDE
    theta = program.to_theta(circuit.values(values), problem.scale)
    theta += 0.2 * np.random.default_rng(1).normal(size=f) * (program.kinds != parameters.EXPONENT)
    _, jacobian = problem.linearise(theta)
    terms = range(program.terms.max() + 1)
    columns = np.column_stack([jacobian[:, (program.terms == t) & amplitude].sum(axis=1) for t in terms])
    measured = spectrum.impedance[problem.axis.order] / np.exp(problem.scale[0])
    matrix = np.concatenate([part / np.abs(measured)[:, None] for part in (columns.real, columns.imag)])
    right = np.concatenate([part / np.abs(measured) for part in (measured.real, measured.imag)])
    factors, rest, *_ = np.linalg.lstsq(matrix, right, rcond=None)
    expected = theta + np.where(amplitude, np.log(factors[program.terms]), 0.0)

    evaluate, _, *arguments, _, lower, upper = problem.arguments
    value, _ = least_squares.minimise(
        evaluate, *arguments, theta, lower, upper, program.kinds, problem.free, problem.grid, problem.target,
        *problem.workspace, np.empty((f, f)), np.empty(f), 0, 1.0,
    )  # fmt: skip
    np.testing.assert_allclose(theta, expected, atol=1e-8)
    assert value == pytest.approx(rest[0])

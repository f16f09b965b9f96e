"""Refits of single sweeps, and the overrides that the next batch honours."""

import math
from pathlib import Path

import pytest

from eistool.errors import ConfigError, EistoolError
from eistool.jobs import FitOptions, fit_folder
from eistool.jobs.workbench import Workbench
from eistool.settings import Override, read_overrides, with_override
from tests.batch.folders import CIRCUIT, make_folder, rows, snapshot

NAME = "b/cell_25C.mpt#2"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    make_folder(tmp_path / "measured")
    fit(tmp_path)
    return tmp_path / "out"


def fit(folder: Path) -> int:
    options = FitOptions(
        circuit=CIRCUIT, circuit_is_default=False, plots="none", drt=False, report=False,
        overrides=read_overrides(folder / "out" / "eistool.toml"),
    )  # fmt: skip
    return fit_folder([folder / "measured"], folder / "out", options).n_computed


def test_a_refit_follows_the_choices(results: Path) -> None:
    bench = Workbench(results)
    opened = bench.open(NAME)
    assert opened["choices"]["circuit"] == CIRCUIT
    assert len(opened["f"]) == 26
    whole = bench.refit(NAME, {"circuit": CIRCUIT})
    assert whole["parameters"][1][1].startswith("300") or whole["parameters"][1][1].startswith("299")
    part = bench.refit(NAME, {"circuit": CIRCUIT, "f_min_Hz": 10.0, "masked_Hz": [opened["f"][0]]})
    assert sum(whole["used"]) == 26
    assert sum(part["used"]) < 21
    assert part["used"][0] is False
    held = bench.refit(NAME, {"circuit": CIRCUIT, "fixed": {"R0": 20.0}})
    assert held["parameters"][0][3] == "fixed"


def test_an_accepted_choice_is_honoured_by_the_next_batch(results: Path) -> None:
    measured = results.parent / "measured"
    before = snapshot(measured)
    bench = Workbench(results)
    choices = {"circuit": "R0-p(R1,C1)", "f_min_Hz": 5.0, "bounds": {"R1": (1.0, 1e4)}, "weighting": "unit"}
    assert "eistool.toml" in bench.accept(NAME, choices)
    assert fit(results.parent) == 1  # this sweep alone
    circuits = {(row["source"], row["sweep"]): row for row in rows(results / "fits.csv")}
    assert circuits["b/cell_25C.mpt", "2"]["circuit"] == "R0-p(R1,C1)"
    assert circuits["b/cell_25C.mpt", "2"]["weighting_used"] == "unit"
    assert int(circuits["b/cell_25C.mpt", "2"]["n_masked"]) > 0
    assert circuits["b/cell_25C.mpt", "1"]["circuit"] == CIRCUIT
    assert fit(results.parent) == 0
    assert snapshot(measured) == before


def test_choices_replace_earlier_ones_and_keep_the_file(results: Path) -> None:
    path = results / "eistool.toml"
    path.write_text("# mine\n[fit]\njobs = 1\n", encoding="utf-8")
    bench = Workbench(results)
    for circuit in ("R0-p(R1,C1)", CIRCUIT):
        bench.accept(NAME, {"circuit": circuit})
    bench.accept("a/cell_25C.csv", {"circuit": "R0-p(R1,C1)"})
    assert [(one.file, one.circuit) for one in read_overrides(path)] == [
        ("b/cell_25C.mpt", CIRCUIT),
        ("a/cell_25C.csv", "R0-p(R1,C1)"),
    ]
    assert path.read_text(encoding="utf-8").startswith("# mine\n[fit]\njobs = 1\n")


def test_drafts_survive_the_server(results: Path) -> None:
    Workbench(results).refit(NAME, {"circuit": "R0-p(R1,C1)"})
    assert Workbench(results).open(NAME)["choices"]["circuit"] == "R0-p(R1,C1)"
    (results / "serve.json").write_text("{", encoding="utf-8")
    assert Workbench(results).open(NAME)["choices"]["circuit"] == CIRCUIT


def test_dropped_files_are_read_but_not_accepted(results: Path) -> None:
    bench = Workbench(results)
    contents = (results.parent / "measured" / "b" / "cell_25C.mpt").read_bytes()
    names = bench.read("../../etc/new.mpt", contents)
    assert names == ["dropped: new.mpt", "dropped: new.mpt#2"]
    assert bench.open(names[0])["choices"]["circuit"]
    assert bench.refit(names[0], {"circuit": CIRCUIT})["status"] == "ok"
    with pytest.raises(ConfigError, match="run eistool fit"):
        bench.accept(names[0], {"circuit": CIRCUIT})
    with pytest.raises(EistoolError):
        bench.read("junk.mpt", b"\xff\x00 no spectrum")


def test_a_curve_without_a_fit(results: Path) -> None:
    bench = Workbench(results)
    fitted = bench.refit(NAME, {"circuit": CIRCUIT})
    values = {one["name"]: one["value"] for one in fitted["sliders"]}
    drawn = bench.simulate(NAME, {"circuit": CIRCUIT}, values)
    assert drawn["fit_re"] == pytest.approx(fitted["fit_re"], rel=1e-9)
    assert drawn["used"] == fitted["used"]
    far = bench.simulate(NAME, {"circuit": CIRCUIT}, {**values, "R0": 2 * values["R0"]})
    assert far["fit_re"][0] - drawn["fit_re"][0] == pytest.approx(values["R0"])
    for wrong in ({}, {**values, "R9": 1.0}, {**values, "R0": "x"}):
        with pytest.raises((EistoolError, ValueError, TypeError)):
            bench.simulate(NAME, {"circuit": CIRCUIT}, wrong)


def test_a_bound_may_have_one_end(results: Path) -> None:
    bench = Workbench(results)
    bench.refit(NAME, {"circuit": CIRCUIT, "bounds": {"R1": [None, 5.0], "R0": [1.0, None]}})
    assert bench.open(NAME)["choices"]["bounds"] == {"R1": [0.0, 5.0], "R0": [1.0, None]}
    bench.accept(NAME, {"circuit": CIRCUIT, "bounds": {"R0": [1.0, None]}})
    assert read_overrides(results / "eistool.toml")[0].bounds == {"R0": (1.0, math.inf)}


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({}, "give a circuit"),
        ({"circuit": "R0-p(R1"}, "R0-p"),
        ({"circuit": CIRCUIT, "bounds": {"R9": [1, 2]}}, "R9"),
        ({"circuit": CIRCUIT, "f_min_Hz": -1}, "f_min_Hz"),
        ({"circuit": CIRCUIT, "path": "/etc"}, "path"),
        ({"circuit": CIRCUIT, "f_min_Hz": 1e9}, "point"),
    ],
)
def test_wrong_choices(results: Path, choices: dict[str, object], message: str) -> None:
    bench = Workbench(results)
    with pytest.raises(EistoolError, match=message.replace("(", "[(]")):
        bench.refit(NAME, choices)
    with pytest.raises(EistoolError):
        bench.refit("../../etc/passwd", {"circuit": CIRCUIT})
    assert not (results / "eistool.toml").exists()


def test_circuits_are_compared(results: Path) -> None:
    ranked = Workbench(results).compare(NAME, {"circuit": CIRCUIT}, [CIRCUIT, "R0-p(R1,C1)"])
    assert ranked[0]["circuit"] == CIRCUIT
    assert ranked[1]["delta_bic"] > 10
    with pytest.raises(ConfigError, match="choose 2 to 8"):
        Workbench(results).compare(NAME, {}, [CIRCUIT])


def test_text_of_overrides_is_valid_toml(tmp_path: Path) -> None:
    bounds = {"CPE1.alpha": (0.7, 1.0)}
    one = Override(file='odd "name"\\ä.csv', sweep=2, circuit=CIRCUIT, masked_Hz=(1e-3, 50.0), bounds=bounds)
    path = tmp_path / "eistool.toml"
    path.write_text(with_override("", [one]), encoding="utf-8")
    assert read_overrides(path) == (one,)
    path.write_text("[[override]]\nfile = 'a'\ncolour = 'red'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="colour"):
        read_overrides(path)

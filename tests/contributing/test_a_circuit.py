"""A new circuit: one TOML file, in ``circuits/`` or in a folder of one's own."""

from pathlib import Path

import eistool

FILE = """
name = "two_layers"
title = "Two electrolyte layers between blocking electrodes"
circuit = "R0-p(R1,CPE1)-CPE2"
use = "A catholyte and a separator pressed on each other."
references = []

[roles]
R0 = "electrolyte"
R1 = "interphase"
CPE1 = "interphase"
CPE2 = "electrode"

[ranges]
R0 = [1.0, 1e3]
R1 = [1.0, 1e4]
CPE1.Q = [1e-9, 1e-5]
CPE1.alpha = [0.5, 1.0]
CPE2.Q = [1e-7, 1e-4]
CPE2.alpha = [0.5, 1.0]

[example]
frequency_Hz = [1e6, 0.1]
per_decade = 10
noise = 0.003

[example.values]
R0 = 50.0
R1 = 200.0
CPE1.Q = 1e-7
CPE1.alpha = 0.9
CPE2.Q = 2e-6
CPE2.alpha = 0.92
"""


def test_a_file_in_a_folder_is_a_circuit(tmp_path: Path) -> None:
    (tmp_path / "two_layers.toml").write_text(FILE, encoding="utf-8")
    circuit = eistool.load_circuit("two_layers", [tmp_path])
    assert str(circuit) == "R0-p(R1,CPE1)-CPE2"
    assert circuit.roles["R1"] == "interphase"

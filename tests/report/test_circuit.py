"""Pictures of circuits."""

import subprocess
import sys

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from eistool import Circuit
from eistool.circuit.library import LibraryCircuit, circuit_names, load_library_circuit
from eistool.report import circuit_to_png, plot_circuit


@pytest.mark.parametrize("name", circuit_names())
def test_everything_is_within_the_picture(name: str) -> None:
    figure = plot_circuit(load_library_circuit(name))
    FigureCanvasAgg(figure)  # or every question about an extent makes a canvas of its own
    equation = [text for text in figure.texts if text.get_text().startswith("$")]
    assert equation
    for text in figure.texts:
        box = text.get_window_extent()
        assert 0 <= box.x0 <= box.x1 <= figure.bbox.width
        assert 0 <= box.y0 <= box.y1 <= figure.bbox.height
    drawing, example = figure.axes
    assert equation[-1].get_window_extent().y0 > example.get_window_extent().y1
    for text in drawing.texts:
        assert drawing.get_window_extent().padded(8).contains(*text.get_window_extent().min)


def test_nested_circuit_without_example() -> None:
    entry = LibraryCircuit(name="own", circuit=Circuit("p(p(R1,C1)-R3,C2-p(R5,L4),TLMee1)-HN_x"))
    assert circuit_to_png(entry).startswith(b"\x89PNG")


def test_same_bytes_and_no_pyplot() -> None:
    code = (
        "import hashlib, sys\n"
        "from eistool.circuit.library import load_library_circuit\n"
        "from eistool.report import circuit_to_png\n"
        "print(hashlib.sha256(circuit_to_png(load_library_circuit('spike'))).hexdigest(),"
        " 'matplotlib.pyplot' in sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert runs[0].endswith("False\n")

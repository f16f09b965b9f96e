"""Pictures of circuits: drawing, equation, and Nyquist plot of the simulated example."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eistool.circuit import Circuit, Element, Node, Series
from eistool.circuit.library import LibraryCircuit
from eistool.circuit.simulate import simulate
from eistool.display import format_value
from eistool.report.nyquist import DATA, DPI, FIT, square
from eistool.report.png import to_png
from eistool.report.units import format_hertz, ohm_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

SIZE = 10.5, 7.6  # inches
BODY, LEAD = 1.0, 0.3  # widths of an element and of its wires
ROW = 1.0  # height of a branch
GAP = 0.25  # between a parallel group and its neighbours
LARGEST = 1.3  # least number of drawing units per inch, so that small circuits are not enlarged
EQUATION_SIZES = (15.0, 13.0, 11.0, 9.5, 8.0)  # points; the first that fits is used
EQUATION_HEIGHT = 0.2  # of the figure
COILS = 4  # of an inductor


@dataclass(frozen=True, slots=True)
class _Extent:
    """Extent of a part of the drawing: width, and heights above and below its wire."""

    width: float
    above: float
    below: float


def plot_circuit(entry: LibraryCircuit) -> "Figure":
    """Return a figure of a library circuit: drawing, equation, values and simulated Nyquist plot.

    Parameters
    ----------
    entry : LibraryCircuit
        Library circuit; without an example, the Nyquist plot is omitted.

    Examples
    --------
    >>> from eistool.circuit.library import load_library_circuit
    >>> figure = plot_circuit(load_library_circuit("spike"))
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DPI)
    figure.text(0.05, 0.97, entry.title or entry.name, fontsize=13, fontweight="bold", va="top", parse_math=False)
    figure.text(0.05, 0.93, f"{entry.name}    {entry.circuit}", fontsize=9.5, va="top", color="0.25")
    drawing = figure.add_axes((0.05, 0.68, 0.9, 0.22))
    _draw(drawing, entry.circuit.tree)
    _write_equation(figure, entry.circuit)
    _draw_example(figure.add_axes((0.085, 0.075, 0.43, 0.36)), entry)
    _write_values(figure, entry)
    return figure


def circuit_to_png(entry: LibraryCircuit) -> bytes:
    """Return the picture of :func:`plot_circuit` as a PNG file."""
    return to_png(plot_circuit(entry))


def _extent(node: Node) -> _Extent:
    if isinstance(node, Element):
        return _Extent(BODY + 2 * LEAD, ROW / 2, ROW / 2)
    parts = [_extent(part) for part in node.parts]
    if isinstance(node, Series):
        width = sum(part.width for part in parts)
        return _Extent(width, max(part.above for part in parts), max(part.below for part in parts))
    height = sum(part.above + part.below for part in parts)
    return _Extent(max(part.width for part in parts) + 2 * GAP, height / 2, height / 2)


def _draw(axes: "Axes", node: Node) -> None:
    extent = _extent(node)
    axes.set_axis_off()
    axes.set_aspect("equal", adjustable="box")
    width, height = axes.get_window_extent().width / DPI, axes.get_window_extent().height / DPI
    middle = extent.width / 2
    half = max(extent.width / 2 + 0.2, width * LARGEST / 2)
    half_height = max(extent.above, extent.below, height * LARGEST / 2)
    axes.set_xlim(middle - half, middle + half)
    axes.set_ylim(-half_height, half_height)
    scale = min(width / (2 * half), height / (2 * half_height))  # inches per unit
    _draw_node(axes, node, 0.0, 0.0, max(5.5, min(10.0, 14.0 * scale)))
    for x in (0.0, extent.width):
        axes.plot(x, 0, "o", color="black", markersize=3.5)


def _draw_node(axes: "Axes", node: Node, x: float, y: float, font: float) -> None:
    """Draw a part to the right of its left end (x, y)."""
    if isinstance(node, Element):
        _draw_element(axes, node, x, y, font)
        return
    if isinstance(node, Series):
        for part in node.parts:
            _draw_node(axes, part, x, y, font)
            x += _extent(part).width
        return
    extent = _extent(node)
    left, right = x + GAP, x + extent.width - GAP
    _wire(axes, (x, left), (y, y))
    _wire(axes, (right, x + extent.width), (y, y))
    top = y + extent.above
    wires = []
    for part in node.parts:
        branch = _extent(part)
        wires.append(top - branch.above)
        start = (left + right - branch.width) / 2
        _wire(axes, (left, start), (wires[-1], wires[-1]))
        _wire(axes, (start + branch.width, right), (wires[-1], wires[-1]))
        _draw_node(axes, part, start, wires[-1], font)
        top -= branch.above + branch.below
    for end in (left, right):
        _wire(axes, (end, end), (wires[0], wires[-1]))


def _draw_element(axes: "Axes", element: Element, x: float, y: float, font: float) -> None:
    from matplotlib.patches import Rectangle

    start, end = x + LEAD, x + LEAD + BODY
    middle = (start + end) / 2
    symbol = element.symbol
    label_y, vertical = y + 0.22, "bottom"
    if symbol in ("C", "CPE"):
        start, end = middle - 0.07, middle + 0.07
        for plate in (start, end):
            if symbol == "C":
                _wire(axes, (plate, plate), (y - 0.2, y + 0.2))
            else:
                axes.plot([plate - 0.1, plate, plate - 0.1], [y - 0.2, y, y + 0.2], color="black", linewidth=1.2)
    elif symbol == "L":
        angle = np.linspace(np.pi, 0, 20)
        radius = BODY / (2 * COILS)
        for i in range(COILS):
            centre = start + (2 * i + 1) * radius
            axes.plot(
                centre + radius * np.cos(angle), y + 1.4 * radius * np.sin(angle), color="black", linewidth=1.2
            )
    else:
        plain = symbol == "R"
        half = 0.15 if plain else 0.22
        axes.add_patch(
            Rectangle((start, y - half), BODY, 2 * half, fill=not plain, facecolor="0.93", edgecolor="black")
        )
        if not plain:
            label_y, vertical = y, "center"
    _wire(axes, (x, start), (y, y))
    _wire(axes, (end, x + BODY + 2 * LEAD), (y, y))
    axes.text(middle, label_y, element.name, fontsize=font, ha="center", va=vertical, parse_math=False, color=DATA)


def _wire(axes: "Axes", x: tuple[float, float], y: tuple[float, float]) -> None:
    axes.plot(x, y, color="black", linewidth=1.2, solid_capstyle="round")


def _write_equation(figure: "Figure", circuit: Circuit) -> None:
    """Write the equation in the largest font size that fits."""
    terms = _terms(circuit)
    for size in EQUATION_SIZES:
        texts = _place(figure, terms, size)
        top, bottom = texts[0].get_window_extent().y1, texts[-1].get_window_extent().y0
        widest = max(text.get_window_extent().x1 for text in texts)
        if (top - bottom <= EQUATION_HEIGHT * figure.bbox.height and widest <= 0.96 * figure.bbox.width) or (
            size == EQUATION_SIZES[-1]
        ):
            return
        for text in texts:
            text.remove()


def _terms(circuit: Circuit) -> list[str]:
    """Return the equation in pieces at possible line breaks: before a plus sign outside all brackets."""
    left, _, right = circuit.to_latex().partition("=")
    pieces = [f"{left}="]
    depth = start = 0
    for i, character in enumerate(right):
        depth += (character in "{(") - (character in ")}")
        if character == "+" and depth == 0:
            pieces.append(right[start:i])
            start = i
    return [_full_size(piece) for piece in (*pieces, right[start:])]


def _full_size(latex: str) -> str:
    """Set outermost fractions in full size, which mathtext would shrink."""
    parts = re.split(r"(?=\\frac)", latex)
    depth, text = 0, ""
    for part in parts:
        text += part.replace(r"\frac", r"\dfrac", 1) if depth == 0 else part
        depth += part.count("{") - part.count("}")
    return text


def _place(figure: "Figure", terms: list[str], size: float) -> list["Text"]:
    width = 0.9 * figure.bbox.width
    lines = [""]
    for term in terms:
        probe = figure.text(0, 0, f"${lines[-1]}{term}$", fontsize=size)
        fits = probe.get_window_extent().width <= width
        probe.remove()
        if fits or not lines[-1]:
            lines[-1] += term
        else:
            lines.append(r"\quad " + term)
    texts = []
    y = 0.675
    for line in lines:
        text = figure.text(0.05, y, f"${line}$", fontsize=size, va="top")
        y = text.get_window_extent().y0 / figure.bbox.height - 0.012
        texts.append(text)
    return texts


def _draw_example(axes: "Axes", entry: LibraryCircuit) -> None:
    example = entry.example
    if example is None:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no example", ha="center", color="0.4", transform=axes.transAxes)
        return
    frequency = example.frequency
    exact = entry.circuit.impedance(frequency, example.values)
    noisy = simulate(entry.circuit, frequency, example.values, noise=example.noise, seed=0).impedance
    scale, unit = ohm_unit(float(np.abs(exact).max()))
    low, side = square(noisy / scale)
    axes.set_xlim(low.real, low.real + side)
    axes.set_ylim(low.imag, low.imag + side)
    axes.set_aspect("equal", adjustable="box")
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    axes.plot(noisy.real / scale, -noisy.imag / scale, "o", color=DATA, markersize=3.5)
    axes.plot(exact.real / scale, -exact.imag / scale, color=FIT, linewidth=1.4)
    axes.set_xlabel(f"Z' / {unit}")
    axes.set_ylabel(f"−Z'' / {unit}")
    ends = sorted(example.frequency_Hz)
    span = f"{format_hertz(ends[0])} to {format_hertz(ends[1])}"
    axes.set_title(f"{span}, {100 * example.noise:g} % noise", fontsize=9.5)


def _write_values(figure: "Figure", entry: LibraryCircuit) -> None:
    """Write name, value, unit and role of each parameter in a table."""
    circuit = entry.circuit
    values = {} if entry.example is None else entry.example.values
    elements = [element.name for element in circuit.elements for _ in element.spec.parameters]
    rows = [("parameter", "example", "unit", "role")]
    for name, unit, element in zip(circuit.parameters, circuit.units, elements, strict=True):
        value = format_value(values[name]) if name in values else ""
        rows.append((name, value, unit, entry.roles.get(element, "").replace("_", " ")))
    step = min(0.026, 0.36 / len(rows))
    for i, row in enumerate(rows):
        for x, cell in zip((0.58, 0.71, 0.79, 0.865), row, strict=True):
            weight = "bold" if i == 0 else "normal"
            figure.text(x, 0.425 - i * step, cell, fontsize=8.5, va="top", fontweight=weight, parse_math=False)

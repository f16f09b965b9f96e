"""Pictures of validation: Nyquist plot with the RC ladder, its residuals, and those of Z-HIT."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.report.nyquist import DATA, DPI, FIT, IMAG, LEAST_RESIDUAL, LONGEST, LONGEST_TITLE, REAL, square
from eistool.report.png import to_png
from eistool.report.units import ohm_unit
from eistool.typing import BoolArray, ComplexArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from eistool.validation import KramersKronig, ZHit

NOISE_BAND = 2.0  # half width in standard deviations
OUTLIER = "#d1495b"


@dataclass(frozen=True, slots=True, eq=False)
class CheckPicture:
    """Contents of a picture.

    Parameters
    ----------
    label, verdict, reason : str
        Texts of the title.
    frequency : FloatArray, shape (n_freq,)
        Frequencies in Hz.
    impedance, ladder : ComplexArray, shape (n_freq,)
        In ohm; the ladder is nan at masked points.
    noise : ComplexArray, shape (n_freq,)
        Standard deviations of both parts, in ohm.
    z_hit : FloatArray, shape (n_freq,)
        Residual of the modulus.
    outlier : BoolArray, shape (n_freq,)
        Proposed outliers.
    """

    label: str
    verdict: str
    reason: str
    frequency: FloatArray
    impedance: ComplexArray
    ladder: ComplexArray
    noise: ComplexArray
    z_hit: FloatArray
    outlier: BoolArray

    @classmethod
    def of(cls, kramers_kronig: "KramersKronig", z_hit: "ZHit") -> "CheckPicture":
        """Return the contents for the results of both tests."""
        spectrum, test = kramers_kronig.spectrum, kramers_kronig
        words = {True: "passed", False: "failed", None: "undecided"}
        return cls(
            label=spectrum.label,
            verdict=f"Kramers-Kronig {words[test.passed]}    Z-HIT {words[z_hit.passed]}",
            reason="; ".join(dict.fromkeys(text for text in (test.reason, z_hit.reason) if text)),
            frequency=spectrum.frequency,
            impedance=spectrum.impedance,
            ladder=test.impedance,
            noise=test.noise,
            z_hit=z_hit.residual,
            outlier=np.isin(np.arange(len(spectrum)), test.outliers),
        )


class CheckPlot:
    """Reusable figure for validation results; its axes are created once."""

    def __init__(self) -> None:
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(10.5, 5.2), dpi=DPI)
        common: dict[str, Any] = {"va": "top", "parse_math": False}
        self._title = self.figure.text(0.075, 0.975, "", fontsize=12, fontweight="bold", **common)
        self._subtitle = self.figure.text(0.075, 0.928, "", fontsize=9.5, color="0.25", **common)
        self._reason = self.figure.text(0.075, 0.888, "", fontsize=8.5, color=FIT, **common)
        self._nyquist = self.figure.add_axes((0.075, 0.115, 0.355, 0.68))
        self._residual = self.figure.add_axes((0.535, 0.47, 0.44, 0.325))
        self._modulus = self.figure.add_axes((0.535, 0.115, 0.44, 0.265), sharex=self._residual)
        for axes in (self._nyquist, self._residual, self._modulus):
            axes.grid(color="0.9", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
        above: dict[str, Any] = {
            "loc": "lower right",
            "bbox_to_anchor": (1.0, 1.0),
            "fontsize": 8.5,
            "frameon": False,
            "columnspacing": 1.2,
        }
        nyquist, residual, modulus = self._nyquist, self._residual, self._modulus
        nyquist.set_aspect("equal", adjustable="box")
        (self._data,) = nyquist.plot([], [], "o", color=DATA, markersize=5, fillstyle="none", label="measured")
        (self._ladder,) = nyquist.plot([], [], "-", color=FIT, linewidth=1.3, label="RC ladder")
        (self._outlier,) = nyquist.plot([], [], "x", color=OUTLIER, markersize=8, label="outlier")
        nyquist.legend(ncols=3, **above)
        residual.set_xscale("log")
        (self._real,) = residual.plot([], [], "o-", color=REAL, label="real", markersize=3.5, linewidth=0.9)
        (self._imag,) = residual.plot([], [], "s-", color=IMAG, label="imaginary", markersize=3.5, linewidth=0.9)
        (self._away,) = residual.plot([], [], "x", color=OUTLIER, markersize=7)
        residual.set_ylabel("(Z − ladder)/|Z|  in %")
        residual.tick_params(labelbottom=False)
        (self._z_hit,) = modulus.plot([], [], "o-", color=DATA, markersize=3.5, linewidth=0.9)
        modulus.set_ylabel("|Z| − Z-HIT  in %")
        modulus.set_xlabel("frequency / Hz")
        self._above = above
        self._drawn: list[Any] = []

    def draw(self, picture: CheckPicture) -> "Figure":
        """Draw the picture and return the figure, which is valid until the next call."""
        for artist in self._drawn:
            artist.remove()
        label, reason = picture.label, picture.reason
        self._title.set_text(label if len(label) <= LONGEST_TITLE else f"…{label[1 - LONGEST_TITLE :]}")
        self._subtitle.set_text(picture.verdict)
        self._reason.set_text(reason if len(reason) <= LONGEST else f"{reason[: LONGEST - 1]}…")
        z, known = picture.impedance, np.isfinite(picture.ladder)
        scale, unit = ohm_unit(float(np.abs(z).max()))
        shown: ComplexArray = np.concatenate([z, picture.ladder[known]])
        low, side = square(shown / scale)
        axes = self._nyquist
        axes.set_xlim(low.real, low.real + side)
        axes.set_ylim(low.imag, low.imag + side)
        axes.set_xlabel(f"Z′ / {unit}")
        axes.set_ylabel(f"−Z″ / {unit}")
        order = np.argsort(picture.frequency)
        line = order[known[order]]
        self._data.set_data(z.real / scale, -z.imag / scale)
        self._ladder.set_data(picture.ladder.real[line] / scale, -picture.ladder.imag[line] / scale)
        out = picture.outlier
        self._outlier.set_data(z.real[out] / scale, -z.imag[out] / scale)
        self._draw_residuals(picture, line)
        return self.figure

    def _draw_residuals(self, picture: CheckPicture, line: Any) -> None:
        f = picture.frequency[line]
        residual = 100 * (picture.impedance - picture.ladder) / np.abs(picture.impedance)
        noise = 100 * picture.noise / np.abs(picture.impedance)
        self._real.set_data(f, residual.real[line])
        self._imag.set_data(f, residual.imag[line])
        self._z_hit.set_data(f, 100 * picture.z_hit[line])
        self._residual.set_xlim(0.8 * picture.frequency.min(), 1.25 * picture.frequency.max())
        good = line[~picture.outlier[line]]
        sizes = np.maximum(np.abs(residual.real), np.abs(residual.imag))
        limit = _half_height(sizes[good])
        self._residual.set_ylim(-limit, limit)
        away = np.flatnonzero(picture.outlier)  # points beyond the axis are drawn at its edge
        inside = np.clip(np.concatenate([residual.real[away], residual.imag[away]]), -0.97 * limit, 0.97 * limit)
        self._away.set_data(np.tile(picture.frequency[away], 2), inside)
        limit = _half_height(100 * np.abs(picture.z_hit[good]))
        self._modulus.set_ylim(-limit, limit)
        self._drawn = [
            self._residual.fill_between(
                f, -NOISE_BAND * part[line], NOISE_BAND * part[line], color=colour, alpha=0.13, linewidth=0
            )
            for part, colour in ((noise.real, REAL), (noise.imag, IMAG))
        ]
        self._drawn[0].set_label("± 2 noise")
        self._drawn.append(self._residual.legend(ncols=3, **self._above))

    def to_png(self, picture: CheckPicture, comment: str = "") -> bytes:
        """Return the picture as a PNG file, with a comment among its first bytes."""
        return to_png(self.draw(picture), comment)


def _half_height(sizes: FloatArray) -> float:
    known = sizes[np.isfinite(sizes)]
    return max(1.15 * float(known.max()) if known.size else 0.0, LEAST_RESIDUAL)


def plot_check(kramers_kronig: "KramersKronig", z_hit: "ZHit") -> "Figure":
    """Return a figure of both tests of a spectrum.

    The left panel shows the spectrum with the RC ladder of the Kramers-Kronig test; the right panels show its
    residuals with a band of two standard deviations of noise, and the deviation of |Z| from Z-HIT.

    Parameters
    ----------
    kramers_kronig, z_hit
        Results for the same spectrum.

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import check_kramers_kronig, check_z_hit, simulate
    >>> spectrum = simulate("R0-p(R1,CPE1)", np.geomspace(0.1, 1e5, 61), [10, 100, 1e-5, 0.9], noise=0.005)
    >>> figure = plot_check(check_kramers_kronig(spectrum), check_z_hit(spectrum))
    """
    return CheckPlot().draw(CheckPicture.of(kramers_kronig, z_hit))

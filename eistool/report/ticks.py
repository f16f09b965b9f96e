"""Ticks, grid and labels of axes with few artists, for many pictures with one figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEYOND = 1e-10  # relative distance beyond the limits at which a tick is still shown
OFFSET_PAD = 3.0  # points between tick labels and the power of ten of all labels


class Ticks:
    """Axis with the looks of matplotlib's, which draws three artists a tick and lays out each label three times.

    Parameters
    ----------
    axes : Axes
        Axes with a grid; its own axis is hidden.
    which : {"x", "y"}
        Axis that is replaced.
    """

    def __init__(self, axes: "Axes", which: str) -> None:
        self._axes, self._is_x = axes, which == "x"
        self._axis: Any = axes.xaxis if self._is_x else axes.yaxis
        transform: Any = axes.get_xaxis_transform if self._is_x else axes.get_yaxis_transform
        major: Any = self._axis.get_major_ticks(1)[0]
        minor: Any = self._axis.get_minor_ticks(1)[0]
        self._grid = self._copy(major.gridline, transform(which="grid"))
        self._major, self._minor = (
            self._copy(tick.tick1line, transform(which="tick1")) for tick in (major, minor)
        )
        text: Any = axes.get_xaxis_text1_transform if self._is_x else axes.get_yaxis_text1_transform
        self._place = text(major.get_pad() + major.get_tick_padding())[0]
        self._sample = major.label1
        self._labels: list[Any] = []
        self._reach: dict[str, float] = {}  # pixels from the edge of the axes to the far end of a label
        self._title = self._copy(self._axis.label, self._axis.label.get_transform())
        self._offset = self._copy(self._axis.offsetText, self._axis.offsetText.get_transform())
        self._axis.set_visible(False)

    def update(self) -> None:
        """Adapt to the limits, the axis label and the position of the axes."""
        axis = self._axis
        major = axis.get_majorticklocs()
        texts = axis.get_major_formatter().format_ticks(major)
        shown = self._within(major)
        major = major[shown]
        zero = np.zeros_like(major)
        self._set(self._major, major, zero)
        self._set(self._grid, np.repeat(major, 3), np.tile([0.0, 1.0, np.nan], major.size))
        minor = np.asarray(axis.get_minorticklocs(), dtype=np.float64)
        minor = minor[self._within(minor)] if minor.size else minor
        self._set(self._minor, minor, np.zeros_like(minor))
        texts = [text for text, is_shown in zip(texts, shown.tolist(), strict=True) if is_shown]
        while len(self._labels) < len(texts):
            self._labels.append(self._copy(self._sample, self._place))
        box = self._axes.bbox
        edge = box.y0 if self._is_x else box.x0
        low = edge
        for k, label in enumerate(self._labels):
            label.set_visible(k < len(texts))
            if k < len(texts):
                label.set_text(texts[k])
                label.set_position((major[k], 0) if self._is_x else (0, major[k]))
                if texts[k] not in self._reach:
                    extent = label.get_window_extent()
                    self._reach[texts[k]] = (extent.y0 if self._is_x else extent.x0) - edge
                low = min(low, edge + self._reach[texts[k]])
        point = self._axes.figure.dpi / 72
        self._title.set_text(axis.label.get_text())
        at = low - axis.labelpad * point
        self._title.set_position((0.5, at) if self._is_x else (at, 0.5))
        self._offset.set_text(axis.get_major_formatter().get_offset())
        pad = OFFSET_PAD * point
        self._offset.set_position((1, low - pad) if self._is_x else (0, box.y1 + pad))

    def _copy(self, like: Any, transform: Any) -> Any:
        """Return an artist like another one, with its own transform."""
        is_line = hasattr(like, "set_data")
        artist = type(like)([], []) if is_line else type(like)(rotation_mode=like.get_rotation_mode())
        artist.update_from(like)
        artist.set(transform=transform, visible=True, zorder=0.5)
        self._axes.add_artist(artist)
        # ticks and texts lie outside the axes
        artist.set_clip_on(is_line and like.get_marker() in ("None", None, ""))
        return artist

    def _set(self, line: Any, along: FloatArray, across: FloatArray) -> None:
        line.set_data(*((along, across) if self._is_x else (across, along)))

    def _within(self, places: FloatArray) -> Any:
        transform = self._axis.get_transform().transform
        low, high = sorted(transform(np.array(self._axis.get_view_interval())))
        at, room = transform(places), BEYOND * (high - low)
        return (low - room <= at) & (at <= high + room)


def freeze(artists: Sequence[Any]) -> None:
    """Replace artists of a figure on an Agg canvas, which do not change, by an image below all others."""
    figure = artists[0].figure
    renderer = figure.canvas.get_renderer()
    renderer.clear()
    figure.patch.draw(renderer)
    empty = np.asarray(renderer.buffer_rgba()).copy()
    for artist in artists:
        artist.draw(renderer)
        artist.set_visible(False)
    image = np.asarray(renderer.buffer_rgba())
    drawn = np.flatnonzero((image != empty).any(axis=(1, 2)))
    if drawn.size:
        first, end = int(drawn[0]), int(drawn[-1]) + 1
        figure.figimage(image[first:end].copy(), 0, image.shape[0] - end, origin="upper", zorder=-1)

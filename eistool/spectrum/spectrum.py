"""Impedance spectra."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eistool.display import html_table
from eistool.errors import SpectrumError
from eistool.spectrum.metadata import Metadata
from eistool.typing import BoolArray, ComplexArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Spectrum:
    """An immutable impedance spectrum.

    Parameters
    ----------
    frequency : array_like, shape (n_freq,)
        Frequencies in Hz, positive and finite, in the order of the file.
    impedance : array_like, shape (n_freq,)
        Complex impedances in ohm; capacitive ones have a negative imaginary part.
    metadata : Metadata
        Further properties of the measurement.
    label : str
        Name for messages and plots; by default ``metadata.source``.
    mask : array_like of bool, shape (n_freq,), optional
        True for points in use.
    mask_reason : sequence of str, optional
        Reason why a point is masked, empty for points in use.
    noise : array_like, shape (n_freq,), optional
        Standard deviations in ohm; complex if those of Re and Im differ.
    notes : sequence of str
        Remarks, for instance on how the file was read.

    Raises
    ------
    SpectrumError
        If lengths differ, a value is not finite, or a frequency is not positive.

    Notes
    -----
    Points with an impedance of exactly zero are masked and noted. Duplicate frequencies are noted.

    Examples
    --------
    >>> s = Spectrum([1e3, 1e2, 1e1], [10 - 1j, 12 - 4j, 20 - 9j], label="cell 3")
    >>> s
    Spectrum('cell 3', 3 points, 10 to 1000 Hz)
    >>> s.crop(f_min=50).mask
    array([ True,  True, False])
    """

    frequency: FloatArray
    impedance: ComplexArray
    metadata: Metadata
    label: str
    mask: BoolArray
    mask_reason: tuple[str, ...]
    noise: ComplexArray | None
    notes: tuple[str, ...]

    def __init__(
        self,
        frequency: ArrayLike,
        impedance: ArrayLike,
        metadata: Metadata | None = None,
        label: str = "",
        mask: ArrayLike | None = None,
        mask_reason: Sequence[str] = (),
        noise: ArrayLike | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        metadata = metadata or Metadata()
        label = label or _default_label(metadata)
        f = _column(frequency, np.float64, "frequency", label)
        z = _column(impedance, np.complex128, "impedance", label)
        n = f.size
        if n == 0:
            raise SpectrumError(f"{label}: no points; expected at least one frequency and impedance")
        _same_length(label, "impedance", z.size, n)
        _check_all(label, "frequency", f, np.isfinite(f) & (f > 0), "positive and finite")
        _check_all(label, "impedance", z, np.isfinite(z), "finite")

        used = np.ones(n, dtype=bool) if mask is None else np.array(mask, dtype=bool)
        _same_length(label, "mask", used.size, n)
        reasons = list(mask_reason) or ["" if point else "masked" for point in used]
        _same_length(label, "mask_reason", len(reasons), n)
        remarks = list(notes)
        for i in np.flatnonzero((z == 0) & used):
            used[i] = False
            reasons[i] = "impedance is exactly zero"
        _note(remarks, "points with an impedance of exactly zero are masked", int(np.sum(z == 0)))
        _note(remarks, "duplicate frequencies", n - np.unique(f).size)

        sigma = None if noise is None else _noise(noise, n, label)
        for array in (f, z, used):
            array.setflags(write=False)
        values = (f, z, metadata, label, used, tuple(reasons), sigma, tuple(remarks))
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return int(self.frequency.size)

    @property
    def omega(self) -> FloatArray:
        """Angular frequency 2πf in rad/s, shape (n_freq,)."""
        return 2 * np.pi * self.frequency

    @property
    def n_used(self) -> int:
        """Number of points in use."""
        return int(np.count_nonzero(self.mask))

    @property
    def digest(self) -> str:
        """Hash of frequencies, impedances and mask, the source of random seeds."""
        state = hashlib.blake2b(self.frequency.tobytes(), digest_size=16)
        state.update(self.impedance.tobytes())
        state.update(self.mask.tobytes())
        return state.hexdigest()

    def with_mask(self, used: ArrayLike, reason: str) -> "Spectrum":
        """Return a copy with further points masked.

        Parameters
        ----------
        used : array_like of bool, shape (n_freq,)
            False for points to mask. Points masked before stay masked, with their reason.
        reason : str
            For instance ``"outlier"``.
        """
        keep = np.array(used, dtype=bool)
        _same_length(self.label, "mask", keep.size, len(self))
        reasons = tuple(
            reason if now and not kept else before
            for now, kept, before in zip(self.mask, keep, self.mask_reason, strict=True)
        )
        return replace(self, mask=self.mask & keep, mask_reason=reasons)

    def crop(self, f_min: float | None = None, f_max: float | None = None) -> "Spectrum":
        """Return a copy with frequencies outside ``[f_min, f_max]`` (Hz) masked."""
        low = 0.0 if f_min is None else f_min
        high = np.inf if f_max is None else f_max
        inside = (self.frequency >= low) & (self.frequency <= high)
        return self.with_mask(inside, f"outside {low:g} to {high:g} Hz")

    def with_metadata(self, origin: str, **values: object) -> "Spectrum":
        """Return a copy with more metadata; see :meth:`Metadata.updated`."""
        return replace(self, metadata=self.metadata.updated(origin, **values))

    def to_dict(self) -> dict[str, Any]:
        """Return the spectrum as plain Python objects, from which :meth:`from_dict` makes it again."""
        noise = {} if self.noise is None else {
            "noise_real_ohm": self.noise.real.tolist(), "noise_imag_ohm": self.noise.imag.tolist()
        }  # fmt: skip
        return {
            "label": self.label,
            "frequency_Hz": self.frequency.tolist(),
            "z_real_ohm": self.impedance.real.tolist(),
            "z_imag_ohm": self.impedance.imag.tolist(),
            "mask_reason": list(self.mask_reason),
            "metadata": self.metadata.to_dict(),
            "notes": list(self.notes),
            **noise,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Spectrum":
        """Return the spectrum that :meth:`to_dict` describes.

        Raises
        ------
        SpectrumError
            If a value is missing, unknown or of the wrong kind.

        Examples
        --------
        >>> s = Spectrum([1e3, 1e2], [10 - 1j, 12 - 4j], label="cell 3").crop(f_min=500)
        >>> Spectrum.from_dict(s.to_dict()).mask_reason
        ('', 'outside 500 to inf Hz')
        """
        try:
            given = dict(values)
            metadata = dict(given["metadata"])
            origin = dict(metadata.pop("origin"))
            z = np.array(given["z_real_ohm"], np.float64) + 1j * np.array(given["z_imag_ohm"], np.float64)
            noise = None
            if "noise_real_ohm" in given:
                noise = np.array(given["noise_real_ohm"], np.float64) + 1j * np.array(given["noise_imag_ohm"])
            return cls(
                given["frequency_Hz"],
                z,
                Metadata(**metadata, origin=origin),
                str(given["label"]),
                [not reason for reason in given["mask_reason"]],
                [str(reason) for reason in given["mask_reason"]],
                noise,
                [str(note) for note in given["notes"]],
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SpectrumError(
                f"not the dictionary of a Spectrum ({type(error).__name__}: {error}); expected that of to_dict()"
            ) from error

    def __repr__(self) -> str:
        masked = len(self) - self.n_used
        points = f"{len(self)} points" + (f" ({masked} masked)" if masked else "")
        return f"Spectrum({self.label!r}, {points}, {self.frequency.min():g} to {self.frequency.max():g} Hz)"

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [("points", len(self)), ("masked", len(self) - self.n_used)]
        rows += [("f_min_Hz", self.frequency.min()), ("f_max_Hz", self.frequency.max())]
        rows += list(self.metadata.known().items())
        rows += [("note", note) for note in self.notes]
        return html_table(f"Spectrum {self.label}", ("", "value"), rows)


def check_spectrum(value: object) -> None:
    """Raise a SpectrumError unless the value is a Spectrum."""
    if not isinstance(value, Spectrum):
        raise SpectrumError(f"expected a Spectrum, got {value!r}; eistool.read(path) returns a list of spectra")


def _default_label(metadata: Metadata) -> str:
    source = metadata.source or metadata.sample_id or "spectrum"
    return source if metadata.sweep is None or metadata.sweep == 1 else f"{source}#{metadata.sweep}"


def _column(values: ArrayLike, dtype: type, name: str, label: str) -> Any:
    try:
        column: Any = np.array(values, dtype=dtype, order="C")
    except (TypeError, ValueError) as error:
        raise SpectrumError(f"{label}: {name} is not numeric ({error})") from error
    if column.ndim != 1:
        raise SpectrumError(f"{label}: {name} has shape {column.shape}; give one dimension")
    return column


def _noise(noise: ArrayLike, n: int, label: str) -> ComplexArray:
    given = np.array(noise)
    sigma = (given if np.iscomplexobj(given) else given * (1 + 1j)).astype(np.complex128)
    _same_length(label, "noise", sigma.size, n)
    positive = (sigma.real > 0) & (sigma.imag > 0) & np.isfinite(sigma)
    _check_all(label, "noise", sigma, positive, "positive and finite")
    sigma.setflags(write=False)
    return sigma


def _same_length(label: str, name: str, length: int, expected: int) -> None:
    if length != expected:
        raise SpectrumError(f"{label}: {name} has {length} values for {expected} frequencies")


def _check_all(label: str, name: str, values: Any, good: BoolArray, expected: str) -> None:
    if not good.all():
        bad = int(np.flatnonzero(~good)[0])
        count = int(np.count_nonzero(~good))
        raise SpectrumError(
            f"{label}: {name}[{bad}]={values[bad]} ({count} of {values.size} values); "
            f"values must be {expected}: remove these points"
        )


def _note(notes: list[str], text: str, count: int) -> None:
    # copies of a spectrum already have the note
    if count and not any(note.endswith(text) for note in notes):
        notes.append(f"{count} {text}")

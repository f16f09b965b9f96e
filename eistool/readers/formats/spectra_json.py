"""Spectra with all their facts as JSON (``.json``), written by eistool."""

import json
import re
from typing import Any

from eistool.escaping import printable
from eistool.readers.content import FileContent
from eistool.spectrum import Spectrum

SUFFIXES = (".json",)

KIND, VERSION = "spectra", 1
_START = re.compile(r'\s*\{\s*"eistool":\s*"spectra"')
_MOST_CHARACTERS = 32 * 1024 * 1024


def identify(content: FileContent) -> bool:
    """Return whether the text is JSON of spectra."""
    return _START.match(content.text[:200]) is not None


def load(content: FileContent) -> list[Spectrum]:
    """Return the spectra as they were written.

    Raises
    ------
    ReaderError
        If the JSON is damaged, or of a later version.
    """
    if len(content.text) > _MOST_CHARACTERS:
        raise content.error(f"{len(content.text)} characters; expected at most {_MOST_CHARACTERS}: split the file")
    try:
        document = json.loads(content.text)
        version, entries = document["version"], document["spectra"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise content.error(f"broken JSON ({type(error).__name__}: {error}); write or copy it again") from error
    if version != VERSION or not isinstance(entries, list):
        raise content.error(f"version {version!r}; expected version {VERSION}, or a later eistool to read it")
    return [Spectrum.from_dict(_printable(entry)) for entry in entries]


def _printable(value: Any) -> Any:
    """Return a value of JSON with printable text."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(entry) for key, entry in value.items()}
    # numbers are many, and come in lists of their own
    if isinstance(value, list) and any(isinstance(entry, str | list | dict) for entry in value):
        return [_printable(entry) for entry in value]
    return value

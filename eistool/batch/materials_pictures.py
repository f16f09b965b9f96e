"""Pictures of what a batch knows of materials."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eistool.batch.materials import Sample


def pictures(samples: "Sequence[Sample]", composition: Sequence[Mapping[str, Any]]) -> dict[str, Callable[[], bytes]]:
    return {}

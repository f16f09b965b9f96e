"""Pictures of a result folder."""

from eistool.batch.boundary import Breakdown, attempt
from eistool.batch.generation import Output
from eistool.batch.job import Picture, failure
from eistool.batch.store import LostRecordError, Record
from eistool.errors import OutputError


def draw(output: Output, name: str, picture: Picture, item: tuple[str, int] | None = None) -> list[Record]:
    """Draw a picture unless it is there; return the failure, of an item or else of the picture, if any."""
    if output.shows(name, picture.content):
        output.keep(name, picture.content)
        return []
    png = attempt(f"picture {name}", picture.draw, (OutputError, LostRecordError))
    if isinstance(png, Breakdown):
        source, sweep = item or (name, 0)
        return [failure(source, "draw", png.reason, sweep)]
    output.write(name, png, picture.content)
    return []

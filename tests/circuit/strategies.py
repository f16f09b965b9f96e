"""Random circuits for Hypothesis."""

from hypothesis import strategies as st

from eistool.circuit import ELEMENTS, Circuit, Element, Node, Parallel, Series

_SYMBOLS = st.sampled_from(sorted(ELEMENTS))
_LABELS = st.from_regex(r"[0-9]{1,2}|_[a-zA-Z0-9_]{1,4}", fullmatch=True)
_SHAPES = st.recursive(
    st.none(),
    lambda shapes: st.tuples(st.sampled_from([Series, Parallel]), st.lists(shapes, min_size=2, max_size=4)),
    max_leaves=8,
)


@st.composite
def circuits(draw: st.DrawFn) -> Circuit:
    """Circuit of up to eight elements (more after flattening) with any symbols and labels."""
    taken: set[str] = set()

    def build(shape: tuple[type[Series] | type[Parallel], list[object]] | None) -> Node:
        if shape is None:
            element = draw(st.builds(Element, _SYMBOLS, _LABELS).filter(lambda element: element.name not in taken))
            taken.add(element.name)
            return element
        kind, parts = shape
        return kind(tuple(build(part) for part in parts))  # type: ignore[arg-type]

    return Circuit.from_tree(build(draw(_SHAPES)))

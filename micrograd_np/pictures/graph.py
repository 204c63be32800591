"""The picture of a computation graph: what every value is, how it was made, and what is trained."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.backward import is_gone, topological
from micrograd_np.values import values, with_constants
from micrograd_np.vertex import Node, Source, held_inputs, source

from .render import RenderError, render, save

if TYPE_CHECKING:
    from pathlib import Path

    import graphviz

    from micrograd_np.tensor import Tensor

__all__ = ["Picture", "draw"]

_COLOURS = {"parameter": "#fdf0d5", "data": "#eef2f5", "value": "#ffffff", "result": "#e3f1e3"}
_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Picture:
    """A drawn graph: shows itself in a notebook, and is written to a file by `save`.

    `digraph` is the `graphviz.Digraph`, `source` its text in the DOT language.
    """

    def __init__(self, digraph: graphviz.Digraph) -> None:
        self.digraph = digraph

    @property
    def source(self) -> str:
        """The graph in the DOT language."""
        return str(self.digraph.source)

    def save(self, path: str | Path) -> Path:
        """Write the picture in the format of the suffix (svg, png, pdf, …) and return the path written.

        Without Graphviz the source is written beside it as ``.gv``, and a logged warning says what to install.
        """
        return save(self.source, path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": render(self.source, "svg").decode(), "text/plain": repr(self)}
        except RenderError as failure:
            return {"text/plain": f"{failure}\nThe graph itself is in .source, and .save('graph.gv') writes it."}

    def __repr__(self) -> str:
        return f"<Picture of {self.source.count('label=')} nodes; .save('graph.svg') writes it>"


def draw(tensor: Tensor, direction: str = "TB") -> Picture:
    """The graph that `tensor` was computed by, as a `Picture`.

    Every value shows the formula that made it and its shape; leaves show their names, those that are trained in a
    colour of their own. `direction` is Graphviz's rankdir: "TB" from top to bottom, "LR" from left to right.

    Raises RuntimeError where a backward pass has already given the graph up: draw before it, or pass
    ``retain_graph=True`` to it.

    >>> from micrograd_np import Tensor
    >>> w = Tensor(3.0, requires_grad=True, name="w")
    >>> print(draw((w * 2).sigmoid()).source.count("->"))
    2
    """
    if is_gone(source(tensor)):
        message = (
            "draw: a backward pass has given this graph up; draw before calling backward(), or call "
            "backward(retain_graph=True)."
        )
        raise RuntimeError(message)
    import graphviz  # an eighth of the package's import, for those who draw

    digraph = graphviz.Digraph(
        graph_attr={"rankdir": direction, "bgcolor": "transparent", "nodesep": "0.3", "ranksep": "0.35"},
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": "Helvetica",
            "fontsize": "11",
            "color": "#8896a5",
        },
        edge_attr={"color": "#8896a5", "arrowsize": "0.6"},
    )
    order = with_constants(topological(tensor))
    top = source(tensor)
    symbols = _symbols(order)
    known = values(order)
    identity = {v: str(i) for i, v in enumerate(order)}
    arrays: dict[int, str] = {}
    for v in order:
        kind = "parameter" if v.op is None and v.requires_grad else "data" if v.op is None else "value"
        kind = "result" if v is top and v.op is not None else kind
        text = symbols[v] if v.op is None else f"{symbols[v]} = {_formula(v, symbols)}"
        digraph.node(identity[v], label=_label(text, v.shape, known.get(v)), fillcolor=_COLOURS[kind])
        for x in held_inputs(v) if isinstance(v, Node) else ():
            if isinstance(x, Source):
                digraph.edge(identity[x], identity[v])
            elif isinstance(x, np.ndarray) and x.ndim:
                if id(x) not in arrays:
                    arrays[id(x)] = f"a{len(arrays)}"
                    digraph.node(arrays[id(x)], label=_label("array", x.shape, x), fillcolor=_COLOURS["data"])
                digraph.edge(arrays[id(x)], identity[v])
    return Picture(digraph)


def _label(text: str, shape: tuple[int, ...], array: Any) -> str:
    from graphviz import escape

    value = f"{array.item():.6g}" if not shape and array is not None else str(shape)
    return escape(f"{text}\n{value}").replace("\n", "\\n")


def _symbols(order: list[Any]) -> dict[Any, str]:
    """What each vertex is called in formulas: its own name, or a letter with a number in the order of making."""
    symbols = {}
    made = given = 0
    for v in order:
        if v.name:
            symbols[v] = v.name
        elif v.op is None:
            given += 1
            symbols[v] = f"x{str(given).translate(_DIGITS)}"
        else:
            made += 1
            symbols[v] = f"z{str(made).translate(_DIGITS)}"
    return symbols


def _formula(v: Any, symbols: dict[Any, str]) -> str:
    """The label of the op that made `v`, filled with the symbols of its inputs."""
    op = v.op
    assert op is not None
    told = [symbols[x] if isinstance(x, Source) else _number(x) for x in held_inputs(v)]
    fields: dict[str, Any] = {name: _setting(value) for name, value in v.static.items()}
    fields.update(zip(op.inputs[: op.fixed], told, strict=False))
    if op.variadic:
        fields[op.inputs[-1]] = ", ".join(told[op.fixed :])
    return Formatter().vformat(op.label, (), fields)


def _number(x: Any) -> str:
    return (
        f"{x:.6g}"
        if isinstance(x, (int, float))
        else "array"
        if x is None or np.ndim(x)
        else f"{np.asarray(x).item():.6g}"
    )


def _setting(value: Any) -> str:
    """A static parameter as a person writes it: slices as in brackets, shapes with ×."""
    if isinstance(value, slice):
        parts = ["" if value.start is None else str(value.start), "" if value.stop is None else str(value.stop)]
        return ":".join([*parts, str(value.step)] if value.step is not None else parts)
    if isinstance(value, tuple) and any(isinstance(part, slice) or part is None or part is ... for part in value):
        return ", ".join("…" if part is ... else _setting(part) for part in value)
    return str(value)

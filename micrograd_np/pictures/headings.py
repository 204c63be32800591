"""Headings of frames where no arrow crosses them; which places are free is known only once a picture is laid out."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from .drawing import Drawing, digraph
from .render import render

_TRIES = 4  # a heading that becomes a node changes the layout, and so may move arrows onto others
_MOST = 400  # nodes, of which a layout takes a second
_RIM, _ABOVE, _BELOW = 8, 9, 3  # points from a frame to its heading; of letters above and below their line
_HEADING = re.compile(
    r'<g id="[^"]*" class="cluster">\s*<title>cluster_(\w+)<.*?(?: d|points)="([^"]+)"(.*?)</g>', re.DOTALL
)
_ARROW = re.compile(r'class="edge">.*? d="([^"]+)"', re.DOTALL)
_BEZIER = np.array([[1, 0, 0, 0], [-3, 3, 0, 0], [3, -6, 3, 0], [-1, 3, -3, 1]])
_POWERS = np.linspace(0, 1, 33)[:, None] ** np.arange(4)


def laid_out(drawing: Drawing, format: str = "svg", **settings: float) -> bytes:
    """The picture of a drawing, by `render`, with its headings where no arrow crosses them.

    A heading stands at the top left of its frame; where an arrow crosses it, at the right if that is free, and else
    among the first nodes of the frame, which no arrow crosses (and behind which straight lines pass).
    """
    places: dict[str, str] = {}
    for _ in range(_TRIES) if drawing.clusters and len(drawing.every_node()) <= _MOST else ():
        svg = render(str(digraph(drawing, places).source), "svg", **settings)
        moved = {id: "n" if id in places else place for id, place in _crossed(svg.decode(), places)}
        if not moved:
            if format == "svg":
                return svg
            break
        places |= moved
    return render(str(digraph(drawing, places).source), format, **settings)


def _crossed(svg: str, places: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The ids of frames whose heading an arrow crosses, and where it can stand instead."""
    curves = [_points(path) for path in _ARROW.findall(svg)]
    bends = [curve[i : i + 4] for curve in curves for i in range(0, len(curve) - 1, 3)]
    arrows = (_POWERS @ (_BEZIER @ np.array(bends))).reshape(-1, 2)
    for id, frame, rest in _HEADING.findall(svg):
        if text := re.search(r'<text.*? x="([^"]+)" y="([^"]+)"', rest):
            middle, line = map(float, text.groups())
            left, right = _points(frame)[:, 0].min() + _RIM, _points(frame)[:, 0].max() - _RIM
            width = 2 * (right - middle if id in places else middle - left)
            x = arrows[(line - _ABOVE < arrows[:, 1]) & (arrows[:, 1] < line + _BELOW), 0]
            at_left, at_right = np.any((left <= x) & (x <= left + width)), np.any((right - width <= x) & (x <= right))
            if at_right if id in places else at_left:
                yield id, "n" if at_right else "r"


def _points(path: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2)

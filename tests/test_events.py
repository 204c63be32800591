"""Whoever watches derives from one class, hears of everything, and may leave out what he does not care for."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.tracing.numbers import Fixed, Numbers
from micrograd_np.core.events import QUIET, Events, Relay
from micrograd_np.core.modes import mode

NAMES = [name for name, event in vars(Events).items() if inspect.isfunction(event)]


class Noting(Events):
    """Notes the names of all events."""

    def __init__(self):
        self.seen = []


def noting(name):
    def event(self, *args, **settings):
        self.seen.append(name)
        return getattr(Events, name)(self, *args, **settings)

    return event


for _name in NAMES:
    setattr(Noting, _name, noting(_name))


@pytest.fixture
def watch():
    before = mode.events

    def start(events):
        mode.set(events=events)
        return events

    yield start
    mode.set(events=before)


def train():
    """A program that makes every event happen that eager code knows."""
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    x = mg.constant(np.ones((5, 3)))
    h = net(x)
    h[0] *= 2
    h.detach()
    loss = nn.functional.cross_entropy(h, np.array([0, 1, 0, 1, 1]))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    for p in net.parameters():
        p.zero_grad()
    np.count_nonzero(x)
    return loss.item()


def test_a_watcher_that_overrides_nothing_changes_nothing(watch):
    mg.random.manual_seed(0)
    expected = train()
    mg.random.manual_seed(0)
    watch(Events())
    assert train() == expected


def test_every_event_of_eager_code_is_heard(watch):
    seen = watch(Noting()).seen
    train()
    with mg.no_grad():
        w = mg.Tensor([1.0, 2.0])
        w += 1
    with pytest.raises(TypeError):
        optim.LBFGS([mg.Tensor(1.0, requires_grad=True)]).step()
    optim.LBFGS([mg.Tensor(1.0, requires_grad=True)], max_iter=1).step(lambda: mg.Tensor(1.0))
    np.asarray(Numbers([1.0], np.array([1.0])))  # as a step that is compiled is given its lists and tuples
    assert Numbers([1.0], np.array([1.0]))[0] == np.asarray(Fixed((1.0,)))[0]
    assert set(seen) == set(NAMES) - {"named"}  # which export to ONNX tells, below


@together
@pytest.mark.parametrize("name", NAMES)
def test_what_passes_events_on_passes_on_all_of_them(name):
    relay, outer = Relay(), Noting()
    relay.outer = outer
    getattr(relay, name)(
        *[None] * (len(inspect.signature(getattr(Events, name)).parameters) - 1 - (name == "backward"))
    )
    assert outer.seen == [name]


def test_nobody_asks_a_watcher_for_more_than_events():
    package, asked = Path(mg.__file__).parent, []
    sources = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    for path, source in ((path, source) for path, source in sources.items() if "events" in source):
        for node in ast.walk(ast.parse(source)):
            of = node.value if isinstance(node, ast.Attribute) else node.args[0] if _asks_by_name(node) else None
            if of is None or ast.unparse(of) not in ("mode.events", "events", "self.outer"):
                continue
            if not (isinstance(node, ast.Attribute) and hasattr(Events, node.attr)):
                asked.append(f"{path.relative_to(package)}:{node.lineno}: {ast.unparse(node)}")
    assert [x for x in asked if not x.startswith("core/events.py")] == []  # where all of them are passed on


def _asks_by_name(node):
    return isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in ("getattr", "hasattr")


def test_nobody_watches_by_default():
    assert mode.events is QUIET
    assert type(QUIET) is Events


def test_a_debugging_context_lets_the_outer_watcher_see_all(watch):
    seen = watch(Noting()).seen
    with mg.trace_origins(), mg.detect_nonfinite():
        train()
    assert {
        "applied",
        "written",
        "rebound",
        "created",
        "detached",
        "entered",
        "left",
        "pulled",
        "optimizer_step",
    } <= set(seen)


@pytest.mark.parametrize("numbers", [list, tuple])
def test_a_debugging_context_hides_no_list_of_numbers_from_compile(numbers):
    def step(x, sizes):
        with mg.trace_origins():
            return x * 10 if sizes[0] > 1 else x * mg.Tensor(sizes)

    x, compiled = mg.Tensor([1.0, 2.0]), mg.compile(step)
    for sizes in ([0.5, 0.25], [0.5, 0.25], [3.0, 1.0], [0.75, 1.0]):
        assert compiled(x, numbers(sizes)).tolist() == step(x, numbers(sizes)).tolist()


def test_a_debugging_context_hides_no_name_from_export(tmp_path):
    pytest.importorskip("onnx")

    class Net(nn.Module):
        def __init__(self):
            self.first = nn.Linear(2, 3)

        def forward(self, x):
            with mg.trace_origins():
                return self.first(x).exp()

    mg.onnx.export(Net(), (np.ones((1, 2)),), tmp_path / "net.onnx")
    assert b"first" in (tmp_path / "net.onnx").read_bytes()

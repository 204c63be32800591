"""Whoever watches derives from one class, hears of everything, and may leave out what he does not care for."""

import inspect

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
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
    assert set(seen) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_passes_events_on_passes_on_all_of_them(name):
    relay, outer = Relay(), Noting()
    relay.outer = outer
    getattr(relay, name)(
        *[None] * (len(inspect.signature(getattr(Events, name)).parameters) - 1 - (name == "backward"))
    )
    assert outer.seen == [name]


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

"""Five steps on p₀² + ½p₁² from (1, −2): PyTorch's numbers, and a hand calculation where one is short."""

import numpy as np
import pytest
from optimizer_cases import CASES, weights_after
from recorded import answers
from together import together
from trainable import MATRICES_ONLY, OPTIMIZERS

import micrograd_np as mg
from micrograd_np import optim

GOLDEN = [
    (optim.SGD, {"lr": 0.1}, (0.32768, -1.18098)),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9}, (-0.58042, 0.05832)),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, (-0.4157175808, 0.2091633678)),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}, (-0.28512, -0.50603625)),
    (optim.SGD, {"lr": 0.1, "weight_decay": 0.1}, (0.3077056399, -1.1168118898)),
    (optim.Adam, {"lr": 0.1}, (0.5079636593, -1.5029557826)),
    (optim.AdamW, {"lr": 0.1}, (0.5040800901, -1.4940456954)),
    (optim.RMSprop, {"lr": 0.1}, (0.0, -0.0983101185)),
    (optim.RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True}, (0.1347019182, -1.0819235622)),
    (optim.Adagrad, {"lr": 0.1}, (0.6977148621, -1.6867615981)),
    (optim.Adadelta, {}, (0.983631324, -1.9835991577)),
    (optim.Adamax, {"lr": 0.1}, (0.5515538031, -1.5257775476)),
    (optim.NAdam, {"lr": 0.1}, (0.6236628919, -1.6084596273)),
    (optim.RAdam, {"lr": 0.1}, (0.2016479631, -1.1047283902)),
    (optim.Rprop, {"lr": 0.1}, (0.25584, -1.25584)),
    (optim.ASGD, {"lr": 0.1}, (0.3276656644, -1.1809242333)),
    (optim.ASGD, {"lr": 0.1, "lambd": 0.1, "t0": 2}, (0.3137248717, -1.1269326611)),
    (optim.Adafactor, {"lr": 0.1}, (0.4258884365, -1.3773166015)),
]

KINDS = [
    (getattr(optim, name), settings)
    for name, tried in OPTIMIZERS.items()
    for settings in tried
    if name not in MATRICES_ONLY
]


def descend(optimizer, p, steps=5):
    for _ in range(steps):
        optimizer.zero_grad()
        (p * p * np.array([1.0, 0.5])).sum().backward()
        optimizer.step()


def test_every_optimizer_is_judged_by_numbers_that_it_did_not_compute():
    judged = {kind.__name__ for kind, *_ in GOLDEN} | {name for name, _ in CASES} | MATRICES_ONLY  # below
    assert OPTIMIZERS.keys() - judged == set(), "add a row to GOLDEN, computed by hand"


@together
@pytest.mark.parametrize(("kind", "settings", "expected"), GOLDEN, ids=lambda x: getattr(x, "__name__", None))
def test_five_steps_end_where_pytorch_ends(kind, settings, expected):
    p = mg.Tensor([1.0, -2.0], requires_grad=True)
    descend(kind([p], **settings), p)
    np.testing.assert_allclose(p.data, expected, rtol=0, atol=1e-9)


@together
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_twelve_steps_in_two_groups_end_where_pytorch_ended(name, settings):
    found = weights_after(optim, mg.Tensor, name, settings)
    np.testing.assert_allclose(found, answers()[f"{name} {settings}"][0], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("shape", [(6, 3), (3, 6)])
@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_moves_by_the_momentum_with_each_singular_value_sent_through_the_polynomial(shape, nesterov):
    rng = np.random.default_rng(4)
    value, momentum, (a, b, c) = rng.standard_normal(shape), np.zeros(shape), (3.4445, -4.775, 2.0315)
    p = mg.Tensor(value.copy(), requires_grad=True)
    optimizer = optim.Muon([p], lr=0.1, weight_decay=0.2, nesterov=nesterov)
    for g in rng.standard_normal((3, *shape)):
        p.grad = mg.Tensor(g)
        optimizer.step()
        momentum = 0.95 * momentum + 0.05 * g
        u, s, v = np.linalg.svd(0.05 * g + 0.95 * momentum if nesterov else momentum, full_matrices=False)
        s /= np.sqrt((s * s).sum())
        for _ in range(5):
            s = a * s + b * s**3 + c * s**5
        value = value * (1 - 0.1 * 0.2) - 0.1 * np.sqrt(max(1, shape[0] / shape[1])) * (u * s) @ v
        np.testing.assert_allclose(p.data, value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_minimum(search):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((5, 5))
    a, b = a @ a.T + np.eye(5), rng.standard_normal(5)
    x = mg.Tensor(np.zeros(5), requires_grad=True)
    optimizer = optim.LBFGS([x], max_iter=100, tolerance_change=1e-15, line_search_fn=search)

    def closure():
        optimizer.zero_grad()
        loss = (x @ (a @ x)) / 2 - x @ b
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    np.testing.assert_allclose(x.data, np.linalg.solve(a, b), atol=1e-6)


@together
@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=lambda x: getattr(x, "__name__", None))
def test_float32_parameters_stay_float32_and_so_does_their_state(kind, settings):
    p = mg.Tensor(np.array([1.0, -2.0], "f4"), requires_grad=True)
    optimizer = kind([p], **settings)
    for _ in range(3):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    assert p.dtype == np.float32
    assert {v.dtype for v in optimizer.state[p].values() if isinstance(v, np.ndarray)} <= {np.dtype("f4")}


@together
@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=lambda x: getattr(x, "__name__", None))
def test_a_0d_parameter_moves_like_an_element_of_an_array(kind, settings):
    p = mg.Tensor(1.0, requires_grad=True)
    q = mg.Tensor([1.0], requires_grad=True)
    one, many = kind([p], **settings), kind([q], **settings)
    for _ in range(4):
        for optimizer, x in ((one, p), (many, q)):
            optimizer.zero_grad()
            (x * x).sum().backward()
            optimizer.step()
    assert p.data == q.data[0] != 1.0


def test_dampening_spares_the_first_gradient():
    p = mg.Tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9, dampening=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        (2.0 * p).sum().backward()
        optimizer.step()
    # b = 2, then 0.9 · 2 + 0.5 · 2 = 2.8
    np.testing.assert_allclose(p.data, 1 - 0.1 * 2 - 0.1 * 2.8)

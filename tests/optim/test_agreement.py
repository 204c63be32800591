"""Optimisers beside PyTorch's: the same gradients in, the same weights and the same state out."""

import numpy as np
import pytest
from optimizer_cases import CASES, SHAPES

import micrograd_np as mg
from micrograd_np import optim

torch = pytest.importorskip("torch")

ELSEWHERE = {"Optimizer", "Muon", "LBFGS"}  # the latter two have tests of their own below


@pytest.fixture(autouse=True)
def _float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in it
    yield
    torch.set_default_dtype(before)


def test_every_optimizer_that_pytorch_has_is_compared():
    shared = {name for name in optim.__all__ if name in vars(torch.optim) and name != "lr_scheduler"}
    assert shared - {name for name, _ in CASES} - ELSEWHERE == set(), "add it to CASES, with settings that matter"


def pair(name, settings, rng):
    """The same parameters in two groups, the second with a learning rate of its own, here and there."""
    values = [rng.standard_normal(shape) for shape in SHAPES]
    ours = [mg.Tensor(v.copy(), requires_grad=True) for v in values]
    theirs = [torch.tensor(v, requires_grad=True) for v in values]
    made = []
    for kind, params in ((getattr(optim, name), ours), (getattr(torch.optim, name), theirs)):
        groups = [{"params": params[:1]}, {"params": params[1:], "lr": settings["lr"] / 2}]
        made.append(kind(groups, **settings))
    return ours, theirs, made[0], made[1]


def feed(ours, theirs, mine, other, rng, steps):
    for _ in range(steps):
        for p, q in zip(ours, theirs, strict=True):
            g = rng.standard_normal(p.shape)
            p.grad, q.grad = mg.Tensor(np.array(g)), torch.tensor(g)
        mine.step()
        other.step()


def agree(ours, theirs):
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-11, atol=1e-13)


def as_torch(state_dict):
    """Our state dict with tensors where PyTorch has tensors."""
    state = {
        i: {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in s.items()}
        for i, s in state_dict["state"].items()
    }
    return {**state_dict, "state": state}


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_weights_agree_after_twelve_steps_in_two_groups(name, settings):
    rng = np.random.default_rng(1)
    ours, theirs, mine, other = pair(name, settings, rng)
    feed(ours, theirs, mine, other, rng, 12)
    agree(ours, theirs)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_state_moves_from_pytorch_to_here_in_the_middle_of_training(name, settings):
    rng = np.random.default_rng(2)
    ours, theirs, mine, other = pair(name, settings, rng)
    feed(ours, theirs, mine, other, rng, 3)
    fresh = getattr(optim, name)([{"params": ours[:1]}, {"params": ours[1:]}], **settings)
    fresh.load_state_dict(other.state_dict())
    feed(ours, theirs, fresh, other, rng, 7)
    agree(ours, theirs)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_state_moves_from_here_to_pytorch_in_the_middle_of_training(name, settings):
    rng = np.random.default_rng(3)
    ours, theirs, mine, other = pair(name, settings, rng)
    feed(ours, theirs, mine, other, rng, 3)
    fresh = getattr(torch.optim, name)([{"params": theirs[:1]}, {"params": theirs[1:]}], **settings)
    fresh.load_state_dict(as_torch(mine.state_dict()))
    feed(ours, theirs, mine, fresh, rng, 7)
    agree(ours, theirs)


@pytest.mark.parametrize("shape", [(6, 3), (3, 6)])
@pytest.mark.parametrize("settings", [{}, {"nesterov": False}, {"adjust_lr_fn": "match_rms_adamw"}])
def test_muon_agrees_to_the_bfloat16_that_pytorch_iterates_in(shape, settings):
    rng = np.random.default_rng(4)
    value, gradients = rng.standard_normal(shape), rng.standard_normal((3, *shape))
    p, q = mg.Tensor(value.copy(), requires_grad=True), torch.tensor(value, requires_grad=True)
    mine, other = optim.Muon([p], lr=0.1, **settings), torch.optim.Muon([q], lr=0.1, **settings)
    for g in gradients:
        p.grad, q.grad = mg.Tensor(g), torch.tensor(g)
        mine.step()
        other.step()
    moved = np.abs(p.data - value).max()
    assert np.abs(p.data - q.detach().numpy()).max() < 0.03 * moved


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_minimum_that_pytorch_finds(search):
    start = np.array([-1.2, 1.0, 0.5])
    found = []
    for kind, x in (
        (optim.LBFGS, mg.Tensor(start.copy(), requires_grad=True)),
        (torch.optim.LBFGS, torch.tensor(start, requires_grad=True)),
    ):
        optimizer = kind([x], lr=1.0 if search else 0.01, max_iter=60, line_search_fn=search)

        def closure(x=x, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (10 * (x[1:] - x[:-1] ** 2) ** 2).sum() + ((1 - x[:-1]) ** 2).sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        found.append(np.asarray(x.data))
    if search:
        np.testing.assert_allclose(found[0], 1.0, atol=1e-5)
    np.testing.assert_allclose(found[0], found[1], atol=1e-5 if search else 1e-9)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.5, 1e3])
def test_clipping_by_norm_agrees(norm_type, max_norm):
    rng = np.random.default_rng(5)
    gradients = [rng.standard_normal(shape) for shape in SHAPES]
    ours = [mg.Tensor(np.zeros(s), requires_grad=True) for s in SHAPES]
    theirs = [torch.zeros(s, requires_grad=True) for s in SHAPES]
    for p, q, g in zip(ours, theirs, gradients, strict=True):
        p.grad, q.grad = mg.Tensor(np.array(g)), torch.tensor(g)
    norm = optim.clip_grad_norm_(ours, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    np.testing.assert_allclose(norm.item(), expected.item(), rtol=1e-13)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=1e-13)

"""A compiled step of every optimiser is the eager one, bit for bit, through changes of its settings."""

import numpy as np
import pytest
from together import sparing
from trainable import MATRICES_ONLY, OPTIMIZERS

import micrograd_np as mg
from micrograd_np import nn, optim

KINDS = [(name, settings) for name, tried in OPTIMIZERS.items() for settings in tried]


def trained(name, settings, dtype, *, compiled):
    mg.random.manual_seed(0)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(3, 5, dtype=dtype), nn.Tanh(), nn.Linear(5, 2, dtype=dtype))
    layers = [list(layer.parameters()) for layer in (model[0], model[2])]
    groups = [{"params": params[:1] if name in MATRICES_ONLY else params} for params in layers]
    groups[1]["lr"] = 0.03
    optimizer = getattr(optim, name)(groups, **{"lr": 0.1, **settings})
    average = optim.ExponentialMovingAverage(model.parameters(), decay=0.9)
    criterion = nn.MSELoss()

    def step(x, y):
        model.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        norm = optim.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        average.update()
        return loss + norm

    run = mg.compile(step) if compiled else step
    losses = []
    for i in range(9):  # the sixth is where RAdam turns adaptive
        if i == 4:
            optimizer.param_groups[0]["lr"] *= 0.5
        x, y = (rng.standard_normal((7, n)).astype(dtype) for n in (3, 2))
        losses.append(run(x, y).item())
    return losses, [p.data.copy() for p in (*model.parameters(), *average.averages)], optimizer.state_dict()


@pytest.mark.parametrize("dtype", sparing(["f8", "f4"], 2))
@pytest.mark.parametrize(("name", "settings"), KINDS)
def test_compiled_is_eager_bit_for_bit(name, settings, dtype):
    eager, compiled = (trained(name, settings, dtype, compiled=c) for c in (False, True))
    assert eager[0] == compiled[0]
    for a, b in zip(eager[1], compiled[1], strict=True):
        np.testing.assert_array_equal(a, b)
    for i, state in eager[2]["state"].items():
        for slot, value in state.items():
            np.testing.assert_array_equal(value, compiled[2]["state"][i][slot])


WITHOUT_EPS = [
    (optim.Adam, {}),
    (optim.Adam, {"amsgrad": True, "maximize": True}),
    (optim.AdamW, {"betas": (0.0, 0.0)}),
    (optim.RMSprop, {"momentum": 0.5}),
    (optim.RMSprop, {"alpha": 0.5, "centered": True}),
    (optim.Adagrad, {}),
    (optim.Adadelta, {"rho": 0.0}),
    (optim.Adamax, {}),
    (optim.NAdam, {}),
    (optim.RAdam, {}),
]


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize(("kind", "settings"), WITHOUT_EPS)
def test_what_lies_between_parameters_warns_of_nothing(kind, settings, forgetful):
    def course(wrap):
        mg.random.manual_seed(0)
        rng = np.random.default_rng(0)
        model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
        optimizer = kind(model.parameters(), eps=0.0, **settings)

        def step(x):
            if not forgetful:
                optimizer.zero_grad()
            loss = (model(x) - 1).square().mean()
            loss.backward()
            optimizer.step()
            if forgetful:  # then the update may use the memory of the gradients for other things
                optimizer.zero_grad()
            return loss

        step = wrap(step)
        with np.errstate(all="raise", under="ignore"):
            return [step(rng.standard_normal((4, 3))).item() for _ in range(60)], step

    (wanted, _), (found, step) = course(lambda f: f), course(mg.compile)
    assert wanted == found
    joined = kind not in (optim.Adamax, optim.NAdam) and not settings.get("amsgrad")
    assert "gradients" in step.source or not joined


def test_lbfgs_says_that_it_cannot_be_compiled():
    p = mg.Tensor([1.0], requires_grad=True)
    optimizer = optim.LBFGS([p])

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="LBFGS: a step cannot be compiled"):
        mg.compile(lambda: optimizer.step(closure))()

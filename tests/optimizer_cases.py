"""Optimisers with settings that matter, and where they end in either package."""

import numpy as np

CASES = [
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "maximize": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "maximize": True, "betas": (0.8, 0.9), "eps": 1e-3}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3}),
    ("AdamW", {"lr": 0.05, "amsgrad": True, "maximize": True}),
    ("RMSprop", {"lr": 0.05, "weight_decay": 0.1, "momentum": 0.5, "centered": True}),
    ("RMSprop", {"lr": 0.05, "maximize": True}),
    ("Adagrad", {"lr": 0.05, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("Adagrad", {"lr": 0.05, "maximize": True}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {"lr": 0.05, "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("Rprop", {"lr": 0.05, "etas": (0.4, 1.5), "step_sizes": (0.01, 0.08)}),
    ("Rprop", {"lr": 0.05, "maximize": True}),
    ("ASGD", {"lr": 0.05, "lambd": 0.1, "alpha": 0.6, "t0": 3, "weight_decay": 0.1}),
    ("ASGD", {"lr": 0.05, "maximize": True}),
    ("Adafactor", {"lr": 0.05, "weight_decay": 0.1, "beta2_decay": -0.5, "d": 1.5}),
    ("Adafactor", {"lr": 0.5, "eps": (1e-2, 1e-1), "maximize": True}),
]
SHAPES = ((3, 4), (4,), ())


def weights_after(place, leaf, name, settings, steps=12):
    """All weights after steps in two groups, the second with half the rate, as one array; `place` is the package."""
    rng = np.random.default_rng(1)
    parameters = [leaf(rng.standard_normal(shape), requires_grad=True) for shape in SHAPES]
    groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": settings["lr"] / 2}]
    optimizer = getattr(place, name)(groups, **settings)
    for _ in range(steps):
        for p in parameters:
            p.grad = leaf(np.array(rng.standard_normal(tuple(p.shape))))
        optimizer.step()
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])

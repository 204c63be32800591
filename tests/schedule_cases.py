"""Schedules in either package: whole sequences, those taken up in the middle, and plateaus."""

import warnings

import numpy as np

from micrograd_np import optim


def _nine_tenths(_):
    return 0.9


def over(epoch):
    return 1 / (1 + epoch)


SCHEDULES = {
    "StepLR": {"step_size": 2}, "MultiStepLR": {"milestones": [2, 4]}, "ExponentialLR": {"gamma": 0.9},
    "ConstantLR": {"factor": 0.5, "total_iters": 4}, "LinearLR": {"total_iters": 6},
    "PolynomialLR": {"total_iters": 8}, "LambdaLR": {"lr_lambda": over},
    "MultiplicativeLR": {"lr_lambda": _nine_tenths}, "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 3},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 4, "cycle_momentum": False},
    "OneCycleLR": {"max_lr": 1.0, "total_steps": 12, "cycle_momentum": False, "final_div_factor": 40.0},
}  # fmt: skip
RESUMED = (2, 3)
"""At which epochs they are taken up."""


def rates_of(place, parameter, name, last_epoch):
    """The rate when it is taken up, and after each of three steps; `place` is `optim` or PyTorch's."""
    first = SCHEDULES[name].get("base_lr", 0.5)  # what CyclicLR itself begins with; PyTorch mixes in any other
    optimizer = place.SGD([{"params": [parameter], "initial_lr": first}], lr=0.5)
    if name == "OneCycleLR" and place is not optim:
        optimizer.param_groups[0].update(max_lr=1.0, min_lr=0.001)
    schedule = getattr(place.lr_scheduler, name)(optimizer, last_epoch=last_epoch, **SCHEDULES[name])
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(3):
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return [float(rate) for rate in rates]


SEQUENCES = {
    "StepLR": lambda s, o: s.StepLR(o, 3, gamma=0.3),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9]),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (1 + e)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 1 - 1 / (1 + e)),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.2, 4),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.1, 0.9, 6),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 7, 2.5),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 5, eta_min=0.05),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, T_mult=2, eta_min=0.1),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.1, 1.0, step_size_up=3, step_size_down=5, mode="triangular2"),
    "CyclicLR exp_range": lambda s, o: s.CyclicLR(o, [0.1, 0.2], 1.0, step_size_up=4, mode="exp_range", gamma=0.95),
    "CyclicLR by hand": lambda s, o: s.CyclicLR(o, 0.1, 1.0, step_size_up=4, scale_fn=lambda c: 1 / c),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, [1.0, 2.0], total_steps=24),
    "OneCycleLR of Adam": lambda s, o: s.OneCycleLR(o, 1.0, total_steps=24),
    "OneCycleLR three_phase": lambda s, o: s.OneCycleLR(
        o, 1.0, epochs=6, steps_per_epoch=4, three_phase=True, anneal_strategy="linear", div_factor=10
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler(
        [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9)], optimizer=o
    ),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, 10), s.ExponentialLR(o, 0.5)], milestones=[4, 12]
    ),
    "SequentialLR of all": lambda s, o: s.SequentialLR(
        o,
        [
            s.ConstantLR(o, 0.5, 2),
            s.StepLR(o, 2),
            s.PolynomialLR(o, 3),
            s.LambdaLR(o, lambda e: 2.0 + e),
            s.LinearLR(o),
        ],
        milestones=[3, 7, 10, 15],
    ),
}
"""Whole sequences: the schedule, of the package's `lr_scheduler` and an optimiser with two groups."""


def rows_of(place, leaf, name):
    """Rates and momenta of two groups, a row for each step; `place` is `optim` or PyTorch's."""
    kind = "Adam" if name.endswith("Adam") else "SGD"
    groups = [{"params": [leaf([0.0], requires_grad=True)]}, {"params": [leaf([0.0], requires_grad=True)], "lr": 0.3}]
    optimizer = getattr(place, kind)(groups, lr=1.0, **({"momentum": 0.9} if kind == "SGD" else {}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch wants an optimiser step before each
        schedule = SEQUENCES[name](place.lr_scheduler, optimizer)
        rows = []
        for _ in range(24):
            rows.append([float(g["lr"]) for g in optimizer.param_groups])
            rows[-1] += [g["betas"][0] if "betas" in g else g["momentum"] for g in optimizer.param_groups]
            optimizer.step()
            schedule.step()
    return np.array(rows)


PLATEAUS = [{}, {"mode": "max"}, {"threshold_mode": "abs", "cooldown": 2}, {"min_lr": 0.05}]


def plateau_of(place, leaf, settings):
    """The rate after each of forty losses."""
    optimizer = place.SGD([leaf([0.0], requires_grad=True)], lr=1.0)
    schedule = place.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2, factor=0.5, **settings)
    rates = []
    for loss in np.random.default_rng(0).standard_normal(40).round(1):
        schedule.step(loss)
        rates.append(float(optimizer.param_groups[0]["lr"]))
    return np.array(rates)

"""Schedules that are taken up in the middle, in either package."""

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

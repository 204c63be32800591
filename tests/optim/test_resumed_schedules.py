"""Schedules that begin in the middle, and groups that come later; what PyTorch does, where it computes anything."""

import numpy as np
import pytest

from micrograd_np import nn, optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's advice on the order of steps


def halved(_):
    return 0.9


def over(epoch):
    return 1 / (1 + epoch)


SCHEDULES = {
    "StepLR": {"step_size": 2}, "MultiStepLR": {"milestones": [2, 4]}, "ExponentialLR": {"gamma": 0.9},
    "ConstantLR": {"factor": 0.5, "total_iters": 4}, "LinearLR": {"total_iters": 6},
    "PolynomialLR": {"total_iters": 8}, "LambdaLR": {"lr_lambda": over}, "MultiplicativeLR": {"lr_lambda": halved},
    "CosineAnnealingLR": {"T_max": 5}, "CosineAnnealingWarmRestarts": {"T_0": 3},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 4, "cycle_momentum": False},
    "OneCycleLR": {"max_lr": 1.0, "total_steps": 12, "cycle_momentum": False, "final_div_factor": 40.0},
}  # fmt: skip


def made(place, name, parameter, last_epoch):
    first = SCHEDULES[name].get("base_lr", 0.5)  # what CyclicLR itself begins with; PyTorch mixes in any other
    optimizer = place.SGD([{"params": [parameter], "initial_lr": first}], lr=0.5)
    if name == "OneCycleLR" and place is torch.optim:
        optimizer.param_groups[0].update(max_lr=1.0, min_lr=0.001)
    return optimizer, getattr(place.lr_scheduler, name)(optimizer, last_epoch=last_epoch, **SCHEDULES[name])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("last_epoch", [2, 3])
def test_a_schedule_taken_up_sets_the_rate_at_once_as_pytorchs(name, last_epoch):
    rates = []
    for place, parameter in ((optim, nn.Parameter([1.0])), (torch.optim, torch.nn.Parameter(torch.ones(1)))):
        optimizer, schedule = made(place, name, parameter, last_epoch)
        rates.append([optimizer.param_groups[0]["lr"]])
        for _ in range(3):
            optimizer.step()
            schedule.step()
            rates[-1].append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(*rates, rtol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_group_that_comes_later_joins_the_schedule(name):
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = optim.SGD([a], lr=0.5)
    schedule = getattr(optim.lr_scheduler, name)(optimizer, **SCHEDULES[name])
    schedule.step()
    first = optimizer.param_groups[0]["lr"]
    optimizer.add_param_group({"params": [b], "lr": first, "initial_lr": optimizer.param_groups[0]["initial_lr"]})
    for _ in range(4):
        schedule.step()
        one, other = (group["lr"] for group in optimizer.param_groups)
        assert one == other
    assert schedule.get_last_lr() == [one, other]
    again = getattr(optim.lr_scheduler, name)(optim.SGD([{"params": [a]}, {"params": [b]}], lr=0.5), **SCHEDULES[name])
    again.load_state_dict(schedule.state_dict())
    assert again.last_epoch == 5


def test_reduce_on_plateau_lowers_a_group_that_comes_later():
    optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.01)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    optimizer.add_param_group({"params": [nn.Parameter([1.0])], "lr": 0.05})
    for loss in (1.0, 1.0):
        schedule.step(loss)
    np.testing.assert_allclose(schedule.get_last_lr(), [0.001, 0.005])


@pytest.mark.parametrize(
    "make",
    [
        lambda o: optim.lr_scheduler.LambdaLR(o, [over]),
        lambda o: optim.lr_scheduler.CyclicLR(o, [0.1], 1.0, cycle_momentum=False),
        lambda o: optim.lr_scheduler.OneCycleLR(o, [0.1], 9, cycle_momentum=False),
        lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, min_lr=[0.1]),
    ],
)
def test_a_schedule_with_values_for_each_group_says_that_one_has_come(make):
    optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.01)
    schedule = make(optimizer)
    optimizer.add_param_group({"params": [nn.Parameter([1.0])]})
    with pytest.raises(ValueError, match=r"has 2 groups, and the schedule was given values for 1; construct a new one"):
        schedule.step(*([1.0] if isinstance(schedule, optim.lr_scheduler.ReduceLROnPlateau) else []))

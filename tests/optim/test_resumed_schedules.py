"""Schedules that begin in the middle, and groups that come later; what PyTorch does, where it computes anything."""

import numpy as np
import pytest
from recorded import answers
from schedule_cases import RESUMED, SCHEDULES, over, rates_of
from together import together

from micrograd_np import nn, optim

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's advice on the order of steps


@together
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("last_epoch", RESUMED)
def test_a_schedule_taken_up_sets_the_rate_at_once_as_pytorchs(name, last_epoch):
    rates = rates_of(optim, nn.Parameter([1.0]), name, last_epoch)
    np.testing.assert_allclose(rates, answers()[f"{name} {last_epoch}"][0], rtol=1e-6)


@together
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("last_epoch", RESUMED)
def test_what_is_recorded_is_what_pytorch_does(name, last_epoch):
    torch = pytest.importorskip("torch")
    rates = rates_of(torch.optim, torch.nn.Parameter(torch.ones(1)), name, last_epoch)
    np.testing.assert_allclose(rates, answers()[f"{name} {last_epoch}"][0], rtol=1e-6)


@together
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

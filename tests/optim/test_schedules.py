"""Learning-rate schedules: hand-made sequences, PyTorch's own, and what a state dict has to carry."""

import numpy as np
import pytest
from recorded import answers
from schedule_cases import PLATEAUS, SEQUENCES, plateau_of, rows_of
from together import together

import micrograd_np as mg
from micrograd_np import optim
from micrograd_np.optim import lr_scheduler


def sgd(lr=1.0, **settings):
    return optim.SGD([mg.Tensor([0.0], requires_grad=True)], lr=lr, **settings)


def rates(make, steps, optimizer=None):
    optimizer = sgd() if optimizer is None else optimizer
    schedule = make(optimizer)
    found = []
    for _ in range(steps):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return np.array(found).squeeze(-1) if len(optimizer.param_groups) == 1 else np.array(found)


COS = [(1 + np.cos(np.pi * e / 4)) / 2 for e in range(5)]

GOLDEN = [
    (lambda o: lr_scheduler.StepLR(o, 2), [1, 1, 0.1, 0.1, 0.01, 0.01]),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=4), [*COS, COS[3]]),
    (lr_scheduler.LinearLR, [1 / 3, 7 / 15, 9 / 15, 11 / 15, 13 / 15, 1]),
    (lambda o: lr_scheduler.PolynomialLR(o, total_iters=4), [1, 0.75, 0.5, 0.25, 0, 0]),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3), [1, 0.75, 0.25, 1, 0.75, 0.25]),
    (lambda o: lr_scheduler.ConstantLR(o, 0.5, 3), [0.5, 0.5, 0.5, 1, 1, 1]),
    (lambda o: lr_scheduler.ExponentialLR(o, 0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
    (lambda o: lr_scheduler.MultiStepLR(o, [1, 3, 3]), [1, 0.1, 0.1, 0.001, 0.001, 0.001]),
    (lambda o: lr_scheduler.LambdaLR(o, lambda e: 1 / (1 + e)), [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6]),
    (lambda o: lr_scheduler.MultiplicativeLR(o, lambda e: 0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
]


@pytest.mark.parametrize(("make", "expected"), GOLDEN)
def test_the_sequence_is_the_formula(make, expected):
    np.testing.assert_allclose(rates(make, 6), expected, rtol=1e-13, atol=1e-16)


def test_one_cycle_rises_and_falls_as_pytorch_says():
    found = rates(lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=6), 6, sgd(momentum=0.9))
    np.testing.assert_allclose(found, [0.04, 0.99442, 0.81175, 0.46264, 0.13348, 0], atol=5e-6)


def in_pytorch():
    """PyTorch's `optim` and its tensors."""
    torch = pytest.importorskip("torch")
    return torch.optim, torch.tensor


def test_every_schedule_that_pytorch_has_is_compared():
    peers = vars(in_pytorch()[0].lr_scheduler)
    shared = {name for name in lr_scheduler.__all__ if name in peers} - {"LRScheduler", "ReduceLROnPlateau"}
    compared = {name.split()[0] for name in SEQUENCES}
    assert shared - compared == set(), "add it to SEQUENCES of tests/schedule_cases.py"


@together
@pytest.mark.parametrize("name", SEQUENCES)
def test_the_sequence_is_the_one_that_pytorch_gave(name):
    np.testing.assert_allclose(rows_of(optim, mg.Tensor, name), answers()[name][0], rtol=1e-12, atol=1e-15)


@together
@pytest.mark.parametrize("name", SEQUENCES)
def test_the_sequence_is_pytorchs(name):
    np.testing.assert_allclose(rows_of(optim, mg.Tensor, name), rows_of(*in_pytorch(), name), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("k", range(len(PLATEAUS)))
def test_a_plateau_lowers_the_rate_when_pytorch_did(k):
    found = plateau_of(optim, mg.Tensor, PLATEAUS[k])
    np.testing.assert_allclose(found, answers()[f"ReduceLROnPlateau {PLATEAUS[k]}"][0], rtol=1e-14)
    assert found[-1] < 1


@pytest.mark.parametrize("settings", PLATEAUS)
def test_a_plateau_lowers_the_rate_when_pytorch_does(settings):
    found = plateau_of(optim, mg.Tensor, settings)
    np.testing.assert_allclose(found, plateau_of(*in_pytorch(), settings), rtol=1e-14)


@together
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_schedule_goes_on_from_its_state(name):
    make = SEQUENCES[name]

    def fresh():
        optimizer = optim.SGD(
            [
                {"params": [mg.Tensor([0.0], requires_grad=True)]},
                {"params": [mg.Tensor([0.0], requires_grad=True)], "lr": 0.3},
            ],
            lr=1.0,
            momentum=0.9,
        )
        return optimizer, make(lr_scheduler, optimizer)

    optimizer, schedule = fresh()
    for _ in range(9):
        schedule.step()
    saved = optimizer.state_dict(), schedule.state_dict()
    expected = []
    for _ in range(8):
        schedule.step()
        expected.append(schedule.get_last_lr())
    optimizer, schedule = fresh()
    optimizer.load_state_dict(saved[0])
    schedule.load_state_dict(saved[1])
    found = []
    for _ in range(8):
        schedule.step()
        found.append(schedule.get_last_lr())
    assert found == expected


def test_one_cycle_refuses_to_go_beyond_its_end():
    schedule = lr_scheduler.OneCycleLR(sgd(momentum=0.9), 1.0, total_steps=2)
    schedule.step()
    schedule.step()
    with pytest.raises(ValueError, match="beyond the 2"):
        schedule.step()


def test_a_schedule_of_schedules_refuses_a_plateau():
    optimizer = sgd()
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(ValueError, match="step it by itself"):
        lr_scheduler.ChainedScheduler([plateau])


def test_a_state_of_another_schedule_is_refused_and_nothing_changes():
    optimizer = sgd()
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, 4)
    before = schedule.state_dict()
    with pytest.raises(ValueError, match="lacks T_max, eta_min"):
        schedule.load_state_dict(lr_scheduler.StepLR(optimizer, 3).state_dict())
    assert schedule.state_dict() == before


def test_a_saved_state_stays_what_it_was():
    optimizer = optim.SGD([mg.Tensor([1.0], requires_grad=True)], lr=1.0)
    schedule = lr_scheduler.MultiStepLR(optimizer, [1, 2])
    saved = schedule.state_dict()
    before = {name: str(value) for name, value in saved.items()}
    for _ in range(3):
        schedule.step()
    schedule.base_lrs[0] = 5.0
    schedule.load_state_dict(saved)
    schedule.base_lrs[0] = 7.0
    assert {name: str(value) for name, value in saved.items()} == before

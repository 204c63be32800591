"""Learning-rate schedules: hand-made sequences, PyTorch's own, and what a state dict has to carry."""

import warnings

import numpy as np
import pytest

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


def both(make, steps, kind="SGD", **settings):
    """Rates and momenta of two groups, here and in PyTorch."""
    torch = pytest.importorskip("torch")
    found = []
    for tensor, package in ((mg.Tensor, optim), (torch.tensor, torch.optim)):
        groups = [
            {"params": [tensor([0.0], requires_grad=True)]},
            {"params": [tensor([0.0], requires_grad=True)], "lr": 0.3},
        ]
        optimizer = getattr(package, kind)(groups, lr=1.0, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch wants an optimiser step before each
            schedule = make(package.lr_scheduler, optimizer)
            rows = []
            for _ in range(steps):
                rows.append([float(g["lr"]) for g in optimizer.param_groups])
                rows[-1] += [g["betas"][0] if "betas" in g else g["momentum"] for g in optimizer.param_groups]
                optimizer.step()
                schedule.step()
        found.append(np.array(rows))
    return found


SCHEDULES = {
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


@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES.keys())
def test_the_sequence_is_pytorchs(make):
    mine, theirs = both(make, 24, momentum=0.9)
    np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-15)


def test_one_cycle_moves_the_first_beta_of_adam():
    mine, theirs = both(lambda s, o: s.OneCycleLR(o, 1.0, total_steps=12), 12, kind="Adam")
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"mode": "max"}, {"threshold_mode": "abs", "cooldown": 2}, {"min_lr": 0.05}])
def test_a_plateau_lowers_the_rate_when_pytorch_does(settings):
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).standard_normal(40).round(1)
    mine, theirs = sgd(), torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    here = lr_scheduler.ReduceLROnPlateau(mine, patience=2, factor=0.5, **settings)
    there = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, patience=2, factor=0.5, **settings)
    for value in values:
        here.step(value)
        there.step(value)
        assert mine.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-14)
    assert mine.param_groups[0]["lr"] < 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_from_its_state(name):
    make = SCHEDULES[name]

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

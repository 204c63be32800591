"""Random courses of training: whatever a user does between compiled calls, bits are those of eager."""

import copy
import random
import threading

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim

ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU)
OPTIMIZERS = (
    lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    lambda ps: optim.Adam(ps, lr=0.01, amsgrad=True),
    lambda ps: optim.AdamW(ps, lr=0.01),
    lambda ps: optim.RMSprop(ps, lr=0.01),
    lambda ps: optim.Adagrad(ps, lr=0.05),
)
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(1, 60))]


class Net(nn.Module):
    """Layers by chance, and what a user may change about them."""

    def __init__(self, dice):
        super().__init__()
        layers = [nn.Linear(5, 6), dice.choice(ACTIVATIONS)(), nn.Linear(6, 6)]
        layers.append(dice.choice((lambda: nn.BatchNorm1d(6), lambda: nn.Dropout(0.3), lambda: nn.LayerNorm(6)))())
        self.body, self.head = nn.Sequential(*layers), nn.Linear(6, 3)
        self.scale, self.extra, self.mask = 1.0, [], None

    def forward(self, x):
        y = self.body(x)
        for layer in self.extra:
            y = layer(y)
        y = self.head(y) * self.scale
        return y if self.mask is None else y * self.mask


class Course:
    """A net, its optimiser, and a training loop in which everything is by chance."""

    def __init__(self, seed, wrap):
        mg.random.manual_seed(seed)
        self.dice, self.rng, self.results = random.Random(seed), np.random.default_rng(seed), []
        self.net = Net(self.dice)
        self.optimizer = self.dice.choice(OPTIMIZERS)(self.net.parameters())
        self.scheduler = optim.lr_scheduler.ExponentialLR(self.optimizer, 0.9)
        self.times, self.clip = self.dice.choice((1, 1, 3)), self.dice.choice(("", "norm", "value"))
        self.set_to_none, self.decay = self.dice.random() < 0.5, 0.1
        self.average = [p.detach().clone() for p in self.net.parameters()]
        self.steps = [wrap(step) for step in (self.train, self.accumulate, self.update, self.predict)]

    def loss(self, x, labels):
        return mg.functional.cross_entropy(self.net(x), labels) + self.decay * self.net.head.weight.square().sum()

    def train(self, x, labels):
        self.optimizer.zero_grad(set_to_none=self.set_to_none)
        for _ in range(self.times):
            loss = self.loss(x, labels) / self.times
            loss.backward()
        if self.clip == "norm":
            nn.utils.clip_grad_norm_(self.net.parameters(), 0.5)
        elif self.clip:
            nn.utils.clip_grad_value_(self.net.parameters(), 0.1)
        self.optimizer.step()
        with mg.no_grad():
            for mean, p in zip(self.average, self.net.parameters(), strict=True):
                mean.copy_(0.9 * mean + 0.1 * p)
        return loss

    def accumulate(self, x, labels):
        loss = self.loss(x, labels)
        loss.backward()
        return loss

    def update(self, x, labels):
        self.optimizer.step()
        self.optimizer.zero_grad()
        return self.net.head.bias * 1

    def predict(self, x, labels):
        return self.net(x).softmax(axis=-1)

    def change(self):
        """One of the things that users do between calls."""
        net, dice = self.net, self.dice
        dice.choice(
            (
                net.eval,
                net.train,
                net.zero_grad,
                self.scheduler.step,
                lambda: setattr(self, "decay", dice.random()),
                lambda: setattr(net, "scale", dice.random()),
                lambda: net.extra.append(nn.Tanh()),
                lambda: setattr(net, "mask", None if net.mask is not None else mg.Tensor(self.rng.standard_normal(3))),
                lambda: net.head.weight.requires_grad_(not net.head.weight.requires_grad),
                lambda: net.load_state_dict(copy.deepcopy(net.state_dict())),
                lambda: self.optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict())),
                lambda: net.head.register_forward_hook(lambda module, args, z: z * 1.5),
                lambda: [setattr(p, "data", p.data.copy()) for p in net.parameters()],
                lambda: setattr(self, "clip", dice.choice(("", "norm", "value"))),
            )
        )()

    def run(self):
        for _ in range(10):
            self.change()
            n = self.dice.choice((4, 4, 7))
            x, labels = self.rng.standard_normal((n, 5)), self.rng.integers(0, 3, n)
            (step,) = self.dice.choices(self.steps, (3, 1, 1, 1))
            arguments = mg.Tensor(np.asfortranarray(x) if self.dice.random() < 0.3 else x), mg.Tensor(labels)
            if self.dice.random() < 0.2:
                thread = threading.Thread(target=lambda a=arguments, step=step: self.note(step(*a)))
                thread.start()
                thread.join()
            else:
                self.note(step(*arguments))
        return self.results

    def note(self, result):
        """All that a call leaves."""
        arrays = [result.data, *(t.data for t in (*self.net.parameters(), *self.net.buffers(), *self.average))]
        self.results.append([a.tobytes() for a in arrays])
        self.results.append([p.grad is not None and p.grad.data.tobytes() for p in self.net.parameters()])


@pytest.mark.filterwarnings("ignore:.*no parameter has a gradient")  # after all were frozen, or set to None
@pytest.mark.native
@pytest.mark.filterwarnings("ignore:compile. .* has been traced:RuntimeWarning")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_course_of_training_is_eagers(seed):
    assert Course(seed, mg.compile).run() == Course(seed, lambda f: f).run()

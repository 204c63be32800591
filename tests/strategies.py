"""What hypothesis draws: applications of a primitive, from its own declaration, and random expressions."""

from dataclasses import dataclass

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.check.samples import sample, width
from micrograd_np.ops import elementwise, index, linear, reduce, shape, transcendental
from micrograd_np.primitive import registry

PRIMITIVES = [op for op in registry.values() if op.__module__.startswith("micrograd_np.")]

every_primitive = pytest.mark.parametrize("op", PRIMITIVES, ids=lambda op: op.name)
every_smooth_primitive = pytest.mark.parametrize("op", [op for op in PRIMITIVES if op.smooth], ids=lambda op: op.name)

seeds = st.integers(0, 2**32 - 1)


@st.composite
def samples(draw, op):
    """Inputs and settings that `op` can be applied to: shapes by its contract, or any that broadcast."""
    if not width(op):  # a random draw
        shapes = []
    elif op.shape is not None:
        shapes = draw(
            hnp.mutually_broadcastable_shapes(signature=op.shape, max_dims=0, min_side=0, max_side=4)
        ).input_shapes
    else:
        shapes = draw(
            hnp.mutually_broadcastable_shapes(num_shapes=width(op), max_dims=3, min_side=0, max_side=3)
        ).input_shapes
    static = draw(st.sampled_from(op.examples))
    return sample(op, list(shapes), static, np.random.default_rng(draw(seeds)))


@dataclass(frozen=True)
class Expression:
    """A random computation: `steps` say which function is applied to which earlier values, first the leaves."""

    leaves: tuple
    steps: tuple

    def __call__(self, *leaves, order=None):
        """The sum of all values nobody uses, computed in the order given."""
        values = dict(enumerate(leaves))
        for k in order or range(len(self.steps)):
            name, arguments = self.steps[k]
            values[len(leaves) + k] = FUNCTIONS[name](*(values[i] for i in arguments))
        used = {i for _, arguments in self.steps for i in arguments}
        ends = [values[i] for i in sorted(values) if i not in used]
        total = reduce.sum(ends[0])
        for z in ends[1:]:
            total = total + reduce.sum(z)
        return total

    def orders(self):
        """A strategy for the other orders in which the steps can be taken."""

        @st.composite
        def draw_order(draw):
            waiting, done, order = list(range(len(self.steps))), set(range(len(self.leaves))), []
            while waiting:
                ready = [k for k in waiting if done.issuperset(self.steps[k][1])]
                k = draw(st.sampled_from(ready))
                waiting.remove(k)
                done.add(len(self.leaves) + k)
                order.append(k)
            return order

        return draw_order()


SIDE = 3  # every value broadcasts against, and can be multiplied with, every other

FUNCTIONS = {
    "add": elementwise.add,
    "subtract": elementwise.subtract,
    "multiply": lambda x, y: transcendental.tanh(x * y),  # bounded, so that deep expressions stay small
    "matmul": lambda x, y: transcendental.tanh(linear.matmul(_square(x), _square(y))),
    "join": lambda x, y: index.getitem(shape.concatenate(_square(x), _square(y)), (slice(None, None, 2),)),
    "sigmoid": transcendental.sigmoid,
    "square": lambda x: elementwise.square(transcendental.tanh(x)),
    "softmax": lambda x: reduce.softmax(_square(x)),
    "mean": lambda x: reduce.mean(_square(x), axis=0, keepdims=True),
    "flip": lambda x: _square(x).T,
    "pick": lambda x: _square(x)[[2, 0, 2]],
}
_TWO = ("add", "subtract", "multiply", "matmul", "join")


def _square(x):
    return shape.broadcast_to(x, shape=(SIDE, SIDE))


@st.composite
def expressions(draw, max_steps=12):
    """Random expressions over a few leaves of several shapes; values are used again and again."""
    rng = np.random.default_rng(draw(seeds))
    shapes = draw(st.lists(st.sampled_from([(), (SIDE,), (SIDE, 1), (1, SIDE), (SIDE, SIDE)]), min_size=1, max_size=3))
    steps = []
    for k in range(draw(st.integers(1, max_steps))):
        name = draw(st.sampled_from(sorted(FUNCTIONS)))
        known = st.integers(0, len(shapes) + k - 1)
        steps.append((name, tuple(draw(known) for _ in range(1 + (name in _TWO)))))
    return Expression(tuple(rng.uniform(-1, 1, s) for s in shapes), tuple(steps))


def leaves_of(expression):
    """Fresh leaves with the expression's values."""
    return [mg.Tensor(x.copy(), requires_grad=True) for x in expression.leaves]

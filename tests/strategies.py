"""What hypothesis draws: applications of a primitive, from its own declaration, and random expressions."""

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import functional
from micrograd_np.check.samples import sample, width
from micrograd_np.core.registry import registry
from micrograd_np.ops import elementwise, index, linear, reduce, shape, transcendental
from micrograd_np.ops.fused.scipy_special import scipys

PRIMITIVES = [op for op in registry.values() if op.__module__.startswith("micrograd_np.")]

LOOPS = ("occupancy", "gru_sweep", "lstm_sweep")  # whose second derivatives are long loops
ABSENT = [scipys.__module__] if find_spec("scipy") is None else []  # pip install 'micrograd_np[scipy]'


def each(ops):
    """A test for each of these primitives whose library is here."""
    return pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in ops if op.__module__ not in ABSENT])


every_primitive = each(PRIMITIVES)
every_smooth_primitive = each([op for op in PRIMITIVES if op.smooth])

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
    "softmax": lambda x: mg.softmax(_square(x)),
    "mean": lambda x: reduce.mean(_square(x), axis=0, keepdims=True),
    "flip": lambda x: _square(x).T,
    "pick": lambda x: _square(x)[[2, 0, 2]],
    "negative": elementwise.negative,
    "divide": lambda x, y: transcendental.tanh(x) / (2 + transcendental.tanh(y)),
    "exp": lambda x, y: transcendental.exp(-(transcendental.tanh(x) + transcendental.tanh(y))),
    "add in place": lambda x, y: _changed(x, lambda z: z.__iadd__(y)),
    "divide in place": lambda x, y: _changed(x, lambda z: z.__itruediv__(2 + transcendental.tanh(y))),
    "set rows": lambda x, y: _changed(x, lambda z: z.__setitem__(slice(1, None), -_square(y)[:-1])),
    "add through a view": lambda x, y: _changed(x, lambda z: z.T[0].__iadd__(_square(y)[1])),
}
_TWO = (
    *("add", "subtract", "multiply", "matmul", "join", "divide", "exp"),
    *("add in place", "divide in place", "set rows", "add through a view"),
)


def _square(x):
    return shape.broadcast_to(x, shape=(SIDE, SIDE))


def _changed(x, write):
    """What becomes of a copy of `x` in place, and, before and after, what was made of it: the old value has to stay."""
    z = _square(x) * 1
    before = z * 0.5
    write(z)
    return before - z


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


@dataclass(frozen=True)
class Chain:
    """A random loss of a batch ``(n, d)`` with labels ``(n,)``: `links`, one after another, and then an `end`."""

    links: tuple
    end: str

    def __call__(self, z, labels, w, seen):
        """The loss, by the weights `w` ``(d, d)``; `seen` ``(d,)`` counts what has come by."""
        for link in self.links:
            z = LINKS[link](z, labels, w, seen)
        return ENDS[self.end](z, labels)


def _tanh(z):
    return transcendental.tanh(z)  # so that long chains stay small


def _written(z, labels, w, seen):
    """Some rows are another's, and a column is doubled, by writes in place."""
    y = z * 1
    y[:1] = z[-1:] * 2
    y[:, 0] *= 2
    row = y[-1:]
    row *= 0.5
    y += z
    return _tanh(y)


def _counted(z, labels, w, seen):
    with mg.no_grad():
        seen += z.sum(axis=0)
        seen[:1] = 0.5
        seen[1:] *= 0.5
    return z + seen.detach() * 0.1


def _spread(z, labels, w, seen):
    """Twice the same matrix of ones, and its transpose, which has the same elements."""
    d = z.shape[1]
    ones, more = mg.constant(np.ones((d, d))), mg.constant(np.ones((d, d)))
    return _tanh((z @ ones) @ more.T - z @ ones.T)


LINKS = {
    "weights": lambda z, labels, w, seen: _tanh(z @ w),
    "transposed weights": lambda z, labels, w, seen: _tanh(z @ w.T),
    "inner": lambda z, labels, w, seen: _tanh(mg.inner(z, z)) @ z,
    "with itself": lambda z, labels, w, seen: _tanh(z @ z.T) @ z,
    "gram": lambda z, labels, w, seen: z @ _tanh(z.T @ z),
    "with its twin": lambda z, labels, w, seen: z @ _tanh((z * 0.5).T @ (z * 0.5)),
    "einsum": lambda z, labels, w, seen: _tanh(mg.einsum("ij,kj->ik", z, z * 2)) @ z,
    "stacked": lambda z, labels, w, seen: _tanh(mg.einsum("bij,bkj->bik", z[None], z[None])[0]) @ z,
    "ones": _spread,
    "column": lambda z, labels, w, seen: z[:, :1] * z,
    "outer": lambda z, labels, w, seen: _tanh(z[:, :1] @ w[:1]),
    "written": _written,
    "counted": _counted,
    "one_hot": lambda z, labels, w, seen: z + functional.one_hot(labels, z.shape[1]),
    "embedding": lambda z, labels, w, seen: z + functional.embedding(labels, w),
    "picked": lambda z, labels, w, seen: z + w.T[labels],
    "softmax": lambda z, labels, w, seen: mg.softmax(z),
}

ENDS = {
    "sum": lambda z, labels: reduce.sum(z),
    "cross_entropy": lambda z, labels: functional.cross_entropy(z, labels, reduction="sum"),
    "mean cross_entropy": functional.cross_entropy,
    "ignoring": lambda z, labels: functional.cross_entropy(z, labels, ignore_index=0, reduction="sum"),
    "smooth": lambda z, labels: functional.cross_entropy(z, labels, label_smoothing=0.1, reduction="sum"),
    "nll_loss": lambda z, labels: functional.nll_loss(mg.log_softmax(z), labels, reduction="sum"),
    "multi_margin_loss": lambda z, labels: functional.multi_margin_loss(z, labels, reduction="sum"),
    "along": lambda z, labels: reduce.sum(mg.take_along_axis(z, labels[:, None], axis=1)),
    "probabilities": lambda z, labels: functional.binary_cross_entropy(
        transcendental.sigmoid(z[:, 0]), labels * 0.5, reduction="sum"
    ),
}

chains = st.builds(
    Chain, st.lists(st.sampled_from(sorted(LINKS)), min_size=0, max_size=4).map(tuple), st.sampled_from(sorted(ENDS))
)


@dataclass(frozen=True)
class Scratch:
    """A random computation without gradients whose values are written to after they were read.

    Each of the `steps` computes a value of two earlier ones, or looks into one, and may then write into the first. At
    the beginning there are a copy of the argument ``(3, 3)`` and a tensor ``(3,)`` that outlives the step.
    """

    steps: tuple
    shown: tuple

    def __call__(self, x, kept):
        """The sum of the last value and those that are `shown`, as they are in the end."""
        values = [x * 1, kept]
        with mg.no_grad():
            for name, i, j, write in self.steps:
                x, y = values[i], _beside(values[i], values[j])
                values.append(COMPUTED[name](x, y, partial(WRITES[write], x, y)))
            total = values[-1]
            for i in self.shown:
                total = total + values[i]
        return total


def _beside(x, y):
    """`y`, or one number of it, so that it can be written into `x`."""
    return y if y.ndim <= x.ndim else y[0, 0]


def _read_first(f):
    """``f(x, y)``, which is computed before the write."""

    def computed(x, y, write):
        z = f(x, y)
        write()
        return z

    return computed


def _exp(x, y, write):
    total = x + y
    write()
    return (-total).exp()


def _padded(x, y, write):
    if x.ndim < 2:
        return x * 1
    z = functional.conv1d(x[None], x[..., None], padding=1)
    write()
    return (z - functional.conv1d(x[None], x[..., None], padding=1))[0, :, 1:-1]


COMPUTED = {
    "negative": _read_first(lambda x, y: -x),
    "double": _read_first(lambda x, y: x * 2),
    "add": _read_first(lambda x, y: x + y),
    "subtract": _read_first(lambda x, y: x - y),
    "multiply": _read_first(lambda x, y: x * y),
    "divide": _read_first(lambda x, y: x / y),
    "product": _read_first(lambda x, y: x @ y if x.ndim > 1 <= y.ndim else x * y),
    "sigmoid": _read_first(lambda x, y: transcendental.sigmoid(x)),
    "tanh": _read_first(lambda x, y: transcendental.tanh(x)),
    "square": _read_first(lambda x, y: x**2),
    "root": _read_first(lambda x, y: mg.sqrt(x)),
    "logarithm": _read_first(lambda x, y: mg.log(x)),
    "power": _read_first(lambda x, y: x**3),
    "absolute": _read_first(lambda x, y: abs(x)),
    "sign": _read_first(lambda x, y: mg.sign(x)),
    "larger": _read_first(mg.maximum),
    "chosen": _read_first(lambda x, y: mg.where(x > y, x, -y)),
    "mean": _read_first(lambda x, y: x - x.mean(axis=-1, keepdims=True)),
    "bound": _read_first(lambda x, y: mg.maximum(x, 0.0)),
    "transposed": _read_first(lambda x, y: x.T),
    "turned": _read_first(lambda x, y: x[::-1]),
    "row": _read_first(lambda x, y: x[-1] if x.ndim > 1 else x),
    "exp": _exp,
    "padded": _padded,
}

WRITES = {
    "nothing": lambda x, y: None,
    "+=": lambda x, y: x.__iadd__(y),
    "*=": lambda x, y: x.__imul__(y),
    "-= 1": lambda x, y: x.__isub__(1),
    "first": lambda x, y: x.__setitem__(slice(1), y[-1:] if y.ndim == x.ndim else y),
    "all": lambda x, y: x.__setitem__(..., y),
    "flipped": lambda x, y: x.__setitem__(..., x[::-1]),
}


@st.composite
def scratches(draw, max_steps=8):
    """Random computations that write in place; most of what a step touches is recent, and some steps come again."""
    names, writes = st.sampled_from(sorted(COMPUTED)), st.sampled_from(["nothing"] * 5 + sorted(WRITES))
    steps = []
    for made in range(2, 2 + draw(st.integers(1, max_steps))):
        recent = st.integers(max(0, made - 3), made - 1)
        again = steps and draw(st.integers(0, 3)) == 0
        steps.append(draw(st.sampled_from(steps)) if again else (draw(names), draw(recent), draw(recent), draw(writes)))
    return Scratch(tuple(steps), tuple(draw(st.lists(st.integers(0, len(steps) + 1), min_size=1, max_size=3))))

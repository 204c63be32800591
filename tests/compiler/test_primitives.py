"""Every primitive, compiled, gives on other inputs what it gives eagerly, bit for bit, and so does its derivative."""

from contextlib import contextmanager
from itertools import product

import numpy as np
from strategies import every_primitive, every_smooth_primitive
from together import some, some_and_the_rest, together

import micrograd_np as mg
from micrograd_np.check.samples import sample, shapes_for


def pairs(op, which):
    """Two samples of the same kind for every example and shape, or for some of them."""
    for shapes, static in some(product(shapes_for(op), op.examples), which):
        yield tuple(sample(op, shapes, static, np.random.default_rng(seed)) for seed in (0, 1))


def equal(x, y):
    return x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")


@contextmanager
def rewound(sample):
    """What is drawn inside will be drawn again afterwards."""
    generators = [x for x in sample.static.values() if isinstance(x, np.random.Generator)]
    states = [x.bit_generator.state for x in generators]
    yield
    for x, state in zip(generators, states, strict=True):
        x.bit_generator.state = state


@together
@some_and_the_rest
@every_primitive
def test_a_compiled_primitive_is_eagers_on_other_inputs(op, which):
    for first, second in pairs(op, which):
        compiled = mg.compile(lambda *xs, static=first.static: op(*xs, **static))
        compiled(*first.inputs)
        with mg.no_grad():
            compiled(*first.inputs)
            with rewound(second):
                got = compiled(*second.inputs)
            assert compiled.cache_info().hits == 1, second
            assert equal(got.data, np.asarray(second.apply())), second


@together
@some_and_the_rest
@every_primitive
def test_a_compiled_write_is_eagers_on_other_inputs(op, which):
    for first, second in pairs(op, which):
        like = first.apply()
        if like.shape != second.apply().shape:  # a result whose shape depends on the values
            continue
        target = mg.Tensor(np.full(like.shape, 7, like.dtype))

        def write(*xs, target=target, static=first.static):
            op.write(target, *xs, **static)
            return target

        compiled = mg.compile(write)
        compiled(*first.inputs)
        with rewound(second):
            compiled(*second.inputs)
        assert compiled.cache_info().hits == 1, second
        assert equal(target.data, np.asarray(second.apply())), second


@together
@some_and_the_rest
@every_smooth_primitive
def test_a_compiled_derivative_is_eagers_on_other_inputs(op, which):
    for first, second in pairs(op, which):
        varied = first.varied
        if not varied:
            continue
        leaves = [mg.Tensor(x.copy(), requires_grad=i in varied) for i, x in enumerate(first.inputs)]

        def pulled(seed, leaves=leaves, static=first.static):
            for x in leaves:
                x.zero_grad()
            z = op(*leaves, **static)
            z.backward(seed)
            return z

        compiled = mg.compile(pulled)
        rng = np.random.default_rng(2)
        like = first.apply()
        compiled(rng.standard_normal(np.shape(like)).astype(like.dtype))
        for x, value in zip(leaves, second.inputs, strict=True):
            x.data[...] = value
        seed = rng.standard_normal(np.shape(like)).astype(like.dtype)
        results = []
        for f in (compiled, pulled):
            z = f(seed)
            results.append([z.data.copy(), *(x.grad.data.copy() for x in leaves if x.grad is not None)])
        assert compiled.cache_info().hits == 1, second
        assert len(results[0]) == len(results[1])
        assert all(equal(a, b) for a, b in zip(*results, strict=True)), second

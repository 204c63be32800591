"""Shapes against NumPy's values and finite differences."""

import numpy as np
import pytest

import micrograd_np as mg

rng = np.random.default_rng(0)

CASES = [
    ("reshape", (2, 6), {"shape": (3, -1)}),
    ("ravel", (2, 3), {}),
    ("ravel", (), {}),
    ("transpose", (2, 3, 4), {"axes": (2, 0, 1)}),
    ("transpose", (2, 3, 4), {}),
    ("swapaxes", (2, 3, 4), {"axis1": 0, "axis2": -1}),
    ("moveaxis", (2, 3, 4), {"source": 0, "destination": -1}),
    ("moveaxis", (2, 3, 4), {"source": (0, 2), "destination": (-1, 0)}),
    ("squeeze", (1, 3, 1), {}),
    ("squeeze", (1, 3, 1), {"axis": -1}),
    ("expand_dims", (2, 3), {"axis": 1}),
    ("expand_dims", (2, 3), {"axis": (0, -1)}),
    ("broadcast_to", (2, 1), {"shape": (3, 2, 2)}),
    ("tile", (2, 3), {"reps": 2}),
    ("tile", (3,), {"reps": (2, 2)}),
    ("tile", (2, 3), {"reps": (2, 1)}),
    ("tile", (2, 3), {"reps": 0}),
    ("repeat", (2, 3), {"repeats": 2}),
    ("repeat", (2, 3), {"repeats": 2, "axis": 1}),
    ("repeat", (2, 3), {"repeats": [2, 0, 1], "axis": -1}),
    ("flip", (2, 3), {}),
    ("flip", (2, 3), {"axis": -1}),
    ("flip", (2, 3), {"axis": (0, 1)}),
    ("roll", (2, 3), {"shift": 2}),
    ("roll", (2, 3), {"shift": -1, "axis": 1}),
    ("roll", (2, 3), {"shift": (1, 4), "axis": (0, 1)}),
    ("pad", (2, 3), {"pad_width": 1}),
    ("pad", (2, 3), {"pad_width": ((0, 2), (1, 0)), "constant_values": 1.5}),
    ("pad", (3, 4), {"pad_width": (2, 1), "mode": "edge"}),
    ("pad", (3, 4), {"pad_width": ((2, 1), (0, 3)), "mode": "reflect"}),
    ("pad", (3, 4), {"pad_width": ((2, 3), (0, 3)), "mode": "symmetric"}),
    ("pad", (3, 4), {"pad_width": ((2, 3), (0, 3)), "mode": "wrap"}),
    ("pad", (3, 4), {"pad_width": 0, "mode": "wrap"}),
]


@pytest.mark.parametrize(("name", "shape", "settings"), CASES)
def test_shapes_are_numpys_and_differentiable(name, shape, settings):
    x = mg.Tensor(rng.standard_normal(shape), requires_grad=True)
    ours = getattr(mg, name)
    np.testing.assert_array_equal(ours(x, **settings).data, getattr(np, name)(x.data, **settings))
    np.testing.assert_array_equal(ours(x.data, **settings), getattr(np, name)(x.data, **settings))
    assert mg.gradcheck(lambda x: ours(x, **settings) ** 2, (x,))
    assert mg.gradgradcheck(lambda x: ours(x, **settings) ** 2, (x,))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joining_and_splitting_are_numpys(axis):
    xs = [mg.Tensor(rng.standard_normal((2, 4)), requires_grad=True) for _ in range(3)]
    for name in ("concatenate", "stack"):
        np.testing.assert_array_equal(
            getattr(mg, name)(xs, axis=axis).data, getattr(np, name)([x.data for x in xs], axis=axis)
        )
        assert mg.gradgradcheck(lambda *xs, name=name: getattr(mg, name)(xs, axis=axis) ** 2, xs)
    for sections in (2, [1], [1, 1]):
        found, expected = mg.split(xs[0], sections, axis), np.split(xs[0].data, sections, axis)
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a.data, b)
    assert mg.gradcheck(lambda x: mg.split(x, 2, axis)[1] ** 2, (xs[0],))


def test_joining_without_an_axis_joins_all_elements():
    np.testing.assert_array_equal(mg.concatenate([np.ones((2, 1)), np.zeros(1)], axis=None), [1, 1, 0])


def test_flatten_is_pytorchs():
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 3, 4, 5))
    for start, end in ((0, -1), (1, -1), (1, 2), (2, 2), (-3, -2)):
        np.testing.assert_array_equal(mg.flatten(x, start, end), torch.flatten(torch.tensor(x), start, end).numpy())
    assert mg.flatten(np.float64(3)).shape == (1,)


@pytest.mark.parametrize("name", ["ravel", "flip", "squeeze"])
def test_arrays_without_elements_have_shapes_too(name):
    x = np.zeros((0, 1, 3))
    assert getattr(mg, name)(x).shape == getattr(np, name)(x).shape


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x: mg.squeeze(x, 0), "length 1"),
        (lambda x: mg.moveaxis(x, 5, 0), "at most once"),
        (lambda x: mg.split(x, 2, 1), "does not divide"),
        (lambda x: mg.pad(x, 1, mode="mirror"), "mode must be"),
        (lambda x: mg.pad(x, 4, mode="reflect"), "at most"),
        (lambda x: mg.pad(x, -1), "negative"),
        (lambda x: mg.repeat(x, [1, 2], 1), "3 slices"),
        (lambda x: mg.flatten(x, 1, 0), "comes after"),
        (lambda x: mg.stack([x, x[0]]), "one shape"),
    ],
)
def test_shapes_say_what_does_not_fit(function, told):
    with pytest.raises(ValueError, match=told):
        function(np.ones((2, 3)))

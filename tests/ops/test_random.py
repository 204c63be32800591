"""Draws: their distributions, and a generator that can be seeded, saved and split."""

import copy
import pickle

import numpy as np
import pytest

import micrograd_np as mg

DRAWS = [
    lambda **more: mg.random.uniform(-1.0, 3.0, 20000, **more),
    lambda **more: mg.random.normal(1.0, 1.1547, 20000, **more),
    lambda **more: mg.random.bernoulli(0.3, 20000, **more),
    lambda **more: mg.random.dropout_mask(0.3, 20000, **more),
    lambda **more: mg.random.integers(-2, 5, 20000, **more),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_a_seed_settles_every_draw(draw):
    mg.random.manual_seed(3)
    first, second = draw().data, draw().data
    mg.random.manual_seed(3)
    np.testing.assert_array_equal(draw().data, first)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(draw(generator=mg.random.Generator(3)).data, first)


@pytest.mark.parametrize(
    ("draw", "mean", "std"),
    [(DRAWS[0], 1, 1.1547), (DRAWS[1], 1, 1.1547), (DRAWS[2], 0.3, 0.4583), (DRAWS[3], 1, 0.6547), (DRAWS[4], 1, 2)],
)
def test_draws_have_the_moments_of_their_distribution(draw, mean, std):
    mg.random.manual_seed(0)
    x = draw().data
    assert abs(x.mean() - mean) < 5 * std / np.sqrt(x.size)
    assert abs(x.std() - std) < 0.05 * std


def test_draws_stay_in_their_range():
    mg.random.manual_seed(0)
    x = mg.random.uniform(-1.0, 3.0, 10000).data
    assert x.min() >= -1
    assert x.max() < 3
    assert set(mg.random.integers(3, size=1000).tolist()) == {0, 1, 2}
    assert set(mg.random.bernoulli(0.5, 1000).tolist()) == {0.0, 1.0}
    assert set(mg.random.dropout_mask(0.75, 1000).tolist()) == {0.0, 4.0}
    assert sorted(mg.random.permutation(20).tolist()) == list(range(20))


def test_draws_have_the_default_dtype_or_the_one_asked_for():
    assert mg.random.normal(size=2).dtype == np.float64
    assert mg.random.normal(size=2, dtype="float32").dtype == np.float32
    mg.set_default_dtype("float32")
    try:
        assert {draw().dtype for draw in DRAWS[:4]} == {np.dtype(np.float32)}
    finally:
        mg.set_default_dtype("float64")


def test_a_draw_without_a_size_is_one_number():
    assert mg.random.uniform().shape == mg.random.integers(3).shape == mg.random.bernoulli().shape == ()


def test_certain_masks_are_exact():
    np.testing.assert_array_equal(mg.random.dropout_mask(1.0, 5).data, np.zeros(5))
    np.testing.assert_array_equal(mg.random.dropout_mask(0.0, 5).data, np.ones(5))


def test_a_saved_state_goes_on_from_where_it_was():
    state = mg.random.get_state()
    first = mg.random.normal(size=5).data
    mg.random.set_state(pickle.loads(pickle.dumps(state)))
    np.testing.assert_array_equal(mg.random.normal(size=5).data, first)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_a_copied_generator_draws_the_same_and_on_its_own(duplicate):
    g = mg.random.Generator(1)
    g.random(3)
    other = duplicate(g)
    assert type(other) is mg.random.Generator
    expected = g.random(4)
    np.testing.assert_array_equal(other.random(4), expected)
    g.random()
    assert g.get_state() != other.get_state()


def test_splitting_depends_on_the_state_alone_and_gives_different_generators():
    g = mg.random.Generator(1).manual_seed(7)
    children = g.split(3)
    again = mg.random.Generator(7).split(3)
    drawn = [child.random() for child in children]
    assert drawn == [child.random() for child in again]
    assert len({*drawn, g.random()}) == 4


def test_seeding_keeps_the_generator_itself():
    assert mg.random.manual_seed(1) is mg.random.manual_seed(2) is mg.random.generator()


def test_what_is_no_probability_is_refused():
    for p in (-0.1, 1.1):
        with pytest.raises(ValueError, match="probability"):
            mg.random.bernoulli(p)
    with pytest.raises(ValueError, match="negative"):
        mg.random.normal(0.0, -1.0)


def test_nothing_flows_back_through_a_draw():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    mask = mg.random.dropout_mask(0.5, 2)
    (x * mask).sum().backward()
    np.testing.assert_array_equal(x.grad.data, mask.data)

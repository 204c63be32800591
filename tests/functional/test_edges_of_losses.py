"""Losses, distances and norms where little or nothing is left: ignored targets, zero weights, zero vectors, any p."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import nn

F, T = mg.functional, mg.Tensor
X = np.random.default_rng(0).standard_normal((2, 3))
NONE, LOGS = np.array([-100, -100]), np.array([[-np.inf, -1.0, -2.0], [-3.0, -1.0, -2.0]])


def gradient(f, x):
    x = T(np.array(x, float), requires_grad=True)
    with np.errstate(all="ignore"):
        z = f(x)
        (z if z.ndim == 0 else z.sum()).backward()
    return x.grad.data


@together
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize("settings", [{}, {"weight": np.array([1.0, 2.0, 3.0])}, {"label_smoothing": 0.1}])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_loss_with_every_target_ignored_has_a_gradient_of_0(loss, settings, reduction):
    if loss is F.nll_loss and "label_smoothing" in settings:
        settings = {"weight": np.zeros(3)}
    np.testing.assert_array_equal(gradient(lambda x: loss(x, NONE, reduction=reduction, **settings), X), 0)
    with np.errstate(all="ignore"):
        value = loss(T(X), NONE, reduction=reduction, **settings).item()
    assert np.isnan(value) if reduction == "mean" else value == 0


def test_a_compiled_loss_with_every_target_ignored_has_a_gradient_of_0():
    x = T(X, requires_grad=True)

    @mg.compile
    def step(labels):
        x.grad = None
        loss = F.cross_entropy(x, labels)
        loss.backward()
        return x.grad

    step(np.array([0, 1]))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(step(NONE).data, 0)


SETTINGS = [{}, {"weight": mg.constant(np.array([1.0, 2.0, 3.0]))}, {"label_smoothing": 0.1}, {"ignore_index": 1}]


@together
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy's, of inf − inf
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("compiled", [False, True])
def test_what_is_in_an_ignored_row_does_no_harm(settings, reduction, odd, compiled):
    ignored = settings.get("ignore_index", -100)
    x, labels = np.concatenate([X, np.full((1, 3), odd)]), np.array([0, 2, ignored])
    x[2, 1] = 1

    def step(x, labels):
        x = T(x.data, requires_grad=True)
        z = F.cross_entropy(x, labels, reduction=reduction, **settings)
        (z if z.ndim == 0 else z.sum()).backward()
        return z, x.grad

    wanted = [step(T(X), labels[:2])[0].data, step(T(X), labels[:2])[1].data]
    f = mg.compile(step) if compiled else step
    for _ in range(2):
        z, g = f(T(x), labels)
        if reduction == "none":
            assert z.data[2] == 0
            z = z[:2]
        np.testing.assert_allclose(z.data, wanted[0], rtol=1e-15)
        np.testing.assert_allclose(g.data[:2], wanted[1], rtol=1e-14)
        np.testing.assert_array_equal(g.data[2], 0)


def test_an_ignored_row_has_no_second_derivative_either():
    rows, v = np.concatenate([X, np.full((1, 3), np.nan)]), np.array([[1.0, -1.0, 2.0]])

    def loss(x, labels):
        return F.cross_entropy(x, labels, reduction="sum")

    (found,) = mg.hvp(lambda x: loss(x, np.array([0, 2, -100])), (rows,), (np.repeat(v, 3, axis=0),))
    (wanted,) = mg.hvp(lambda x: loss(x, np.array([0, 2])), (X,), (np.repeat(v, 2, axis=0),))
    np.testing.assert_allclose(found[:2], wanted, rtol=1e-14)
    np.testing.assert_array_equal(found[2], 0)


def test_what_has_probability_0_and_is_impossible_adds_nothing():
    logits, target = np.array([[0.0, 0.0, -np.inf]]), np.array([[0.25, 0.75, 0.0]])
    assert F.cross_entropy(T(logits), target).item() == pytest.approx(np.log(2), rel=1e-15)
    np.testing.assert_array_equal(gradient(lambda x: F.cross_entropy(x, target), logits), [[0.25, -0.25, 0]])
    logs = np.log([[0.5, 0.5, 1.0]]) + np.array([0, 0, -np.inf])
    wanted = (target[0, :2] * np.log(target[0, :2] / 0.5)).sum()
    assert F.kl_div(T(logs), target, reduction="sum").item() == pytest.approx(wanted, rel=1e-15)
    np.testing.assert_array_equal(gradient(lambda x: F.kl_div(x, target, reduction="sum"), logs), -target)


def test_a_class_of_weight_0_still_has_a_derivative_by_its_weight():
    weight = T(np.array([0.0, 1.0, 1.0]), requires_grad=True)
    F.nll_loss(T(LOGS[1:]), np.array([0]), weight, reduction="sum").backward()
    np.testing.assert_array_equal(weight.grad.data, [3, 0, 0])


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_a_label_that_weighs_nothing_leaves_no_gradient(loss):
    weight = np.array([0.0, 1.0, 1.0])
    assert not gradient(lambda x: loss(x, np.array([0, 0]), weight), X).any()
    assert not gradient(lambda x: loss(x, np.array([0, 1]), weight), X)[0].any()


def test_an_infinite_loss_that_does_not_count_is_not_counted():
    assert F.nll_loss(T(LOGS), np.array([-100, 1])).item() == 1
    assert F.nll_loss(T(LOGS), np.array([0, 1]), np.array([0.0, 1.0, 1.0])).item() == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_negative_target_has_no_divergence():
    losses = F.kl_div(T(X), np.array([[-0.5, 0.5, 1.0], [0.0, 0.0, 1.0]]), reduction="none")
    np.testing.assert_array_equal(np.isnan(losses.data), [[True, False, False], [False] * 3])


NORMS = {  # of (3, 0, −4), of (1, 2, −2) and of (0, 0, 0), by hand
    0: (2, 3, 0), 0.5: (7 + 2 * 12**0.5, 5 + 4 * 2**0.5 + 4, 0), 1: (7, 5, 0), 2: (5, 3, 0),
    3: (91 ** (1 / 3), 17 ** (1 / 3), 0), np.inf: (4, 2, 0), -np.inf: (0, 1, 0), -1: (0, 0.5, 0),
}  # fmt: skip
ROWS = np.array([[3.0, 0.0, -4.0], [1.0, 2.0, -2.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("p", NORMS)
def test_distances_of_any_p(p):
    lengths = np.array(NORMS[p], float)
    np.testing.assert_allclose(F.pairwise_distance(T(ROWS), 0 * ROWS, p=p, eps=0).data, lengths, rtol=1e-12)
    safe = np.maximum(lengths, 1e-12)[:, None]
    np.testing.assert_allclose(F.normalize(T(ROWS), p=p).data, ROWS / safe, rtol=1e-12)
    losses = F.triplet_margin_loss(T(ROWS), 0 * ROWS, ROWS, p=p, eps=0, margin=0, reduction="none")
    np.testing.assert_allclose(losses.data, lengths, rtol=1e-12)
    slopes = gradient(lambda x: F.pairwise_distance(x, 0 * ROWS, p=p, eps=0), ROWS)
    assert np.isfinite(slopes).all()
    assert not slopes[2].any()
    assert mg.gradcheck(lambda x: F.pairwise_distance(x, 0 * ROWS[1], p=p, eps=0), np.array([1.0, 2.5, -2.0]))


def test_a_zero_vector_without_eps_has_no_direction():
    with np.errstate(invalid="ignore"):
        assert np.isnan(F.normalize(T(np.zeros((1, 2))), eps=0).data).all()


def test_cosine_similarity_broadcasts_before_it_measures_lengths():
    x, y = np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[1.0]])
    np.testing.assert_allclose(F.cosine_similarity(T(x), T(y)).data, 10 / (30**0.5 * 2))
    assert mg.gradcheck(F.cosine_similarity, x, y)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e200])
def test_cosines_do_not_depend_on_lengths(size):
    x, y = size * np.array([[3.0, 4.0]]), size * np.array([[4.0, 3.0]])
    np.testing.assert_allclose(F.cosine_similarity(T(x), y).data, 0.96, rtol=1e-12)
    np.testing.assert_allclose(F.cosine_embedding_loss(T(x), y, [1]).data, 0.04, rtol=1e-5)


def test_softplus_is_x_beyond_the_threshold():
    x = np.array([-1.0, 1.0, 1.6, 3.0])
    exact = np.log1p(np.exp(2 * x)) / 2
    np.testing.assert_allclose(F.softplus(T(x), 2, 3).data, [*exact[:2], 1.6, 3.0])
    np.testing.assert_array_equal(gradient(lambda x: F.softplus(x, 2, 3), x)[2:], 1)
    np.testing.assert_allclose(F.softplus(T(x), 2, np.inf).data, exact)
    assert F.softplus(T([21.0])).item() == 21
    assert F.softplus(np.array([-800.0, 0.0])).tolist() == [0.0, np.log(2)]


@pytest.mark.parametrize("value", [0.1, 12, 1.2e3, 1.2e5, 1e10])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normalised_equal_values_are_0(value, dtype):
    x = T(np.full((2, 4, 100), value, dtype))
    for norm in (nn.LayerNorm(100), nn.GroupNorm(2, 4), nn.InstanceNorm1d(4), nn.BatchNorm1d(4)):
        np.testing.assert_array_equal(norm.to(dtype)(x).data, 0)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_interpolate_goes_by_the_factor_where_rounding_keeps_the_length(mode):
    x = np.arange(1.0, 8).reshape(1, 1, 7)
    found = F.interpolate(T(x), scale_factor=1.1, mode=mode).data.ravel()
    np.testing.assert_array_equal(found, [1, 1, 2, 3, 4, 5, 6] if mode == "nearest" else np.arange(1, 8))
    np.testing.assert_array_equal(F.interpolate(T(x), 7, mode=mode).data, x)
    longer = F.interpolate(T(x), scale_factor=2.1).data.ravel()
    np.testing.assert_array_equal(longer, [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7])


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("wanted", [{"size": 0}, {"scale_factor": 0.1}])
def test_interpolate_refuses_a_result_of_no_length(mode, wanted):
    with pytest.raises(ValueError, match=r"to lengths \(0,\); all lengths must be at least 1"):
        F.interpolate(T(np.ones((1, 1, 7))), mode=mode, **wanted)
    with pytest.raises(ValueError, match="at least 1"):
        F.interpolate(T(np.ones((1, 1, 0))), 3, mode=mode)


@together
@pytest.mark.parametrize("make", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("settings", [{}, {"bidirectional": True, "num_layers": 2}, {"batch_first": True}])
@pytest.mark.parametrize("steps", [1, 3])
def test_recurrent_layers_take_an_empty_batch(make, settings, steps):
    layer = make(2, 3, **settings)
    shape = (0, steps) if layer.batch_first else (steps, 0)
    x = T(np.zeros((*shape, 2)), requires_grad=True)
    outputs, _ = layer(x)
    assert outputs.shape == (*shape, 6 if layer.bidirectional else 3)
    outputs.sum().backward()
    assert x.grad.shape == x.shape
    assert not layer.weight_hh_l0.grad.data.any()


@pytest.mark.parametrize("make", [nn.BatchNorm1d, nn.InstanceNorm1d])
def test_norms_take_an_empty_batch_and_track_nothing_of_it(make):
    layer = make(2, affine=True, track_running_stats=True)
    x = T(np.zeros((0, 2, 3)), requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.shape == (0, 2, 3)
    assert layer.running_mean.tolist() == [0, 0]
    assert layer.running_var.tolist() == [1, 1]
    assert not layer.weight.grad.data.any()

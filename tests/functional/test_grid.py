"""Images at the places of a grid, pools at random distances, and dropout that keeps mean and variance."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812  PyTorch's name

IMAGE = np.arange(12.0).reshape(1, 1, 3, 4)
IDENTITY = np.array([[[1.0, 0, 0], [0, 1, 0]]])


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-0.9, 0.9, shape)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_the_grid_of_the_identity_shows_the_image_itself(mode, align_corners):
    grid = F.affine_grid(IDENTITY, IMAGE.shape, align_corners)
    z = F.grid_sample(IMAGE, grid, mode, "border", align_corners)
    np.testing.assert_allclose(z.data, IMAGE, atol=1e-12)


def test_a_place_between_elements_is_their_mean_and_outside_is_what_the_padding_says():
    grid = np.array([[[[0.0, 0.0], [-1.0, 0.0], [-1.5, 0.0]]]])  # in the middle, on the edge, a whole element beyond it
    row = lambda padding: F.grid_sample(IMAGE, grid, padding_mode=padding).ravel().tolist()
    assert row("zeros") == [5.5, 2.0, 0.0]
    assert row("border") == [5.5, 4.0, 4.0]
    assert row("reflection") == [5.5, 4.0, 4.5]


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_gradients_by_image_and_grid_agree_with_finite_differences(mode, padding):
    image = mg.Tensor(numbers(2, 2, 3, 4), requires_grad=True)
    grid = mg.Tensor(1.3 * numbers(2, 2, 3, 2, seed=1), requires_grad=True)
    assert mg.gradcheck(lambda x, y: F.grid_sample(x, y, mode, padding), (image, grid))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: F.grid_sample(IMAGE, np.zeros((1, 2, 2, 3))), r"grid_sample: input is \(1, 1, 3, 4\) and grid is"),
        (
            lambda: F.grid_sample(IMAGE, np.zeros((1, 2, 2, 2)), "cubic"),
            "mode is 'cubic'; choose bilinear",
        ),
        (lambda: F.grid_sample(IMAGE[:, :, :0], np.zeros((1, 2, 2, 2))), "all its lengths must be at least 1"),
        (lambda: F.affine_grid(IDENTITY, (2, 1, 3, 4)), r"affine_grid: theta is \(1, 2, 3\) and size \(2, 1, 3, 4\)"),
        (lambda: F.fractional_max_pool2d(IMAGE, 2), "fractional_max_pool2d: give one of output_size and output_ratio"),
        (
            lambda: F.fractional_max_pool2d(IMAGE, 2, 3),
            r"\(3, 3\) windows of \(2, 2\) do not fit",
        ),
        (lambda: F.feature_alpha_dropout(np.zeros(3), training=True), r"must be \(n, channels, …\)"),
        (lambda: F.alpha_dropout(np.zeros(3), 1.5), "alpha_dropout: p must be a probability"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_windows_at_random_distances_begin_at_the_first_element_and_end_at_the_last():
    x = mg.Tensor(IMAGE, requires_grad=True)
    for seed in range(5):
        mg.manual_seed(seed)
        z, at = F.fractional_max_pool2d(x, 2, (2, 3), return_indices=True)
        assert z.shape == (1, 1, 2, 3)
        np.testing.assert_array_equal(z.data, at.data)  # the elements count themselves
        assert z.data[0, 0, 0, 0] == 5  # the largest of the first two rows and columns
        assert z.data[0, 0, -1, -1] == 11


def test_alpha_dropout_keeps_mean_and_variance_and_drops_to_the_end_of_selu():
    mg.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(400, 500))
    z = F.alpha_dropout(x, 0.3, training=True).data
    assert abs(z.mean()) < 0.01
    assert abs(z.std() - 1) < 0.01
    _, counts = np.unique(z, return_counts=True)
    assert abs(counts.max() / z.size - 0.3) < 0.01  # all at one value
    channels = F.feature_alpha_dropout(np.ones((40, 50, 3)), 0.3, training=True).data
    assert (channels == channels[:, :, :1]).all()
    assert not F.alpha_dropout(x, 1.0, training=True).data.any()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: F.fractional_max_pool2d(x, 2, 3),
        lambda x: F.alpha_dropout(x, 0.4, training=True),
        lambda x: F.grid_sample(x, x.reshape(2, 4, 4, 2), "bicubic", "reflection"),
    ],
)
def test_compiled_they_are_eagers(f):
    step = mg.compile(lambda x: f(x).sum())
    x = mg.Tensor(numbers(2, 2, 4, 4))
    mg.manual_seed(1)
    expected = [f(x).sum().item() for _ in range(3)]
    mg.manual_seed(1)
    assert [step(x).item() for _ in range(3)] == expected
    assert step.cache_info().hits == 2

"""Images at the places of a grid: by hand, by interpolation, by finite differences, and beside PyTorch."""

from itertools import product

import numpy as np
import pytest
from together import together

import micrograd_np as mg
import micrograd_np.functional as F  # noqa: N812  PyTorch's import line

MODES, PADDINGS, ALIGNED = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (False, True)
IMAGE = np.array([[[[1.0, 2.0, 4.0], [3.0, 5.0, 9.0]]]])


def at(*places, **settings):
    """The image at places (x, y)."""
    return F.grid_sample(IMAGE, np.array([[places]]), **settings).data.ravel().tolist()


def test_places_are_between_the_edges_or_between_the_middles_of_the_outermost():
    assert at((0.0, 0.0)) == [3.5]  # the middle column, halfway between the rows
    assert at((2 / 3, -0.5), (-2 / 3, 0.5)) == pytest.approx([4.0, 3.0])  # middles of elements
    assert at((-1.0, -1.0), (1.0, 1.0), (0.0, 1.0), align_corners=True) == [1.0, 9.0, 5.0]
    assert at((0.5, -0.4), mode="nearest") == [4.0]


def test_outside_there_are_zeros_or_the_border_or_a_mirror_image():
    assert at((5.0, 0.5)) == [0.0]
    assert at((1.0, 0.5)) == [4.5]  # half of the last element
    assert at((5.0, 0.5), padding_mode="border") == [9.0]
    assert at((4 / 3, 0.5), (2.0, 0.5), padding_mode="reflection") == pytest.approx([9.0, 5.0])  # mirrored at the edge
    assert at((2.0, 1.0), padding_mode="reflection", align_corners=True) == [5.0]
    assert at((np.nan, 0.0), (-np.inf, 0.0), (1e300, 0.0)) == [0.0] * 3


@pytest.mark.parametrize(("mode", "aligned"), [*product(MODES, ALIGNED)])
def test_a_grid_that_moves_nothing_gives_the_image(mode, aligned, rng):
    for d, padding in product((2,) if mode == "bicubic" else (2, 3), PADDINGS):
        x = rng.normal(size=(2, 3, 3, 4, 2)[: d + 2])
        grid = F.affine_grid(np.eye(d, d + 1)[None].repeat(2, 0), x.shape, aligned)
        np.testing.assert_allclose(F.grid_sample(x, grid, mode, padding, aligned).data, x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("d", "aligned"), [*product((2, 3), ALIGNED)])
def test_a_finer_grid_interpolates_the_image(d, aligned, rng):
    x, size = rng.normal(size=(2, 3, 3, 4, 2)[: d + 2]), (5, 9, 4)[:d]
    grid = F.affine_grid(np.eye(d, d + 1)[None].repeat(2, 0), (2, 3, *size), aligned)
    expected = F.interpolate(x, size, mode="bilinear" if d == 2 else "trilinear", align_corners=aligned)
    finer = F.grid_sample(x, grid, "bilinear", "border", aligned)
    np.testing.assert_allclose(finer.data, expected.data, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("padding", "aligned"), [*product(PADDINGS, ALIGNED)])
def test_gradients_of_image_and_grid_agree_with_finite_differences(padding, aligned, rng):
    x = mg.Tensor(rng.normal(size=(1, 2, 3, 4)), requires_grad=True)
    grid = mg.Tensor(rng.uniform(-1.9, 1.9, (1, 3, 2, 2)), requires_grad=True)
    for mode in ("bilinear", "bicubic"):
        assert mg.gradcheck(lambda x, g, mode=mode: F.grid_sample(x, g, mode, padding, aligned), (x, grid))
    assert mg.gradcheck(lambda x: F.grid_sample(x, grid.detach(), "nearest", padding, aligned), (x,))


@pytest.mark.parametrize("aligned", ALIGNED)
def test_the_gradient_of_an_affine_grid_agrees_with_finite_differences(aligned, rng):
    theta = mg.Tensor(rng.normal(size=(2, 3, 4)), requires_grad=True)
    assert mg.gradcheck(lambda t: F.affine_grid(t, (2, 1, 2, 3, 2), aligned), (theta,))


@together
@pytest.mark.parametrize(("mode", "padding", "aligned"), [*product(MODES[:2], PADDINGS, ALIGNED)])
def test_places_of_any_kind_are_answered_as_in_pytorch(mode, padding, aligned, rng):
    torch = pytest.importorskip("torch")
    for shape, places in (((2, 3, 4, 5), (3, 4)), ((1, 2, 3, 1, 2), (2, 2, 3)), ((2, 1, 1, 1), (4, 1))):
        values = rng.normal(size=shape)
        grid = rng.uniform(-3, 3, (shape[0], *places, len(places)))
        grid.reshape(-1)[:4] = [-1, 1, 0, 1]  # on edges and between elements
        x, g = (mg.Tensor(a, requires_grad=True) for a in (values, grid))
        y, h = (torch.tensor(a, requires_grad=True) for a in (values, grid))
        z = F.grid_sample(x, g, mode, padding, aligned)
        w = torch.nn.functional.grid_sample(y, h, mode, padding, aligned)
        np.testing.assert_allclose(z.data, w.detach().numpy(), rtol=1e-11, atol=1e-12)
        seed = rng.normal(size=z.shape)
        z.backward(seed)
        w.backward(torch.tensor(seed))
        np.testing.assert_allclose(x.grad.data, y.grad.numpy(), rtol=1e-11, atol=1e-12)
        if mode == "bilinear":
            np.testing.assert_allclose(g.grad.data, h.grad.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_compiled_a_spatial_transformer_follows_its_places(mode, rng):
    def step(x, theta):
        return F.grid_sample(x, F.affine_grid(theta, (2, 3, 4, 4)), mode, "reflection")

    compiled = mg.compile(step)
    for _ in range(3):
        x, theta = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 2, 3))
        np.testing.assert_array_equal(compiled(x, theta).data, step(mg.Tensor(x), mg.Tensor(theta)).data)
    assert compiled.cache_info().misses == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: F.grid_sample(IMAGE, np.zeros((1, 2, 2, 3))),
            r"grid_sample: input is \(1, 1, 2, 3\) and grid is \(1, 2, 2, 3\)",
        ),
        (lambda: F.grid_sample(IMAGE[0], np.zeros((1, 2, 2))), "they must be"),
        (lambda: F.grid_sample(IMAGE, np.zeros((2, 2, 2, 2))), "they must be"),
        (lambda: F.grid_sample(IMAGE[..., :0], np.zeros((1, 2, 2, 2))), "all its lengths must be at least 1"),
        (
            lambda: F.grid_sample(IMAGE, np.zeros((1, 2, 2, 2)), "linear"),
            "mode is 'linear'; choose bilinear, nearest or bicubic",
        ),
        (lambda: F.grid_sample(IMAGE, np.zeros((1, 2, 2, 2)), "nearest", "edge"), "padding_mode is 'edge'"),
        (lambda: F.affine_grid(np.zeros((2, 2, 3)), (1, 1, 2, 2)), r"affine_grid: theta is \(2, 2, 3\) and size"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

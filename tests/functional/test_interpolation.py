"""Images and sequences at another size, against PyTorch and by hand."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812
from micrograd_np import nn

FACTORS = [0.5, 0.7, 0.9, 1, 1.01, 1.1, 1.25, 1.5, 2, 2.01, 2.3, 3]


def cases(count, dtype):
    draw = np.random.default_rng(0)
    for _ in range(count):
        d = draw.integers(1, 3)
        shape = (1, 2, *draw.integers(2, 60 if draw.random() < 0.3 else 8, d).tolist())
        settings = {"mode": str(draw.choice(["nearest", "linear" if d == 1 else "bilinear"]))}
        if draw.random() < 0.7:
            settings["scale_factor"] = draw.choice(FACTORS, d).tolist()
            settings["recompute_scale_factor"] = draw.choice([None, False, True])
        else:
            settings["size"] = draw.integers(1, 12, d).tolist()
        if settings["mode"] != "nearest":
            settings["align_corners"] = draw.choice([None, False, True])
        yield draw.standard_normal(shape).astype(dtype), settings


@pytest.mark.filterwarnings("ignore:The default behavior for interpolate")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_interpolate_agrees_with_pytorch_in_a_thousand_cases(dtype):
    torch = pytest.importorskip("torch")
    for x, settings in cases(1000, dtype):
        expected = torch.nn.functional.interpolate(torch.tensor(x), **settings).numpy()
        found = F.interpolate(x, **settings).data
        assert found.shape == expected.shape, (x.shape, settings)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=f"{x.shape} {settings}")


def test_an_image_that_keeps_its_size_is_left_as_it_is():
    x = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    np.testing.assert_array_equal(nn.Upsample(scale_factor=1.1)(x).data, x)
    np.testing.assert_array_equal(F.interpolate(x, scale_factor=1.1, mode="bilinear").data, x)


def test_the_factor_is_forgotten_where_it_is_computed_anew():
    x = np.arange(1.0, 8).reshape(1, 1, 7)
    for layer in (nn.Upsample(scale_factor=1.1, recompute_scale_factor=True), nn.Upsample(7)):
        np.testing.assert_array_equal(layer(x).data, x)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_integers_become_floating_numbers_between_elements_and_stay_what_they_are_by_the_nearest(dtype):
    x = np.array([[[0, 1, 1, 0]]], dtype)
    for image, size, mode in ((x, 8, "linear"), (x.reshape(1, 1, 2, 2), 3, "bilinear")):
        between = F.interpolate(image, size, mode=mode)
        assert between.dtype == mg.get_default_dtype()
        np.testing.assert_array_equal(between.data, F.interpolate(image * 1.0, size, mode=mode).data)
    for size in (3, 4, 8):
        nearest = F.interpolate(image, size).data
        assert nearest.dtype == dtype
        np.testing.assert_array_equal(nearest, F.interpolate(image * 1.0, size).data)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"size": 2.5}, TypeError, "interpolate: size must be an integer; found 2.5"),
        ({"size": "a"}, TypeError, "interpolate: size must be an integer; found 'a'"),
        ({"scale_factor": "a"}, TypeError, "interpolate: scale_factor must be a number"),
        ({"scale_factor": -1}, ValueError, "interpolate: scale_factor must be positive and finite; found -1"),
        ({"scale_factor": np.nan}, ValueError, "interpolate: scale_factor must be positive and finite; found nan"),
        ({"scale_factor": (1, 2)}, ValueError, "interpolate: needs one number or 1"),
        ({"size": 3, "recompute_scale_factor": True}, ValueError, "needs a scale_factor"),
        ({"size": 3, "align_corners": True}, ValueError, "align_corners is for linear"),
    ],
)
def test_what_makes_no_size_is_answered_in_our_words(settings, error, says):
    with pytest.raises(error, match=says):
        F.interpolate(np.ones((1, 1, 4)), **settings)

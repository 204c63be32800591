"""Claims about plots: they show themselves, name their axes, and say what a model says over a plane."""

import sys
import xml.etree.ElementTree as ET
from base64 import b64decode

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import data, nn
from micrograd_np.pictures.boundary import Boundary
from micrograd_np.training import History

pytest.importorskip("matplotlib")


def history(*rows):
    made = History()
    for row in rows:
        made.add(row)
    return made


FALLING = [{"loss": 10.0**-i, "validation accuracy": 0.5 + i / 10} for i in range(3)]


def test_a_plot_shows_itself_as_svg_and_png_without_any_mode():
    bundle = history(*FALLING).plot()._repr_mimebundle_()
    ET.fromstring(bundle["image/svg+xml"])
    assert b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == "<Plot of loss, validation accuracy over 3 epochs; .save('plot.svg') writes it>"


def test_showing_a_plot_that_cannot_be_drawn_raises_nothing():
    plot = history(*FALLING).plot()
    plot.figure.savefig = None
    assert list(plot._repr_mimebundle_()) == ["text/plain"]


def test_the_same_plot_gives_the_same_bytes(tmp_path):
    first, second = (history(*FALLING).plot().save(tmp_path / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert first == second


def test_a_suffix_that_names_no_format_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"'plot\.xyz' ends in '\.xyz', and the suffix names the format; choose one of"
    ):
        history(*FALLING).plot().save(tmp_path / "plot.xyz")


def test_a_plot_makes_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*new' for plot\.svg; make it first"):
        history(*FALLING).plot(tmp_path / "new" / "plot.svg")


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 60])
def test_ticks_stand_at_epochs_and_axes_have_labels(epochs):
    figure = history(*FALLING[:1], *[FALLING[1]] * (epochs - 1)).plot().figure
    figure.draw_without_rendering()
    top, bottom = figure.axes
    assert (top.get_ylabel(), bottom.get_ylabel(), bottom.get_xlabel()) == ("loss", "validation accuracy", "epoch")
    left, right = bottom.get_xlim()
    ticks = [tick for tick in bottom.get_xticks() if left <= tick <= right]
    assert ticks
    assert set(ticks) <= set(range(1, epochs + 1))


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([1, 0.01], "log"), ([1, 0.9], "linear"), ([1, 0], "linear"), ([1, -1], "linear"), ([float("nan")] * 2, "linear")],
)
def test_a_logarithmic_axis_is_used_where_it_shows_more(losses, scale):
    figure = history(*({"loss": loss} for loss in losses)).plot().figure
    assert figure.axes[0].get_yscale() == scale


def test_values_of_which_none_is_finite_are_said_to_be_so():
    (axes,) = history({"loss": float("nan")}, {"loss": float("inf")}).plot().figure.axes
    assert [text.get_text() for text in axes.texts] == ["no value is a finite number"]
    assert list(axes.get_yticks()) == []
    assert not history(*FALLING).plot().figure.axes[0].texts


def test_a_history_of_no_epochs_says_so():
    assert "no epochs yet" in [text.get_text() for text in History().plot().figure.texts]


def test_numbers_of_numpy_are_plotted_and_missing_ones_leave_a_gap():
    figure = history({"loss": np.float32(2)}, {"loss": np.float32(1), "validation loss": 3}).plot().figure
    validation = figure.axes[0].lines[1].get_ydata()
    assert np.isnan(validation[0])
    assert validation[1] == 3
    assert "loss 2" in repr(history({"loss": np.float32(2)}))


@pytest.mark.parametrize(
    "name", ["<b>loss", "$x^$ loss", "_loss", "100 % loss", "損失 loss", r"\frac loss", "a\0 loss"]
)
def test_any_name_is_drawn_as_it_is(name):
    plot = history({name: 1.0, "loss": 2.0}).plot()
    ET.fromstring(plot._repr_mimebundle_()["image/svg+xml"])
    assert plot.figure.axes[0].get_legend().get_texts()[0].get_text() == name.replace("\0", "␀")


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for call in (history(*FALLING).plot, lambda: mg.draw_boundary(nn.Linear(2, 2), data.moons())):
        with pytest.raises(ImportError, match="run `pip install matplotlib`"):
            call()


def half(outputs):
    """A linear model whose classes meet where input 0 is 0.25."""
    model = nn.Linear(2, outputs)
    with mg.no_grad():
        model.weight.data[...] = 0
        model.weight.data[-1, 0] = 1
        model.bias.data[...] = 0
        model.bias.data[-1] = -0.25
    return model


POINTS = np.array([[-1.0, -1.0], [1.0, 1.0], [0.5, -0.5]])


@pytest.mark.parametrize(
    ("model", "targets", "threshold"),
    [
        (half(2), [0, 1, 1], None),
        (half(2), np.eye(2)[[0, 1, 1]], None),
        (half(1), [0, 1, 1], None),
        (half(1), [[-1.0], [1.0], [1.0]], None),
        (nn.Sequential(half(1), nn.Sigmoid()), [0.0, 1.0, 1.0], None),
        (nn.Sequential(half(1), nn.Sigmoid(), nn.Flatten()), [0.0, 1.0, 1.0], None),
        (half(1), [0, 1, 1], 0.0),
    ],
    ids=["labels", "one-hot", "logit", "signs", "sigmoid", "sigmoid and flatten", "threshold"],
)
def test_regions_meet_where_the_model_says(model, targets, threshold):
    boundary = Boundary(model, (POINTS, targets), threshold)
    assert boundary.targets.tolist() == [0, 1, 1]
    found = boundary.margins(101)[1] > 0
    across = np.linspace(*boundary.limits[:2], 101)
    np.testing.assert_array_equal(found, np.broadcast_to(across > 0.25, (101, 101)))


def test_the_border_is_drawn_between_the_points_of_the_plane():
    model = nn.Linear(2, 1)
    model.weight.data[...], model.bias.data[...] = [[1.0, 0.3]], -0.2
    axes = mg.draw_boundary(model, (POINTS, [0, 1, 1])).figure.axes[0]
    border, *_ = (c for c in axes.collections if getattr(c, "filled", None) is False)
    path = np.concatenate([path.vertices for path in border.get_paths()])
    assert len(path) > 100
    np.testing.assert_allclose(path @ [1.0, 0.3], 0.2, atol=1e-9)  # no staircase


def test_a_threshold_of_ones_own_moves_the_boundary():
    boundary = Boundary(half(1), (POINTS, [0, 1, 1]), threshold=0.25)
    across = np.linspace(*boundary.limits[:2], 101)
    np.testing.assert_array_equal(boundary.margins(101)[1, 0] > 0, across > 0.5)


def test_a_continuous_target_is_a_surface():
    figure = mg.draw_boundary(half(1), (POINTS, [0.2, 0.7, 1.5])).figure
    assert figure.axes[1].get_ylabel().startswith("prediction")
    boundary = Boundary(half(1), (POINTS, [0.2, 0.7, 1.5]))
    across = np.linspace(*boundary.limits[:2], 9)
    np.testing.assert_allclose(boundary.margins(9)[0], np.broadcast_to(across - 0.25, (9, 9)))


def test_classes_are_told_apart_by_shape_not_by_colour_alone():
    axes = mg.draw_boundary(nn.Linear(2, 3), data.blobs(30)).figure.axes[0]
    marks = [c for c in axes.collections if len(c.get_offsets()) > 1]
    assert len({m.get_paths()[0].vertices.tobytes() for m in marks}) == 3
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["class 0", "class 1", "class 2"]


@pytest.mark.parametrize("names", [["loss"], ["a: loss", "b: loss", "c: loss"], ["loss", *(60 * c for c in "abcdef")]])
def test_a_legend_stands_above_what_is_drawn_and_hides_none_of_it(names):
    history = mg.History()
    for i in range(5):
        history.add({name: (-1.0) ** (i + k) for k, name in enumerate(names)})
    for plot in (history.plot(), mg.draw_boundary(half(1), (POINTS, [0, 1, 1]))):
        plot.figure.draw_without_rendering()
        for axes in plot.figure.axes:
            legend, drawn = axes.get_legend().get_window_extent(), axes.get_window_extent()
            assert legend.y0 >= drawn.y1
            assert legend.x1 <= plot.figure.bbox.x1
            assert drawn.height > 60


def test_drawing_a_boundary_changes_neither_model_nor_random_numbers():
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model[2].eval()
    before, state = model.state_dict(), mg.random.get_state()
    mg.draw_boundary(model, data.moons(20, generator=np.random.default_rng(0)))
    assert mg.random.get_state() == state
    assert [m.training for m in model.modules()] == [True, True, True, False, True]
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_data_come_as_a_pair_a_set_a_loader_or_part_of_one():
    x, y = data.moons(20, generator=np.random.default_rng(0))
    whole = data.TensorDataset(x, y)
    part, _ = data.random_split(whole, [10, 10], np.random.default_rng(0))
    model = nn.Linear(2, 2)
    for given in (
        (x, y),
        (mg.Tensor(x), mg.Tensor(y)),
        whole,
        data.DataLoader(whole, 5),
        [(x[:9], y[:9]), (x[9:], y[9:])],
    ):
        np.testing.assert_array_equal(Boundary(model, given).points, x)
    assert len(Boundary(model, data.DataLoader(part, 5)).points) == 10


@pytest.mark.parametrize(
    ("given", "model", "message"),
    [
        ((np.ones((5, 3)), np.zeros(5)), nn.Linear(3, 1), r"the inputs are \(5, 3\) and the targets \(5,\)"),
        ((np.ones((5, 2)), np.zeros(4)), nn.Linear(2, 1), r"a target for each point"),
        ((np.full((5, 2), np.nan), np.zeros(5)), nn.Linear(2, 1), "no point with finite inputs among the 5"),
        (
            (np.ones((5, 2)), np.zeros(5)),
            nn.Linear(2, 3),
            r"the output is \(1, 3\), and the targets are \(5,\) float64",
        ),
        ((np.ones((5, 2)), np.full(5, 3)), nn.Linear(2, 3), "labels are up to 3, and the model has 3 outputs"),
        (iter([]), nn.Linear(2, 3), "pass a pair"),
    ],
)
def test_what_is_no_plane_is_refused_in_words(given, model, message):
    with pytest.raises(ValueError, match=f"^draw_boundary: .*{message}"):
        mg.draw_boundary(model, given)


@pytest.mark.parametrize("bias", [[1e3, 0.0, 0.0], [0.0, 0.0, -1e3]], ids=["all", "all but one"])
def test_a_class_that_is_nowhere_has_no_region(bias):
    model = nn.Linear(2, 3)
    model.bias.data[...] = bias
    bundle = mg.draw_boundary(model, data.blobs(30))._repr_mimebundle_()
    assert "image/svg+xml" in bundle

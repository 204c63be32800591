"""Losses: the golden numbers, PyTorch's values and gradients, huge logits, and shapes that would broadcast."""

import inspect
import math

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812  PyTorch's usage
from micrograd_np import nn

I = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
T = np.array([2, 0])
R = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, -1.0]])
B = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
Y = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]])


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


LOGS = np.log(softmax(I))
GOLDEN = {
    "cross entropy": (lambda: F.cross_entropy(I, T), 0.293158293),
    "cross entropy, sum": (lambda: F.cross_entropy(I, T, reduction="sum"), 0.586316586),
    "cross entropy, none": (lambda: F.cross_entropy(I, T, reduction="none"), [0.241311327, 0.345005244]),
    "cross entropy, smoothed": (lambda: F.cross_entropy(I, T, label_smoothing=0.1), 0.424824953),
    "cross entropy, weighted": (lambda: F.cross_entropy(I, T, weight=[1.0, 2.0, 3.0]), 0.267234802),
    "cross entropy, probabilities": (lambda: F.cross_entropy(I, softmax(R)), 0.973644733),
    "mse": (lambda: F.mse_loss(I, R), 0.78),
    "l1": (lambda: F.l1_loss(I, R), 0.6),
    "smooth l1": (lambda: F.smooth_l1_loss(I, R), 0.306666672),
    "huber": (lambda: F.huber_loss(I, R, delta=0.5), 0.2025),
    "bce with logits": (lambda: F.binary_cross_entropy_with_logits(I, B), 0.762203455),
    "bce with logits, weighted": (
        lambda: F.binary_cross_entropy_with_logits(I, B, pos_weight=2.0),
        1.219668508,
    ),
    "kl, batchmean": (lambda: F.kl_div(LOGS, softmax(R), reduction="batchmean"), 0.141249120),
    "kl, mean": (lambda: F.kl_div(LOGS, softmax(R)), 0.047083039),
    "hinge embedding": (lambda: F.hinge_embedding_loss(I, Y), 1.083333373),
    "poisson": (lambda: F.poisson_nll_loss(I, B), 2.322298288),
    "gaussian": (lambda: F.gaussian_nll_loss(I, R, np.ones_like(I)), 0.389999986),
    "triplet": (lambda: F.triplet_margin_loss(I, R, B), 0.385132194),
    "cosine embedding": (lambda: F.cosine_embedding_loss(I, R, [1, -1]), 0.669594526),
}


@together
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_number(name):
    loss, expected = GOLDEN[name]
    np.testing.assert_allclose(loss().data, expected, rtol=1e-6)  # they were computed in float32, some by cancelling


# every loss: name, settings, arguments of which those in the second tuple are differentiated
rng = np.random.default_rng(0)
X, U, V = rng.normal(size=(3, 4, 5))
P = rng.uniform(0.05, 0.95, (4, 5))
Q = rng.uniform(0.05, 0.95, (4, 5))
SIGNS = np.where(rng.random((4, 5)) < 0.5, -1.0, 1.0)
SIGN = SIGNS[:, 0]
LABELS = np.array([0, 3, 4, 3])
WITH_HOLES = np.array([0, -100, 4, 3])
IMAGES, PIXELS = rng.normal(size=(2, 3, 4, 5)), rng.integers(0, 3, (2, 4, 5))
WEIGHT = rng.uniform(0.5, 2, 5)
POSITIVE = rng.uniform(0.5, 2, (4, 5))
CASES = [
    *(
        ("cross_entropy", s, (X, t), 1)
        for t in (LABELS, WITH_HOLES)
        for s in ({}, {"weight": WEIGHT}, {"label_smoothing": 0.2})
    ),
    ("cross_entropy", {"weight": WEIGHT, "label_smoothing": 0.2, "ignore_index": 3}, (X, LABELS), 1),
    ("cross_entropy", {"ignore_index": -1}, (X, np.array([0, -1, 2, -1])), 1),
    ("cross_entropy", {}, (IMAGES, PIXELS), 1),
    ("cross_entropy", {"weight": WEIGHT[:3], "label_smoothing": 0.1}, (IMAGES, PIXELS), 1),
    ("cross_entropy", {}, (X[0], np.array(2)), 1),
    ("cross_entropy", {}, (X, softmax(U)), 2),
    ("cross_entropy", {"weight": WEIGHT, "label_smoothing": 0.3}, (X, softmax(U)), 2),
    ("cross_entropy", {}, (IMAGES, softmax(IMAGES[::-1])), 2),
    ("nll_loss", {}, (X, WITH_HOLES), 1),
    ("nll_loss", {"weight": WEIGHT}, (X, LABELS), 1),
    ("nll_loss", {}, (IMAGES, PIXELS), 1),
    ("binary_cross_entropy", {}, (P, Q), 2),
    ("binary_cross_entropy", {"weight": WEIGHT}, (P, Q), 1),
    ("binary_cross_entropy_with_logits", {}, (X, Q), 2),
    ("binary_cross_entropy_with_logits", {"weight": WEIGHT, "pos_weight": WEIGHT[::-1].copy()}, (X, Q), 2),
    ("mse_loss", {}, (X, U), 2),
    ("l1_loss", {}, (X, U), 2),
    ("smooth_l1_loss", {}, (X, U), 2),
    ("smooth_l1_loss", {"beta": 0.3}, (X, U), 2),
    ("smooth_l1_loss", {"beta": 0.0}, (X, U), 2),
    ("huber_loss", {"delta": 0.7}, (X, U), 2),
    ("kl_div", {}, (X, Q), 2),
    ("kl_div", {"log_target": True}, (X, U), 2),
    ("kl_div", {}, (X, np.where(SIGNS > 0, Q, 0.0)), 1),
    ("poisson_nll_loss", {}, (X, POSITIVE), 2),
    ("poisson_nll_loss", {"log_input": False, "full": True}, (POSITIVE, 2 * Q), 1),
    ("gaussian_nll_loss", {"var": POSITIVE}, (X, U), 2),
    ("gaussian_nll_loss", {"var": POSITIVE[:, :1], "full": True}, (X, U), 2),
    ("gaussian_nll_loss", {"var": POSITIVE[:, 0]}, (X, U), 2),
    ("hinge_embedding_loss", {"margin": 0.4}, (X, SIGNS), 1),
    ("soft_margin_loss", {}, (X, SIGNS), 1),
    ("multi_margin_loss", {}, (X, LABELS), 1),
    ("multi_margin_loss", {"p": 2, "margin": 0.7, "weight": WEIGHT}, (X, LABELS), 1),
    ("margin_ranking_loss", {"margin": 0.2}, (X, U, SIGNS), 2),
    ("cosine_embedding_loss", {"margin": 0.1}, (X, U, SIGN), 2),
    ("triplet_margin_loss", {}, (X, U, V), 3),
    ("triplet_margin_loss", {"p": 1, "swap": True, "margin": 4.0}, (X, U, V), 3),
    ("triplet_margin_loss", {"p": 3, "margin": 4.0}, (X, U, V), 3),
    ("cosine_similarity", {}, (X, U), 2),
    ("pairwise_distance", {}, (X, U), 2),
]


def called(case):
    name, settings, arguments, _ = case
    shapes = "×".join(str(np.shape(x)) for x in arguments)
    return f"{name} {' '.join(settings)} {shapes}"


@together
@pytest.mark.filterwarnings("ignore:reduction:UserWarning")  # PyTorch on kl_div's mean
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", CASES, ids=called)
def test_value_and_gradients_agree_with_pytorch(case, reduction):
    torch = pytest.importorskip("torch")
    name, settings, arguments, count = case
    reducing = "reduction" in inspect.signature(getattr(F, name)).parameters
    settings = settings | ({"reduction": reduction} if reducing else {})
    ours = [mg.Tensor(a.copy(), requires_grad=i < count) for i, a in enumerate(arguments)]
    theirs = [torch.tensor(a, requires_grad=i < count) for i, a in enumerate(arguments)]
    result = getattr(F, name)(*ours, **settings)
    expected = getattr(torch.nn.functional, name)(
        *theirs, **{k: torch.tensor(v.copy()) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    )
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    seed = np.asarray(np.random.default_rng(1).normal(size=result.shape))
    result.backward(seed)
    expected.backward(torch.tensor(seed))
    for a, b in zip(ours[:count], theirs[:count], strict=True):
        np.testing.assert_allclose(a.grad.data, b.grad.numpy(), rtol=1e-10, atol=1e-13)


MODULES = [
    (nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1), (X, LABELS)),
    (nn.NLLLoss(weight=WEIGHT), (X, LABELS)),
    (nn.BCELoss(weight=WEIGHT), (P, Q)),
    (nn.BCEWithLogitsLoss(pos_weight=WEIGHT), (X, Q)),
    (nn.MSELoss(), (X, U)),
    (nn.L1Loss(reduction="sum"), (X, U)),
    (nn.SmoothL1Loss(beta=0.5), (X, U)),
    (nn.HuberLoss(delta=0.5), (X, U)),
    (nn.KLDivLoss(reduction="batchmean"), (X, Q)),
    (nn.PoissonNLLLoss(full=True), (X, POSITIVE)),
    (nn.GaussianNLLLoss(full=True), (X, U, POSITIVE)),
    (nn.SoftMarginLoss(), (X, SIGNS)),
    (nn.HingeEmbeddingLoss(margin=0.5), (X, SIGNS)),
    (nn.CosineEmbeddingLoss(margin=0.2), (X, U, SIGN)),
    (nn.MarginRankingLoss(margin=0.2), (X, U, SIGNS)),
    (nn.MultiMarginLoss(p=2, margin=0.5, weight=WEIGHT), (X, LABELS)),
    (nn.TripletMarginLoss(margin=2.0, swap=True), (X, U, V)),
    (nn.TripletMarginWithDistanceLoss(margin=2.0, swap=True), (X, U, V)),
    (nn.MultiLabelMarginLoss(), (X, np.tile([1, 3, -1, 2, 2], (4, 1)))),
    (nn.MultiLabelSoftMarginLoss(weight=WEIGHT), (X, Q)),
    (
        nn.CTCLoss(blank=1),
        (np.log(np.full((4, 2, 3), 1 / 3)), np.full((2, 1), 2), np.array([4, 3]), np.array([1, 1])),
    ),
]


@together
@pytest.mark.parametrize(("module", "arguments"), MODULES, ids=lambda x: type(x).__name__)
def test_module_agrees_with_pytorchs(module, arguments):
    torch = pytest.importorskip("torch")
    other = getattr(torch.nn, type(module).__name__)
    names = inspect.signature(type(module)).parameters
    settings = {name: getattr(module, name) for name in names}
    settings = {k: torch.tensor(v.data) if isinstance(v, mg.Tensor) else v for k, v in settings.items()}
    expected = other(**settings)(*map(torch.tensor, arguments))
    np.testing.assert_allclose(module(*map(mg.Tensor, arguments)).data, expected.numpy(), rtol=1e-12)


def test_every_loss_of_the_conventions_has_both_forms():
    assert {type(module) for module, _ in MODULES} == {
        getattr(nn, name) for name in nn.__all__ if name.endswith("Loss")
    }


OF_PAIRS = (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.kl_div, F.poisson_nll_loss, F.soft_margin_loss)
OF_MORE = (F.gaussian_nll_loss, F.margin_ranking_loss, F.triplet_margin_loss)
PAIRS = [
    *((loss, ()) for loss in OF_PAIRS),
    *((loss, ()) for loss in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.hinge_embedding_loss)),
    *((loss, (np.ones((4, 1)),)) for loss in OF_MORE),
]


@together
@pytest.mark.parametrize(("loss", "more"), PAIRS, ids=lambda x: getattr(x, "__name__", ""))
def test_shapes_that_would_broadcast_raise(loss, more):
    with pytest.raises(
        ValueError, match=r"(input|anchor|target|input1|input2)? is \(4, 1\) and \w+ is \(4,\); they would"
    ):
        loss(mg.Tensor(np.full((4, 1), 0.5)), np.full(4, 0.5), *more)


def test_the_error_says_which_to_reshape():
    with pytest.raises(ValueError, match=r"they would broadcast to \(64, 64\)\. Reshape one: target\[:, None\]\."):
        F.mse_loss(np.zeros((64, 1)), np.zeros(64))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.1}, {"weight": [1.0, 1.0]}], ids=str)
def test_cross_entropy_stands_huge_logits(settings, dtype):
    x = mg.Tensor(np.array([[1e4, -1e4], [-1e4, 1e4]], dtype), requires_grad=True)
    loss = F.cross_entropy(x, np.array([0, 0]), reduction="none", **settings)
    loss.sum().backward()
    smooth = settings.get("label_smoothing", 0) / 2
    np.testing.assert_allclose(loss.data, [2e4 * smooth, 2e4 * (1 - smooth)], rtol=1e-6)
    np.testing.assert_allclose(x.grad.data, [[smooth, -smooth], [smooth - 1, 1 - smooth]], atol=1e-6)
    assert loss.dtype == x.grad.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bce_with_logits_stands_huge_logits(dtype):
    x = mg.Tensor(np.array([1e4, -1e4, 1e4, -1e4], dtype), requires_grad=True)
    for weight in (None, 1.0):
        loss = F.binary_cross_entropy_with_logits(x, [1.0, 0.0, 0.0, 1.0], reduction="none", pos_weight=weight)
        x.grad = None
        loss.sum().backward()
        np.testing.assert_array_equal(loss.data, [0, 0, 1e4, 1e4])
        np.testing.assert_array_equal(x.grad.data, [0, 0, 1, -1])


def test_bce_of_certainty_is_finite_and_pushes():
    p = mg.Tensor([0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(p, [1.0, 0.0])
    loss.backward()
    assert loss.item() == 100
    assert p.grad.data[0] < 0 < p.grad.data[1]


def test_all_labels_ignored_is_nan_and_sums_to_zero():
    ignored = np.full(4, -100)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert math.isnan(F.cross_entropy(X, ignored).item())
    assert F.cross_entropy(X, ignored, reduction="sum").item() == 0


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss, F.multi_margin_loss])
def test_labels_out_of_range_are_named(loss):
    for wrong in (5, -1):
        with pytest.raises(IndexError, match=f"target {wrong} is out of bounds; the 5 classes are 0 to 4"):
            loss(X, np.array([0, 1, 2, wrong]))


def test_labels_that_are_no_integers_are_refused():
    with pytest.raises(TypeError, match="class indices"):
        F.cross_entropy(X, np.array([0.0, 1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match=r"input is \(4, 5\) and target is \(3,\)"):
        F.cross_entropy(X, np.array([0, 1, 2]))


def test_python_lists_take_the_dtype_of_the_input():
    x = mg.Tensor(np.zeros((2, 2), "float32"), requires_grad=True)
    for loss in (F.mse_loss(x, [[1, 2], [3, 4]]), F.mse_loss(x, np.ones((2, 2), int)), F.cross_entropy(x, [0, 1])):
        assert loss.dtype == np.float32


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match="reduction must be"):
        F.mse_loss(X, U, reduction="average")
    with pytest.raises(ValueError, match="reduction must be"):
        nn.L1Loss("average")

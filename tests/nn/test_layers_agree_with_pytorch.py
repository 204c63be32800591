"""Every layer, with PyTorch's weights: equal outputs, gradients by input and parameters, and buffers, in both modes."""

import inspect
import re

import numpy as np
import pytest
from layer_cases import BLOCKED, CASES, IN_FLOAT32, MASKS, PADDED, at, draw, passed
from trainable import LAYERS

import micrograd_np as mg
from micrograd_np import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's advice on speed


def close(a, b, rtol=1e-9):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-11)


def compare(ours, theirs, arguments, rtol=1e-9, **settings):
    """One forward and backward pass of both; returns nothing, asserts everything."""
    here = list(passed(ours, arguments, mg.Tensor, settings))
    there = dict(passed(theirs, arguments, torch.tensor, settings))
    assert [name for name, _ in here] == list(there)
    for name, a in here:
        b = there[name]
        assert (a is None) == (b is None), name
        if a is not None:
            assert (a.shape, a.dtype.kind) == (b.shape, b.dtype.kind), name
            close(a, b, rtol)


def pair(expression):
    """The layer here and there, with the same weights, which are random where they would start as 0 or 1."""
    theirs = eval(f"nn.{expression}", {"nn": torch.nn})
    ours = eval(f"nn.{expression}", {"nn": nn})
    theirs = theirs.double()
    torch.manual_seed(3)
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            if "norm" in name.lower() or p.unique().numel() <= 1:
                p.add_(torch.randn_like(p) * 0.3)
    result = ours.load_state_dict(theirs.state_dict())
    assert result == ([], [])
    return ours, theirs


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{len(case) - 1}-{np.ndim(case[1])}d")
def test_layer(case, training):
    expression, *arguments = case
    ours, theirs = pair(expression)
    if "Norm" in expression and not training:
        compare(ours, theirs, tuple(arguments))  # so that there are statistics to normalise by
        ours.zero_grad()
        theirs.zero_grad()
    rtol = 1e-7 if expression.startswith(IN_FLOAT32) else 1e-9
    compare(ours.train(training), theirs.train(training), tuple(arguments), rtol)


def test_an_embedding_of_a_given_table_takes_all_settings():
    table, settings = draw(7, 3), {"padding_idx": 2, "max_norm": 1.0, "norm_type": 1.0, "scale_grad_by_freq": True}
    ours = nn.Embedding.from_pretrained(table, freeze=False, **settings)
    theirs = torch.nn.Embedding.from_pretrained(torch.tensor(table), freeze=False, **settings)
    assert repr(ours) == repr(theirs)
    compare(ours, theirs, (at(7, 4, 5),))


def test_padding_is_never_where_the_largest_element_lies():
    x = np.full((1, 1, 2, 2), -np.inf)
    _, found = mg.functional.max_pool2d(x, 2, 1, 1, return_indices=True)
    _, expected = torch.nn.functional.max_pool2d(torch.tensor(x), 2, 1, 1, return_indices=True)
    assert found.tolist() == expected.tolist()


def test_a_padding_mode_that_is_none_is_refused():
    with pytest.raises(ValueError, match="must be 'zeros' or 'reflect' or 'replicate' or 'circular'; found 'mirror'"):
        nn.Conv2d(1, 1, 3, padding_mode="mirror")
    with pytest.raises(ValueError, match="padding_mode must be 'zeros'; found 'reflect'"):
        nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect")


def test_statistics_follow_several_batches():
    for expression in (
        "BatchNorm2d(3)",
        "BatchNorm2d(3, momentum=None)",
        "InstanceNorm2d(3, track_running_stats=True)",
    ):
        ours, theirs = pair(expression)
        for seed in range(3):
            compare(ours, theirs, (draw(4, 3, 2, 5, seed=seed),))
            ours.zero_grad()
            theirs.zero_grad()
        for name, value in theirs.state_dict().items():
            close(ours.state_dict()[name], value.numpy())


@pytest.mark.parametrize(
    "settings", MASKS, ids=lambda s: "-".join(f"{k}{getattr(v, 'ndim', '')}" for k, v in s.items())
)
@pytest.mark.parametrize("more", ["", ", add_bias_kv=True", ", add_zero_attn=True"])
def test_attention_masks(settings, more):
    ours, theirs = pair(f"MultiheadAttention(6, 2, batch_first=True{more})")
    x = draw(3, 4, 6)
    compare(ours, theirs, (x, draw(3, 4, 6, seed=1), x), **settings)


def test_causal_attention_needs_no_mask_here():
    ours, theirs = pair("MultiheadAttention(6, 2, batch_first=True)")
    x = draw(3, 4, 6)
    expected, _ = theirs(*(torch.tensor(x),) * 3, attn_mask=torch.tensor(BLOCKED), is_causal=True)
    close(ours(*(mg.Tensor(x),) * 3, is_causal=True)[0].data, expected.detach().numpy())


def test_encoder_masks():
    ours, theirs = pair("TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)")
    compare(ours, theirs, (draw(3, 4, 6),), src_mask=BLOCKED, src_key_padding_mask=PADDED)


SDPA = [
    ({}, (2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 7)),
    ({"is_causal": True}, (2, 4, 5), (2, 4, 5), (2, 4, 3)),
    ({"attn_mask": draw(4, 6, seed=5) > -0.5}, (2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 7)),
    ({"attn_mask": draw(2, 1, 4, 6, seed=5), "scale": 0.3}, (2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 7)),
    ({"enable_gqa": True}, (2, 6, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5)),
]


@pytest.mark.parametrize(("settings", "q", "k", "v"), SDPA, ids=lambda x: " ".join(x) if isinstance(x, dict) else None)
def test_scaled_dot_product_attention(settings, q, k, v):
    arrays = [draw(*shape, seed=i) for i, shape in enumerate((q, k, v))]
    x, y = ([kind(a, requires_grad=True) for a in arrays] for kind in (mg.Tensor, torch.tensor))
    more = [{k: kind(v) if k == "attn_mask" else v for k, v in settings.items()} for kind in (mg.Tensor, torch.tensor)]
    result = mg.functional.scaled_dot_product_attention(*x, **more[0])
    expected = torch.nn.functional.scaled_dot_product_attention(*y, **more[1])
    close(result.data, expected.detach().numpy())
    seed = draw(*result.shape, seed=9)
    result.backward(seed)
    expected.backward(torch.tensor(seed))
    for a, b in zip(x, y, strict=True):
        close(a.grad.data, b.grad.numpy())


def test_weights_move_to_pytorch():
    ours = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    ).double()
    theirs.load_state_dict({name: torch.tensor(value) for name, value in ours.state_dict().items()})
    x = draw(5, 1, 4, 4)
    close(ours(mg.Tensor(x)).data, theirs(torch.tensor(x)).detach().numpy())


def test_parameters_come_in_pytorchs_order():
    for expression in (
        "TransformerEncoderLayer(6, 2, 8)", "TransformerDecoderLayer(6, 2, 8)", "Transformer(6, 2, 1, 1, 8)",
        "LSTM(3, 4, 2, bidirectional=True, proj_size=2)",
        "MultiheadAttention(6, 2, kdim=3, add_bias_kv=True)", "BatchNorm1d(3)", "Bilinear(2, 3, 4)",
    ):  # fmt: skip
        ours, theirs = pair(expression)
        assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
        assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_shown_as_in_pytorch(case):
    ours, theirs = pair(case[0])
    assert repr(ours) == repr(theirs).replace("NonDynamicallyQuantizable", "")  # PyTorch's own business


SHARED = [name for name in nn.__all__ if hasattr(torch.nn, name) and hasattr(getattr(nn, name), "forward")]


def test_every_layer_that_pytorch_has_is_compared():
    compared = {re.match(r"\w+", case[0])[0] for case in CASES}
    assert {*SHARED} & LAYERS.keys() - compared == set(), "add it to CASES: an expression, and its inputs"


@pytest.mark.parametrize("name", [name for name in SHARED if getattr(nn, name).forward is not nn.Module.forward])
def test_arguments_of_a_call_have_pytorchs_names(name):
    ours, theirs = (list(inspect.signature(getattr(place, name).forward).parameters) for place in (nn, torch.nn))
    assert ours == theirs[: len(ours)]

"""Every sample that PyTorch tests its own layers with: ours give its results and gradients, or are missing by name."""

from collections.abc import Mapping

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.nn.module import Module

EXTRA = "pip install 'micrograd_np[bench]'"
torch = pytest.importorskip("torch", reason=EXTRA)
pytest.importorskip("expecttest", reason=EXTRA)  # which PyTorch's tests need
module_db = pytest.importorskip("torch.testing._internal.common_modules").module_db
pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's advice on speed, and on what it deprecates

MISSING = {  # layers, and why they are not here
    **dict.fromkeys(
        ("LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d"),
        "a layer here knows its sizes when it is made",
    ),
    "FractionalMaxPool2d": "random windows, which hardly anyone uses",
    "FractionalMaxPool3d": "random windows, which hardly anyone uses",
    "LinearCrossEntropyLoss": "a Linear and a CrossEntropyLoss",
}
CASES = {info.name.removeprefix("nn."): info for info in module_db}
CLOSE = {torch.float64: 1e-10, torch.float32: 3e-5}


def ours_of(x, leaves):
    """PyTorch's tensors within `x` as ours; floating ones are listed in `leaves` with theirs."""
    if torch.is_tensor(x):
        for theirs, ours in leaves:
            if theirs is x:
                return ours  # one tensor, twice
        t = mg.Tensor(x.detach().numpy().copy(), requires_grad=x.requires_grad)
        if x.requires_grad:
            x.retain_grad()  # some are log-probabilities, computed of others
            leaves.append((x, t))
        return t
    if isinstance(x, torch.dtype):
        return str(x).removeprefix("torch.")
    if isinstance(x, torch.nn.Module):
        return module_of(x)
    if isinstance(x, (tuple, list)):
        return type(x)(ours_of(y, leaves) for y in x)
    if isinstance(x, Mapping):
        return {name: ours_of(y, leaves) for name, y in x.items() if name != "device"}
    return getattr(mg.functional, x.__name__) if callable(x) else x


def module_of(theirs):
    """Our counterpart of one of PyTorch's activations, or of a layer of an encoder, with its settings."""
    settings = {}
    if isinstance(theirs, torch.nn.TransformerEncoderLayer):
        sizes = {"d_model": theirs.linear1.in_features, "dim_feedforward": theirs.linear1.out_features}
        settings = {**sizes, "nhead": theirs.self_attn.num_heads, "batch_first": theirs.self_attn.batch_first}
        settings |= {"dropout": theirs.dropout.p, "norm_first": theirs.norm_first}
        settings |= {"bias": theirs.linear1.bias is not None, "activation": theirs.activation.__name__}
    return getattr(nn, type(theirs).__name__)(**settings)


def parts(result):
    if isinstance(result, Mapping):
        result = list(result.values())
    return [y for x in result for y in parts(x)] if isinstance(result, (tuple, list)) else [result]


def compare(kind, sample, dtype, training):
    """Make both layers, with PyTorch's weights, and run them on one sample."""
    made, called = sample.constructor_input, sample.forward_input
    theirs = kind(*made.args, **made.kwargs).train(training).to(dtype)
    leaves = []
    ours = getattr(nn, kind.__name__)(*ours_of(made.args, []), **ours_of(made.kwargs, []))
    ours = ours.to(str(dtype).removeprefix("torch.")).train(training)
    assert isinstance(ours, Module)
    ours.load_state_dict(theirs.state_dict())
    args, kwargs = ours_of(called.args, leaves), ours_of(called.kwargs, leaves)
    results, expected = parts(ours(*args, **kwargs)), parts(theirs(*called.args, **called.kwargs))
    assert len(results) == len(expected)
    tolerance = CLOSE[dtype]
    for a, b in zip(results, expected, strict=True):
        assert (a is None) == (b is None)
        if a is None:
            continue
        assert a.shape == tuple(b.shape)
        close(a.data, b.detach().numpy(), tolerance)
        if b.requires_grad:
            seed = np.asarray(np.random.default_rng(1).uniform(0.5, 1.5, a.shape))
            b.backward(torch.tensor(seed, dtype=b.dtype), retain_graph=True)
            a.backward(seed.astype(a.dtype), retain_graph=True)
    parameters = dict(theirs.named_parameters())
    pairs = [*leaves, *((parameters[name], p) for name, p in ours.named_parameters())]
    for x, t in pairs:
        found, wanted = (np.zeros(t.shape) if g is None else np.asarray(g) for g in (t.grad, x.grad))
        if kind is torch.nn.CTCLoss:  # PyTorch's gradient is only right once it has gone on to logits
            shares = np.exp(t.data)
            found, wanted = (g - shares * g.sum(-1, keepdims=True) for g in (found, wanted))
        found = np.where(np.isnan(wanted), np.nan, found)  # where PyTorch multiplies infinity by 0
        close(found, wanted, tolerance * 10)


def close(a, b, tolerance):
    scale = np.abs(b[np.isfinite(b)]).max(initial=1e-3)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def samples(info, dtype, training):
    torch.manual_seed(0)
    return info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=training)


@pytest.mark.thorough
@pytest.mark.parametrize("dtype", CLOSE, ids=str)
@pytest.mark.parametrize("name", [name for name in CASES if name not in MISSING])
def test_every_sample_of_a_layer_agrees(name, dtype):
    info, compared = CASES[name], 0
    for training in (True, False) if info.train_and_eval_differ else (True,):
        for sample in samples(info, dtype, training):
            compare(info.module_cls, sample, dtype, training)
            compared += 1
    assert compared


def test_few_layers_are_missing_and_each_by_name():
    missing = {name for name, info in CASES.items() if not hasattr(nn, info.module_cls.__name__)}
    assert missing == MISSING.keys()
    assert len(missing) <= 10

"""Every layer, with PyTorch's weights: equal outputs, gradients by input and parameters, and buffers, in both modes."""

import inspect
import re

import numpy as np
import pytest
from trainable import LAYERS

import micrograd_np as mg
from micrograd_np import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's advice on speed


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def at(n, *shape):
    """Integers below n."""
    return np.random.default_rng(1).integers(0, n, shape)


PLAIN = [name for name, (make, *_) in LAYERS.items() if inspect.isclass(make) and hasattr(torch.nn, name)]
DIFFERENT = {  # by default, or they need two inputs or images
    *("AlphaDropout", "FeatureAlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d"),
    *("Flatten", "LogSoftmax", "Softmax", "Softmin"),
    *("CosineSimilarity", "PairwiseDistance", "Softmax2d"),
}
PADS = (("Constant", ", 0.5"), ("Zero", ""), ("Reflection", ""), ("Replication", ""), ("Circular", ""))

# a layer as an expression over either package's nn, and its inputs
CASES = [
    ("Linear(3, 4)", draw(5, 3)),
    ("Linear(3, 4, bias=False)", draw(2, 5, 3)),
    ("Linear(3, 4)", draw(3)),
    ("Bilinear(3, 4, 2)", draw(5, 3), draw(5, 4, seed=1)),
    ("Bilinear(3, 4, 2, bias=False)", draw(2, 5, 3), draw(2, 5, 4, seed=1)),
    ("Flatten()", draw(2, 3, 4, 5)),
    ("Flatten(0, -2)", draw(2, 3, 4, 5)),
    ("Unflatten(1, (2, -1))", draw(3, 6, 2)),
    ("Unfold(2, dilation=2, padding=1, stride=2)", draw(2, 3, 6, 7)),
    ("Fold((4, 5), 2, padding=1)", draw(2, 12, 30)),
    ("Embedding(7, 3)", at(7, 4, 5)),
    ("Embedding(7, 3, padding_idx=2)", at(7, 4, 5)),
    ("Embedding(7, 3, padding_idx=-1, max_norm=1.0)", at(7, 4, 5)),
    ("Embedding(7, 3, padding_idx=2, scale_grad_by_freq=True)", at(7, 4, 5)),
    ("Conv1d(4, 6, 3, padding=2, dilation=2)", draw(2, 4, 9)),
    ("Conv1d(4, 6, 3, stride=2, groups=2, bias=False)", draw(4, 9)),
    ("Conv2d(2, 4, 3, padding='same')", draw(2, 2, 5, 6)),
    ("Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), groups=2)", draw(2, 2, 5, 6)),
    ("Conv1d(4, 6, 3, padding=2, padding_mode='circular')", draw(2, 4, 9)),
    ("Conv1d(4, 6, 4, padding='same', dilation=2, padding_mode='reflect')", draw(4, 9)),
    ("Conv2d(2, 4, 3, padding=(1, 3), padding_mode='replicate')", draw(2, 2, 5, 6)),
    ("Conv2d(2, 4, 3, padding='valid', padding_mode='reflect')", draw(2, 2, 5, 6)),
    ("Conv2d(2, 4, (2, 3), padding='same', padding_mode='reflect', bias=False)", draw(2, 2, 5, 6)),
    ("ConvTranspose1d(4, 6, 3, stride=2, output_padding=1)", draw(2, 4, 5)),
    ("ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2)", draw(2, 4, 3, 4)),
    ("ConvTranspose2d(4, 2, (2, 3), dilation=2, bias=False)", draw(2, 4, 3, 4)),
    ("Conv3d(2, 4, (3, 2, 1), stride=(2, 1, 1), padding=(1, 0, 2), groups=2)", draw(2, 2, 5, 6, 3)),
    ("Conv3d(2, 4, 2, padding='same', padding_mode='replicate', bias=False)", draw(2, 3, 4, 5)),
    ("ConvTranspose3d(4, 2, 2, stride=2, padding=1, output_padding=1, groups=2)", draw(2, 4, 3, 4, 2)),
    ("MaxPool1d(2)", draw(2, 3, 7)),
    ("MaxPool2d(3, stride=2, padding=1)", draw(2, 3, 6, 7)),
    ("MaxPool2d(2, ceil_mode=True)", draw(2, 3, 5, 7)),
    ("MaxPool1d(3, stride=2, padding=1, dilation=2, return_indices=True)", draw(3, 8)),
    ("MaxPool2d((3, 2), stride=(2, 1), padding=1, ceil_mode=True, return_indices=True)", draw(2, 3, 6, 7)),
    ("MaxPool2d(2, ceil_mode=True, return_indices=True)", draw(2, 3, 5, 8)),
    ("AvgPool1d(3, stride=2, padding=1)", draw(2, 3, 7)),
    ("AvgPool2d(3, stride=2, padding=1, count_include_pad=False)", draw(2, 3, 6, 7)),
    ("MaxPool3d((1, 3, 2), stride=2, padding=(0, 1, 1), ceil_mode=True, return_indices=True)", draw(2, 3, 4, 6, 7)),
    ("AvgPool3d(2, stride=(2, 1, 2), padding=1, count_include_pad=False)", draw(3, 5, 6, 4)),
    ("AvgPool3d(2, divisor_override=3)", draw(2, 3, 5, 6, 4)),
    ("AdaptiveAvgPool3d((2, None, 3))", draw(2, 3, 5, 4, 4)),
    ("AdaptiveAvgPool1d(3)", draw(2, 3, 7)),
    ("AdaptiveAvgPool2d((2, None))", draw(2, 3, 5, 4)),
    ("Upsample(scale_factor=2)", draw(2, 3, 4, 5)),
    ("Upsample(size=(6, 7))", draw(2, 3, 4, 5)),
    ("Upsample(scale_factor=2, mode='bilinear')", draw(2, 3, 4, 5)),
    ("Upsample(size=(7, 3), mode='bilinear', align_corners=True)", draw(2, 3, 4, 5)),
    ("Upsample(scale_factor=1.6, mode='linear')", draw(2, 3, 5)),
    ("BatchNorm1d(4)", draw(5, 4)),
    ("BatchNorm1d(4, momentum=None)", draw(5, 4, 3)),
    ("BatchNorm1d(4, affine=False, eps=1e-3, momentum=0.3)", draw(5, 4)),
    ("BatchNorm2d(3)", draw(4, 3, 2, 5)),
    ("BatchNorm2d(3, track_running_stats=False)", draw(4, 3, 2, 5)),
    ("BatchNorm3d(3)", draw(4, 3, 2, 5, 2)),
    ("LayerNorm(5)", draw(2, 3, 5)),
    ("LayerNorm((3, 5), eps=1e-3, bias=False)", draw(2, 3, 5)),
    ("LayerNorm(5, elementwise_affine=False)", draw(2, 3, 5)),
    ("RMSNorm(5)", draw(2, 3, 5)),
    ("RMSNorm((3, 5), eps=1e-3, elementwise_affine=False)", draw(2, 3, 5)),
    ("GroupNorm(2, 6)", draw(2, 6, 3, 4)),
    ("GroupNorm(3, 6, affine=False)", draw(2, 6)),
    ("InstanceNorm1d(3)", draw(2, 3, 5)),
    ("InstanceNorm1d(3, affine=True, track_running_stats=True)", draw(2, 3, 5)),
    ("InstanceNorm2d(3, affine=True, track_running_stats=True)", draw(2, 3, 4, 5)),
    ("InstanceNorm3d(3, affine=True, track_running_stats=True)", draw(2, 3, 4, 5, 2)),
    ("InstanceNorm2d(3)", draw(3, 4, 5)),
    ("Dropout(0.0)", draw(3, 4)),
    ("Dropout1d(0.0)", draw(2, 3, 4)),
    ("AlphaDropout(0.0)", draw(2, 3, 4)),
    ("FeatureAlphaDropout(0.0)", draw(2, 3, 4)),
    ("Dropout2d(0.0)", draw(2, 3, 4, 5)),
    ("Dropout3d(0.0)", draw(2, 3, 4, 5, 2)),
    ("RNN(3, 4)", draw(5, 2, 3)),
    ("RNN(3, 4, 2, nonlinearity='relu', bidirectional=True)", draw(5, 2, 3)),
    ("RNN(3, 4, bias=False)", draw(5, 3), draw(1, 4, seed=1)),
    ("LSTM(3, 4)", draw(5, 2, 3)),
    ("LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)", draw(2, 5, 3)),
    ("LSTM(3, 4, bias=False)", draw(5, 2, 3), (draw(1, 2, 4, seed=1), draw(1, 2, 4, seed=2))),
    ("LSTM(3, 4, 2)", draw(5, 3), (draw(2, 4, seed=1), draw(2, 4, seed=2))),
    ("LSTM(3, 4, 2, proj_size=2, bidirectional=True)", draw(5, 2, 3)),
    ("GRU(3, 4)", draw(5, 2, 3)),
    ("GRU(3, 4, num_layers=2, bidirectional=True)", draw(5, 2, 3), draw(4, 2, 4, seed=1)),
    ("GRU(3, 4, bias=False, batch_first=True)", draw(2, 5, 3)),
    ("RNNCell(3, 4)", draw(2, 3), draw(2, 4, seed=1)),
    ("RNNCell(3, 4, nonlinearity='relu')", draw(3)),
    ("LSTMCell(3, 4)", draw(2, 3), (draw(2, 4, seed=1), draw(2, 4, seed=2))),
    ("LSTMCell(3, 4, bias=False)", draw(2, 3)),
    ("GRUCell(3, 4)", draw(2, 3), draw(2, 4, seed=1)),
    ("MultiheadAttention(6, 2)", draw(4, 3, 6), *draw(2, 5, 3, 6, seed=1)),
    ("MultiheadAttention(6, 3, batch_first=True, bias=False)", draw(3, 4, 6), *draw(2, 3, 5, 6, seed=1)),
    ("MultiheadAttention(6, 2, kdim=4, vdim=5)", draw(4, 3, 6), draw(5, 3, 4, seed=1), draw(5, 3, 5, seed=2)),
    ("MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True)", draw(4, 3, 6), *draw(2, 5, 3, 6, seed=1)),
    ("MultiheadAttention(6, 2)", draw(4, 6), draw(5, 6, seed=1), draw(5, 6, seed=2)),
    ("TransformerEncoderLayer(6, 2, 8, dropout=0.0)", draw(4, 3, 6)),
    ("TransformerEncoderLayer(6, 2, 8, 0.0, activation='gelu', batch_first=True, norm_first=True)", draw(3, 4, 6)),
    ("TransformerEncoderLayer(6, 2, 8, dropout=0.0, bias=False)", draw(4, 6)),
    (
        "TransformerEncoder(nn.TransformerEncoderLayer(6, 3, 8, dropout=0.0, batch_first=True), 2, nn.LayerNorm(6))",
        draw(3, 4, 6),
    ),
    ("EmbeddingBag(7, 3)", at(7, 4, 5)),
    ("EmbeddingBag(7, 3, mode='sum', padding_idx=-2)", at(7, 9), np.array([0, 0, 4, 9])),
    ("EmbeddingBag(7, 3, mode='max', include_last_offset=True)", at(7, 9), np.array([0, 3, 3, 9])),
    ("EmbeddingBag(7, 3, max_norm=1.0, norm_type=1.0)", at(7, 4, 5)),
    ("AdaptiveMaxPool1d(3)", draw(2, 3, 7)),
    ("AdaptiveMaxPool2d((2, None), return_indices=True)", draw(2, 3, 5, 4)),
    ("AdaptiveMaxPool3d((2, None, 3))", draw(3, 5, 4, 4)),
    ("LPPool1d(2, 3, stride=2)", draw(2, 3, 7)),
    ("LPPool2d(2, (2, 3))", draw(2, 3, 6, 7)),
    ("LPPool3d(4, 2, ceil_mode=True)", draw(2, 3, 5, 6, 4)),
    ("LocalResponseNorm(3)", draw(2, 5, 4)),
    ("LocalResponseNorm(2, alpha=1.0, beta=0.5, k=2.0)", draw(2, 5, 4, 3)),
    ("PixelShuffle(2)", draw(2, 8, 3, 2)),
    ("PixelUnshuffle(2)", draw(2, 3, 4, 6)),
    ("ChannelShuffle(3)", draw(2, 6, 4, 3)),
    ("CosineSimilarity(dim=-1)", draw(2, 3, 4), draw(2, 3, 4, seed=1)),
    ("PairwiseDistance(p=3.0, keepdim=True)", draw(3, 4), draw(3, 4, seed=1)),
    *((f"{kind}Pad1d((2, 1){value})", draw(2, 3, 5)) for kind, value in PADS),
    *((f"{kind}Pad2d(2{value})", draw(2, 3, 4, 5)) for kind, value in PADS),
    *((f"{kind}Pad3d((1, 0, 2, 1, 0, 1){value})", draw(2, 3, 4, 5, 4)) for kind, value in PADS),
    ("ConstantPad2d((-1, 1, 2, -2), 1.5)", draw(3, 4)),
    ("Upsample(size=(7, 3), mode='bicubic', align_corners=True)", draw(2, 3, 4, 5)),
    ("Upsample(scale_factor=2, mode='trilinear')", draw(2, 3, 4, 2, 5)),
    ("Upsample(scale_factor=1.7, mode='nearest-exact')", draw(2, 3, 4, 5)),
    ("Upsample(size=3, mode='area')", draw(2, 3, 4, 5)),
    ("TransformerDecoderLayer(6, 2, 8, dropout=0.0)", draw(4, 3, 6), draw(5, 3, 6, seed=1)),
    (
        "TransformerDecoderLayer(6, 2, 8, 0.0, activation='gelu', batch_first=True, norm_first=True, bias=False)",
        draw(3, 4, 6),
        draw(3, 5, 6, seed=1),
    ),
    (
        "TransformerDecoder(nn.TransformerDecoderLayer(6, 3, 8, dropout=0.0), 2, nn.LayerNorm(6))",
        draw(4, 3, 6),
        draw(5, 3, 6, seed=1),
    ),
    ("Transformer(6, 2, 1, 2, 8, dropout=0.0, batch_first=True)", draw(3, 4, 6), draw(3, 5, 6, seed=1)),
    ("Transformer(6, 2, 1, 1, 8, dropout=0.0, norm_first=True)", draw(4, 6), draw(5, 6, seed=1)),
    ("Threshold(0.2, -1.5)", draw(3, 4)),
    ("Hardshrink(0.3)", draw(3, 4)),
    ("Softshrink(0.3)", draw(3, 4)),
    ("Softmin(dim=1)", draw(3, 4, 2)),
    ("Softmax2d()", draw(3, 4, 2)),
    *((f"{name}()", draw(3, 4)) for name in PLAIN if name not in DIFFERENT),
    ("LeakyReLU(0.3)", draw(3, 4)),
    ("PReLU(4, init=0.1)", draw(3, 4, 2)),
    ("ELU(0.7)", draw(3, 4)),
    ("CELU(0.7)", draw(3, 4)),
    ("GELU('tanh')", draw(3, 4)),
    ("Softplus(beta=2, threshold=1e9)", draw(3, 4)),
    ("Hardtanh(-0.5, 0.3)", draw(3, 4)),
    ("Softmax(dim=1)", draw(3, 4, 2)),
    ("LogSoftmax(dim=0)", draw(3, 4)),
    ("GLU(dim=0)", draw(4, 3)),
]  # fmt: skip


def leaves(tree):
    return [x for part in tree for x in leaves(part)] if isinstance(tree, tuple) else [tree]


def made(tree, wrap):
    return tuple(made(part, wrap) for part in tree) if isinstance(tree, tuple) else wrap(tree)


def ours_of(array):
    return mg.Tensor(array.copy(), requires_grad=array.dtype.kind == "f")


def theirs_of(array):
    return torch.tensor(array, requires_grad=array.dtype.kind == "f")


IN_FLOAT32 = ("Hardsigmoid", "CELU(0.7)")  # PyTorch keeps 1/6 and alpha in float32 here, whatever the dtype


def close(a, b, rtol=1e-9):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-11)


def compare(ours, theirs, arguments, rtol=1e-9, **settings):
    """One forward and backward pass of both; returns nothing, asserts everything."""
    x, y = made(arguments, ours_of), made(arguments, theirs_of)
    results, expected = (
        leaves(ours(*x, **made_settings(settings, mg.Tensor))),
        leaves(theirs(*y, **made_settings(settings, torch.tensor))),
    )
    total, total_expected = 0.0, 0.0
    assert len(results) == len(expected)
    for i, (a, b) in enumerate(zip(results, expected, strict=True)):
        assert (a is None) == (b is None)
        if a is None:
            continue
        assert a.shape == tuple(b.shape)
        close(a.data, b.detach().numpy(), rtol)
        seed = draw(*a.shape, seed=10 + i)
        total, total_expected = total + (a * seed).sum(), total_expected + (b * torch.tensor(seed)).sum()
    if total.requires_grad:
        total.backward()
        total_expected.backward()
    for a, b in zip(leaves(x), leaves(y), strict=True):
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            close(a.grad.data, b.grad.numpy(), rtol)
    parameters = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        assert (p.grad is None) == (parameters[name].grad is None), name
        if p.grad is not None:
            close(p.grad.data, parameters[name].grad.numpy())


def made_settings(settings, wrap):
    return {k: wrap(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}


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
    here, there = ours.state_dict(), theirs.state_dict()
    assert list(here) == list(there)
    for name, value in here.items():
        assert value.shape == tuple(there[name].shape)
        assert (value.dtype.kind == "f") == there[name].is_floating_point()
        close(value, there[name].numpy())


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


BLOCKED = np.triu(np.ones((4, 4), bool), 1)
PADDED = np.array([[False, False, False, True], [False, False, False, False], [False, False, True, True]])
MASKS = [
    {"attn_mask": BLOCKED},
    {"attn_mask": np.where(BLOCKED, -np.inf, 0.25)},
    {"key_padding_mask": PADDED},
    {"attn_mask": BLOCKED, "key_padding_mask": PADDED},
    {"attn_mask": np.repeat(np.where(BLOCKED, -1.0, 0.5)[None], 6, 0) * draw(6, 1, 1)},
    {"need_weights": False, "attn_mask": BLOCKED},
    {"average_attn_weights": False},
]


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
    x, y = [ours_of(a) for a in arrays], [theirs_of(a) for a in arrays]
    result = mg.functional.scaled_dot_product_attention(*x, **made_settings(settings, mg.Tensor))
    expected = torch.nn.functional.scaled_dot_product_attention(*y, **made_settings(settings, torch.tensor))
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

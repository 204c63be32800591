"""Layers as expressions over either package's `nn`, what goes in, and what comes out and back of a pass, as arrays.

`recorded` are sketches of such passes: PyTorch's are in a file, so that they judge where it is not installed.
"""

import inspect

import numpy as np
from trainable import LAYERS


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def at(n, *shape):
    """Integers below n."""
    return np.random.default_rng(1).integers(0, n, shape)


PLAIN = [name for name, (make, *_) in LAYERS.items() if inspect.isclass(make)]
DIFFERENT = {  # by default, or they need two inputs or images
    *("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "Flatten", "LogSoftmax", "Softmax", "Softmin"),
    *("CosineSimilarity", "PairwiseDistance", "Softmax2d", "AlphaDropout", "FeatureAlphaDropout", "RReLU"),
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
    ("Dropout2d(0.0)", draw(2, 3, 4, 5)),
    ("Dropout3d(0.0)", draw(2, 3, 4, 5, 2)),
    ("AlphaDropout(0.0)", draw(3, 4)),
    ("FeatureAlphaDropout(0.0)", draw(2, 3, 4)),
    ("RReLU(0.25, 0.25)", draw(3, 4)),
    ("MaxUnpool1d(2, stride=3)", draw(2, 3, 4), np.array([[[0, 4, 6, 9]] * 3] * 2)),
    ("MaxUnpool2d((2, 1), padding=(1, 0))", draw(3, 2, 2), np.array([[[0, 1], [3, 2]]] * 3)),
    ("MaxUnpool3d(1)", draw(2, 1, 2, 1, 2), np.array([[[[[3, 1]], [[2, 0]]]]] * 2)),
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


IN_FLOAT32 = ("Hardsigmoid", "CELU(0.7)")  # PyTorch keeps 1/6 and alpha in float32 here, whatever the dtype


def leaves(tree):
    return [x for part in tree for x in leaves(part)] if isinstance(tree, tuple) else [tree]


def made(tree, wrap):
    return tuple(made(part, wrap) for part in tree) if isinstance(tree, tuple) else wrap(tree)


def passed(model, arguments, tensor, settings):
    """Results of a pass, the gradients of the sum of them times random numbers, and the state: arrays by name, or None.

    ``tensor(array, requires_grad=...)`` makes a tensor of the package of `model`.
    """
    xs = made(arguments, lambda array: tensor(array.copy(), requires_grad=array.dtype.kind == "f"))
    named = {name: tensor(x) if isinstance(x, np.ndarray) else x for name, x in settings.items()}
    results, total = leaves(model(*xs, **named)), 0.0
    for i, z in enumerate(results):
        if z is not None:
            total = total + (z * tensor(draw(*z.shape, seed=10 + i))).sum()
        yield f"result {i}", z if z is None else z.detach().numpy()
    if total.requires_grad:
        total.backward()
    gradients = [(f"input {i}", x) for i, x in enumerate(leaves(xs))] + list(model.named_parameters())
    for name, x in gradients:
        yield f"gradient of {name}", None if x.grad is None else x.grad.detach().numpy()
    for name, x in model.state_dict().items():
        yield name, np.asarray(x)


def weighed(model):
    """The model, with weights that are the same in every run."""
    rng = np.random.default_rng(3)
    for _, p in model.named_parameters():
        p.data[...] = rng.normal(scale=0.5, size=p.shape)
    return model


def sketched(arrays):
    """A few numbers for each array: its lengths, its product with random numbers, and the sum of absolute values."""
    numbers = []
    for _, a in arrays:
        products = () if a is None else ((a * draw(*a.shape, seed=20)).sum(), np.abs(a).sum())
        numbers += [np.nan] if a is None else [*a.shape, *products]
    return np.array(numbers, float)


RECORDED = [
    *((expression, tuple(arguments), {}) for expression, *arguments in CASES),
    *(
        (f"MultiheadAttention(6, 2, batch_first=True{more})", (draw(3, 4, 6), draw(3, 4, 6, seed=1), draw(3, 4, 6)), m)
        for m in MASKS
        for more in ("", ", add_bias_kv=True", ", add_zero_attn=True")
    ),
    (
        "TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)", (draw(3, 4, 6),),
        {"src_mask": BLOCKED, "src_key_padding_mask": PADDED},
    ),
]  # fmt: skip
"""Layers, inputs and settings of a call."""


def title(expression, arguments, settings):
    """The name of a case: no two have one."""
    arrays = [*leaves(arguments), *settings.values()]
    shapes = (f"{x.dtype}{list(x.shape)}" if isinstance(x, np.ndarray) else str(x) for x in arrays)
    return f"{expression} of {', '.join(shapes)}{', '.join(settings)}"


def recorded(model, arguments, settings, tensor):
    """Sketches of a pass in training, and of layers that normalise also of a second one, and of one in evaluation."""
    modes = (True, True, False) if "Norm" in type(model).__name__ else (True,)
    sketches = []
    for training in modes:
        model.zero_grad()
        sketches.append(sketched(passed(model.train(training), arguments, tensor, settings)))
    return np.concatenate(sketches)

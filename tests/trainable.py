"""Every layer, loss and optimiser there is, with what to feed it: for tests that train them all.

A new one is here by itself: a layer that can be made without arguments gets vectors, a loss numbers to predict, an
optimiser has its defaults. The tables say what else there is to try, and what the others need.
"""

import inspect

import numpy as np

import micrograd_np as mg
from micrograd_np import nn, optim

BATCH = 6


def numbers(*shape, low=-1.5, high=1.5):
    return lambda rng: rng.uniform(low, high, (BATCH, *shape))


def labels(n, *shape):
    return lambda rng: rng.integers(0, n, (BATCH, *shape))


def signs(*shape):
    return lambda rng: rng.integers(0, 2, (BATCH, *shape)) * 2.0 - 1


def first(module):
    """The module, giving only the first of its results."""

    class First(nn.Module):
        def __init__(self):
            self.inner = module

        def forward(self, *xs):
            return self.inner(*xs)[0]

    return First()


vector, signal, image, volume = numbers(4), numbers(4, 8), numbers(4, 8, 8), numbers(4, 4, 5, 4)
VALUE = {"Constant": (0.5,)}
HOLDERS = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"}
MODULES = {name: x for name, x in vars(nn).items() if inspect.isclass(x) and issubclass(x, nn.Module)}


def needs_nothing(kind):
    """Whether it can be made without arguments."""
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in optional for p in inspect.signature(kind).parameters.values())


LAYERS = {  # how to make it, and what goes in
    **{
        name: (kind, vector)
        for name, kind in MODULES.items()
        if name not in HOLDERS and not name.endswith("Loss") and needs_nothing(kind)
    },
    "Linear": (lambda: nn.Linear(4, 3), vector),
    "Bilinear": (lambda: nn.Bilinear(4, 3, 2), vector, numbers(3)),
    "Embedding": (lambda: nn.Embedding(7, 4, padding_idx=1), labels(7, 3)),
    "Flatten": (nn.Flatten, image),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 2)), vector),
    "Dropout1d": (nn.Dropout1d, signal),
    "Dropout2d": (nn.Dropout2d, image),
    "Dropout3d": (nn.Dropout3d, volume),
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, padding=1, groups=2), signal),
    "Conv2d": (lambda: nn.Conv2d(4, 6, 3, padding=1, stride=2), image),
    "Conv3d": (lambda: nn.Conv3d(4, 6, 3, padding=1, stride=2), volume),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 3, 3, stride=2), signal),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 3, 3, stride=2, output_padding=1), image),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(4, 3, 2, stride=2, output_padding=1), volume),
    "MaxPool1d": (lambda: nn.MaxPool1d(2), signal),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, stride=2, padding=1), image),
    "MaxPool3d": (lambda: nn.MaxPool3d(3, stride=2, padding=1), volume),
    "MaxUnpool1d": (lambda: nn.MaxUnpool1d(2), numbers(4, 1), labels(2, 4, 1)),
    "MaxUnpool2d": (lambda: nn.MaxUnpool2d(2), numbers(4, 1, 1), labels(4, 4, 1, 1)),
    "MaxUnpool3d": (lambda: nn.MaxUnpool3d(2), numbers(4, 1, 1, 1), labels(8, 4, 1, 1, 1)),
    "AvgPool1d": (lambda: nn.AvgPool1d(2), signal),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, stride=2, padding=1), image),
    "AvgPool3d": (lambda: nn.AvgPool3d(3, stride=2, padding=1), volume),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), signal),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((3, 5)), image),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d((3, 2, 1)), volume),
    "Unfold": (lambda: nn.Unfold(3), image),
    "Fold": (lambda: nn.Fold((4, 4), 2, stride=2), numbers(8, 4)),
    "Upsample": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), image),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), vector),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4), image),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(4), volume),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4, affine=True, track_running_stats=True), signal),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4, affine=True), image),
    "InstanceNorm3d": (lambda: nn.InstanceNorm3d(4, affine=True), volume),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), image),
    "LayerNorm": (lambda: nn.LayerNorm(4), vector),
    "RMSNorm": (lambda: nn.RMSNorm(4), vector),
    "RNN": (lambda: first(nn.RNN(4, 5, batch_first=True)), numbers(3, 4)),
    "GRU": (lambda: first(nn.GRU(4, 5, bidirectional=True)), numbers(3, 4)),
    "LSTM": (lambda: first(nn.LSTM(4, 5, num_layers=2, dropout=0.3, batch_first=True)), numbers(3, 4)),
    "RNNCell": (lambda: nn.RNNCell(4, 5), vector),
    "GRUCell": (lambda: nn.GRUCell(4, 5), vector),
    "LSTMCell": (lambda: first(nn.LSTMCell(4, 5)), vector),
    "MultiheadAttention": (lambda: first(nn.MultiheadAttention(4, 2, dropout=0.2)), *[numbers(3, 4)] * 3),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), numbers(3, 4)),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(7, 4, padding_idx=1), labels(7, 3)),
    "Threshold": (lambda: nn.Threshold(0.2, -0.3), vector),
    "Softmax2d": (nn.Softmax2d, image),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), image),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), image),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), image),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(3), signal),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((3, 5)), image),
    "AdaptiveMaxPool3d": (lambda: nn.AdaptiveMaxPool3d((3, 2, 1)), volume),
    "LPPool1d": (lambda: nn.LPPool1d(2, 3), signal),
    "LPPool2d": (lambda: nn.LPPool2d(2, 3, stride=2), image),
    "LPPool3d": (lambda: nn.LPPool3d(2, 2), volume),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(3, alpha=0.1), image),
    "CosineSimilarity": (nn.CosineSimilarity, vector, vector),
    "PairwiseDistance": (nn.PairwiseDistance, vector, vector),
    **{
        f"{kind}Pad{d}d": (lambda kind=kind, d=d: getattr(nn, f"{kind}Pad{d}d")((1, 2) * d, *VALUE.get(kind, ())), x)
        for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular")
        for d, x in ((1, signal), (2, image), (3, volume))
    },
    "TransformerDecoderLayer": (lambda: nn.TransformerDecoderLayer(4, 2, 8), numbers(3, 4), numbers(3, 4)),
    "TransformerDecoder": (
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8, batch_first=True, norm_first=True), 2),
        numbers(3, 4),
        numbers(2, 4),
    ),
    "Transformer": (lambda: nn.Transformer(4, 2, 1, 1, 8, batch_first=True), numbers(3, 4), numbers(2, 4)),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, norm_first=True), 2),
        numbers(3, 4),
    ),
}
LOSSES = {  # how to make it, what the net's outputs are put through, and the targets
    **{name: (kind, None, numbers(3)) for name, kind in MODULES.items() if name.endswith("Loss")},
    "SoftMarginLoss": (nn.SoftMarginLoss, None, signs(3)),
    "HingeEmbeddingLoss": (nn.HingeEmbeddingLoss, None, signs(3)),
    "PoissonNLLLoss": (nn.PoissonNLLLoss, None, numbers(3, low=0)),
    "GaussianNLLLoss": (nn.GaussianNLLLoss, None, numbers(3), numbers(3, low=0.1)),
    "KLDivLoss": (lambda: nn.KLDivLoss(reduction="batchmean"), nn.LogSoftmax(1), numbers(3, low=0.1)),
    "BCELoss": (nn.BCELoss, nn.Sigmoid(), numbers(3, low=0.0, high=1.0)),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss, None, numbers(3, low=0.0, high=1.0)),
    "CrossEntropyLoss": (lambda: nn.CrossEntropyLoss(label_smoothing=0.1), None, labels(3)),
    "NLLLoss": (lambda: nn.NLLLoss(ignore_index=1), nn.LogSoftmax(1), labels(3)),
    "MultiMarginLoss": (nn.MultiMarginLoss, None, labels(3)),
    "MultiLabelMarginLoss": (nn.MultiLabelMarginLoss, None, labels(3, 3)),
    "MultiLabelSoftMarginLoss": (nn.MultiLabelSoftMarginLoss, None, numbers(3, low=0.0, high=1.0)),
    "TripletMarginWithDistanceLoss": (nn.TripletMarginWithDistanceLoss, None, numbers(3), numbers(3)),
    "CTCLoss": (
        lambda: nn.CTCLoss(zero_infinity=True),
        lambda z: nn.functional.log_softmax(z, -1).reshape((BATCH, 1, 3)).expand(-1, 2, -1),
        lambda rng: rng.integers(1, 3, (2, 2)),
        lambda rng: np.array([BATCH, BATCH - 1]),
        lambda rng: rng.integers(0, 3, 2),
    ),
    "CosineEmbeddingLoss": (nn.CosineEmbeddingLoss, None, numbers(3), signs()),
    "MarginRankingLoss": (nn.MarginRankingLoss, None, numbers(3), signs(3)),
    "TripletMarginLoss": (nn.TripletMarginLoss, None, numbers(3), numbers(3)),
}
OPTIMIZERS = {  # settings to try
    **{name: [{}] for name, x in vars(optim).items() if inspect.isclass(x) and issubclass(x, optim.Optimizer)},
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    ],
    "Adam": [{}, {"amsgrad": True, "weight_decay": 0.1}, {"maximize": True}],
    "Adadelta": [{}, {"weight_decay": 0.1}],
    "Adagrad": [{}, {"lr_decay": 0.1, "initial_accumulator_value": 0.1}],
    "NAdam": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{}, {"weight_decay": 0.1}],
    "RMSprop": [{}, {"centered": True, "momentum": 0.9}],
    "Muon": [{}, {"nesterov": False}],
    "ASGD": [{}, {"lambd": 0.1, "t0": 2, "weight_decay": 0.1}],
    "Adafactor": [{}, {"lr": 0.5, "weight_decay": 0.1, "eps": (1e-3, 1e-2)}],
}
MATRICES_ONLY = {"Muon"}
del OPTIMIZERS["Optimizer"], OPTIMIZERS["LBFGS"]  # which refuses to be compiled: its course depends on values


def trained(parts, draws, wrap, steps=6):
    """What training leaves behind, step by step; ``parts()`` gives model, optimiser and the loss of a batch."""
    mg.random.manual_seed(1)
    dtype = mg.get_default_dtype()
    model, optimizer, loss_of = parts()

    def step(*batch):
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss

    run = wrap(step)
    rng = np.random.default_rng(2)
    rows = []
    for _ in range(steps):
        batch = [draw(rng) for draw in draws]
        loss = run(*[x.astype(dtype) if x.dtype.kind == "f" else x for x in batch])
        assert np.isfinite(loss.item())
        rows.append([loss.data.copy()])
        for p in model.parameters():
            rows[-1] += [p.data.copy(), p.grad.data.copy()] if p.grad is not None else [p.data.copy()]
            rows[-1] += [x.copy() for x in optimizer.state.get(p, {}).values() if isinstance(x, np.ndarray)]
        rows[-1] += [b.data.copy() for b in model.buffers()]
    return rows, run

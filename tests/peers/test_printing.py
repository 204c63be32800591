"""What prints here is, character by character, what PyTorch prints."""

import numpy as np
import pytest
from layer_cases import CASES

from micrograd_np import torch as ours

torch = pytest.importorskip("torch", reason="pip install 'micrograd_np[bench]'")

SHAPES = [(), (0,), (1,), (9,), (23,), (1001,), (2, 0, 3), (3, 4), (40, 30), (2, 3, 4), (7, 8, 20), (2, 2, 2, 2)]
KINDS = ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"]


def numbers(shape, scale, kind, rng):
    x = np.asarray(rng.normal(size=shape) * scale)
    x = np.asarray(np.round(x)) if rng.integers(2) else x
    if kind.startswith("float") and x.size and rng.integers(2):
        x.flat[rng.integers(x.size)] = rng.choice([np.nan, np.inf, -np.inf, 0.0])
    with np.errstate(all="ignore"):
        return np.asarray(np.clip(x, 0 if kind == "uint8" else -60000, 60000)).astype(kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tensors_print_the_same(shape, kind):
    rng = np.random.default_rng(len(shape) + sum(shape))
    for scale in (1e-6, 1e-3, 0.3, 1.0, 40.0, 5e3, 1e6):
        x = numbers(shape, scale, kind, rng)
        assert repr(ours.from_numpy(x)) == repr(torch.from_numpy(x))
        if x.dtype.kind == "f":
            assert repr(ours.from_numpy(x).requires_grad_()) == repr(torch.from_numpy(x).requires_grad_())
            assert f"{ours.from_numpy(x)}" == f"{torch.from_numpy(x)}"


OTHERS = [
    "Conv2d(2,4,3,padding=1,bias=False,groups=2,dilation=2,padding_mode='circular')",
    "ReLU(inplace=True)",
    "LeakyReLU(0.2,inplace=True)",
    "Dropout(0.3,inplace=True)",
    "ELU(inplace=True)",
    "Hardtanh(inplace=True)",
    "SiLU(inplace=True)",
    "Threshold(.1,2,inplace=True)",
    "ReLU6(inplace=True)",
    "ConstantPad2d(1,2.)",
    "ZeroPad2d(1)",
    "ReflectionPad1d(2)",
    "Embedding(3,2,padding_idx=0,max_norm=1.)",
    "LSTM(2,3,num_layers=2,batch_first=True,proj_size=2)",
    "Softplus(2)",
    "RNN(2,3,nonlinearity='relu',bias=False)",
    "GRUCell(2,3,bias=False)",
    "BatchNorm1d(3,affine=False)",
    "RMSNorm(3)",
    "Sequential(nn.Linear(1,1),nn.Linear(1,1),nn.ReLU(True))",
    "ModuleList([nn.Linear(1,1)]*3)",
    "Upsample(size=4)",
]
LAYERS = [case[0] for case in CASES if "Transformer" not in case[0] and "Multihead" not in case[0]] + OTHERS


@pytest.mark.parametrize("text", LAYERS)
def test_layers_print_the_same(text):
    mine, theirs = (repr(eval(text, {**vars(nn), "nn": nn})) for nn in (ours.nn, torch.nn))
    assert mine == theirs

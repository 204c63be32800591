"""Every layer, loss and network of an example goes to ONNX and comes back: the same numbers, gradients and Python."""

import numpy as np
import pytest
from networks import NETWORKS, arrays, network
from together import together
from trainable import LAYERS, LOSSES

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.core.trees import instances
from micrograd_np.onnx import OnnxError, export, load

pytestmark = pytest.mark.onnx
NEITHER = {  # whose alignments no ONNX operator computes, and which writes in an order that ONNX does not know
    "CTCLoss": "loss", "MaxUnpool1d": "layer", "MaxUnpool2d": "layer", "MaxUnpool3d": "layer",
}  # fmt: skip


class Judged(nn.Module):
    """A loss of scores, which it puts through what it needs first, and targets."""

    def __init__(self, loss, through):
        self.loss, self.through = loss, through

    def forward(self, *xs):
        return self.loss(*([self.through(xs[0]), *xs[1:]] if self.through else xs))


def subject(kind, name):
    """A module in float32, in evaluation mode, and arrays to feed it."""
    rng = np.random.default_rng(0)
    if kind == "network":
        model, inputs, axes = network(name)
        return model, [*arrays(inputs, axes, 0, rng)]
    if kind == "layer":
        make, *draws = LAYERS[name]
        model, values = make(), [draw(rng) for draw in draws]
    else:
        make, through, *draws = LOSSES[name]
        model, values = Judged(make(), through), [rng.normal(size=(6, 3)), *(draw(rng) for draw in draws)]
    return model.float().eval(), [x.astype(np.float32) if x.dtype.kind == "f" else x for x in values]


def differentiated(model, values):
    """What the model gives for these inputs, and the gradients of all that is floating, by name."""
    inputs = [mg.Tensor(x, requires_grad=x.dtype.kind == "f") for x in values]
    model.zero_grad()
    results = [*instances(model(*inputs), mg.Tensor)]
    floating = [t for t in results if t.dtype.kind == "f" and t.requires_grad]
    if floating:  # the weights differ from place to place, as symmetric sums may have a gradient of 0
        sum((t * np.cos(np.arange(t.size)).reshape(t.shape).astype(t.dtype)).sum() for t in floating).backward()
    leaves = {f"input {i}": x for i, x in enumerate(inputs)} | dict(model.named_parameters())
    return [t.data for t in results], {name: t.grad.data for name, t in leaves.items() if t.grad is not None}


ALL = [("layer", x) for x in LAYERS] + [("loss", x) for x in LOSSES] + [("network", x) for x in NETWORKS]


@together
@pytest.mark.parametrize(("kind", "name"), [x for x in ALL if x[1] not in NEITHER])
def test_what_goes_to_onnx_comes_back(kind, name):
    model, values = subject(kind, name)
    imported = load(export(model, tuple(values), input_names=[f"x{i}" for i in range(len(values))]))
    expected, gradients = differentiated(model, values)
    results, others = differentiated(imported, values)
    for x, y in zip(expected, results, strict=True):
        np.testing.assert_allclose(y, x, rtol=2e-5, atol=2e-5)
    assert others.keys() == gradients.keys()
    for path, module in model.named_modules():  # ONNX knows no padding index: its row trains on
        if getattr(module, "padding_idx", None) is not None:
            others[f"{path}.weight".lstrip(".")][module.padding_idx] = 0
    for key, g in gradients.items():
        np.testing.assert_allclose(others[key], g, rtol=2e-4, atol=2e-5 * max(1, np.abs(g).max()), err_msg=key)

    namespace = {}
    exec(imported.to_python("Written"), namespace)
    written = namespace["Written"](imported.arrays()).eval()
    assert {p.shape for p in written.parameters()} <= {p.shape for p in imported.parameters()} | {
        p.mT.shape for p in imported.parameters() if p.ndim > 1
    }
    again, _ = differentiated(written, values)
    for x, y in zip(results, again, strict=True):
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("name", NEITHER)
def test_what_does_not_go_there_is_refused_by_name(name):
    model, values = subject(NEITHER[name], name)
    with pytest.raises(OnnxError, match="has no equivalent"):
        export(model, tuple(values))


@pytest.mark.parametrize("name", NETWORKS)
def test_what_came_from_onnx_goes_there_again(name):
    model, values = subject("network", name)
    names = [f"x{i}" for i in range(len(values))]
    imported = load(export(model, tuple(values), input_names=names))
    twice = load(export(imported, tuple(values), input_names=names))
    assert {x for x, _ in twice.named_parameters()} == {x for x, _ in model.named_parameters()}
    for x, y in zip(*(instances(m(*values), mg.Tensor) for m in (imported, twice)), strict=True):
        np.testing.assert_allclose(y.data, x.data, rtol=2e-5, atol=2e-5)

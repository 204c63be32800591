"""What `to_torch_code` writes is run in PyTorch, and computes what the layer here computes, with its weights."""

import numpy as np
import pytest
from layer_cases import CASES

import micrograd_np as mg
from micrograd_np import nn

torch = pytest.importorskip("torch", reason="pip install 'micrograd_np[bench]'")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's advice on speed


def written(model):
    """The model in PyTorch, of its source, with the weights of `model`."""
    namespace = {}
    exec(mg.to_torch_code(model), namespace)
    theirs = namespace["Model"]()
    theirs.load_state_dict({key: torch.from_numpy(np.array(x)) for key, x in model.state_dict().items()})
    return theirs.eval()


def agree(model, *inputs):
    theirs = written(model)
    model.eval()
    with torch.no_grad():
        expected = theirs(*(torch.from_numpy(np.asarray(x)) for x in inputs))
    found = model(*(mg.Tensor(x) for x in inputs))
    while isinstance(expected, tuple):
        expected, found = expected[0], found[0]
    np.testing.assert_allclose(found.detach().numpy(), expected.numpy(), rtol=1e-10, atol=1e-10)


WRITTEN = [case for case in CASES if not case[0].startswith("Transformer(")]  # which is refused


@pytest.mark.parametrize("case", WRITTEN, ids=[case[0] for case in WRITTEN])
def test_a_layer_is_written_in_pytorch(case):
    expression, *inputs = case
    if expression.startswith("LSTM"):
        del inputs[1:]  # the states, which are one tuple in PyTorch
    agree(eval(expression, {**vars(nn), "nn": nn}), *inputs)


def test_containers_are_written_with_their_names():
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU()), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(8, 3),
    )  # fmt: skip
    agree(model, np.random.default_rng(0).normal(size=(2, 1, 4, 4)))
    held = nn.ModuleDict({"a": nn.ModuleList([nn.Linear(1, 2), nn.Tanh()]), "b": nn.LSTM(2, 3)})
    assert [*written(held).state_dict()] == [*held.state_dict()]

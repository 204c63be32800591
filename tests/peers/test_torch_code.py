"""What `to_torch_code` writes is run in PyTorch, and computes what the layer here computes, with its weights."""

import numpy as np
import pytest
from layer_cases import CASES
from networks import NETWORKS, arrays, network

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


def agree(model, *inputs, tolerance=1e-10):
    theirs = written(model)
    model.eval()
    with torch.no_grad():
        expected = theirs(*(torch.from_numpy(np.asarray(x)) for x in inputs))
    found = model(*(mg.Tensor(x) for x in inputs))
    while isinstance(expected, tuple):
        expected, found = expected[0], found[0]
    np.testing.assert_allclose(found.detach().numpy(), expected.numpy(), rtol=tolerance, atol=tolerance)


WRITTEN = [case for case in CASES if not case[0].startswith("Transformer(")]  # which is refused


@pytest.mark.parametrize("case", WRITTEN, ids=[case[0] for case in WRITTEN])
def test_a_layer_is_written_in_pytorch(case):
    expression, *inputs = case
    if expression.startswith("LSTM"):
        del inputs[1:]  # the states, which are one tuple in PyTorch
    agree(eval(expression, {**vars(nn), "nn": nn}), *inputs)


OWN = {"dates", "export_to_onnx", "language_model", "pipeline", "reviews", "reviews, without order", "transformer"}


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in OWN])
def test_the_network_of_an_example_is_written_in_pytorch(name, rng):
    model, inputs, axes = network(name)
    agree(model, *arrays(inputs, axes, 0, rng), tolerance=1e-5)


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_network_of_an_example_with_a_forward_of_its_own_is_refused_by_name(name):
    model, *_ = network(name)
    with pytest.raises(NotImplementedError, match=f"the forward of {type(model).__name__} is your own code"):
        mg.to_torch_code(model)


def test_containers_are_written_with_their_names():
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU()), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(8, 3),
    )  # fmt: skip
    agree(model, np.random.default_rng(0).normal(size=(2, 1, 4, 4)))
    held = nn.ModuleDict({"a": nn.ModuleList([nn.Linear(1, 2), nn.Tanh()]), "b": nn.LSTM(2, 3)})
    assert [*written(held).state_dict()] == [*held.state_dict()]


def test_shared_layers_are_shared_and_names_are_kept_in_pytorch(rng):
    shared = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    model = nn.Sequential({"a": shared, "b": nn.Sequential(shared)})
    agree(model, rng.normal(size=(2, 3)))
    theirs = written(model)
    assert [name for name, _ in theirs.named_parameters()] == [name for name, _ in model.named_parameters()]
    assert theirs.a is theirs.b[0]

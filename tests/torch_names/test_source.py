"""`to_torch_code` writes layers and containers, and says by name what it cannot write."""

import numpy as np
import pytest
from layer_cases import CASES, leaves, made
from together import together

import micrograd_np as mg
from micrograd_np import nn, torch


def test_a_model_is_written_with_its_arguments_and_dtype():
    text = mg.to_torch_code(nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.Dropout(0.2)), "Net")
    assert "class Net(nn.Sequential):" in text
    assert "nn.Conv2d(1, 4, (3, 3), stride=(2, 2))," in text
    assert "nn.Dropout(p=0.2)," in text
    assert text.endswith("self.to(torch.float64)\n")
    assert "self.to" not in mg.to_torch_code(nn.Linear(2, 2).float())
    compile(text, "net.py", "exec")


class Residual(nn.Module):
    def forward(self, x):
        return x + 1


def test_code_of_your_own_is_refused_by_name_and_place():
    with pytest.raises(NotImplementedError, match=r"the forward of Residual at 1\.0 is your own code"):
        mg.to_torch_code(nn.Sequential(nn.Linear(2, 2), nn.Sequential(Residual())))
    with pytest.raises(TypeError, match="a Module"):
        mg.to_torch_code(np.ones(2))


def test_what_cannot_be_read_back_is_refused():
    with pytest.raises(NotImplementedError, match="Transformer cannot be read back"):
        mg.to_torch_code(nn.Transformer(8, 2, 1, 1, 16))


def test_layers_under_the_names_of_pytorch_are_written_like_our_own():
    from micrograd_np.torch import nn as theirs

    model = theirs.Sequential(theirs.Linear(2, 3), theirs.ReLU(inplace=True), theirs.Dropout(0.2, inplace=True))
    assert mg.to_torch_code(model) == mg.to_torch_code(
        nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Dropout(0.2)).float()
    )

    class Own(theirs.ReLU):
        def forward(self, x):
            return x

    with pytest.raises(NotImplementedError, match="the forward of Own"):
        mg.to_torch_code(Own())


def test_a_layer_in_several_places_is_created_once():
    shared = nn.Linear(2, 2)
    text = mg.to_torch_code(nn.Sequential(shared, nn.Tanh(), nn.Sequential(shared)))
    assert text.count("nn.Linear") == 1
    assert text.index("shared_1 = nn.Linear(2, 2)") < text.index("super()")
    assert text.count("shared_1,") == 2


def test_layers_of_a_sequence_keep_their_names():
    model = nn.Sequential({"first": nn.Linear(2, 2), "it's": nn.Tanh()}).float()
    text = mg.to_torch_code(model)
    assert text.startswith("from collections import OrderedDict\n\nimport torch\n")
    assert "('first', nn.Linear(2, 2)),\n" in text
    assert '("it\'s", nn.Tanh()),\n' in text
    compile(text, "net.py", "exec")


def tied():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    return model


def changed(change, model=None):
    model = model or nn.Sequential(nn.Linear(2, 2))
    change(model)
    return model


class Doubled(nn.Linear):
    def __call__(self, x):
        return 2 * super().__call__(x)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (tied(), r"the parameter 0\.weight is 1\.weight, too"),
        (changed(lambda m: m.register_buffer("extra", mg.ones(2))), "extra of Sequential"),
        (changed(lambda m: setattr(m, "extra", nn.Parameter(mg.ones(2)))), "extra of Sequential"),
        (changed(lambda m: setattr(m, "extra", nn.Tanh()), nn.ModuleList([nn.Tanh()])), "extra of ModuleList"),
        (changed(lambda m: m[0].register_forward_hook(lambda *_: None)), "Linear at 0 has hooks"),
        (changed(lambda m: setattr(m[0], "forward", lambda x: x)), "the forward of Linear at 0 is your own code"),
        (changed(lambda m: m.append(m)), "the module at 1 contains itself"),
        (Doubled(2, 2), "the forward of Doubled is your own code"),
        (nn.TransformerEncoderLayer(4, 2, 8, activation=mg.tanh), "TransformerEncoderLayer cannot be read back"),
        (nn.CrossEntropyLoss(weight=[1.0, 2.0]), "CrossEntropyLoss cannot be read back"),
        (nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1).float()), "several dtypes"),
    ],
)
def test_what_pytorch_would_compute_otherwise_is_refused_by_name(model, message):
    with pytest.raises(NotImplementedError, match=message):
        mg.to_torch_code(model)


@pytest.mark.parametrize("name", ["A b; import os", "class", "", "nn", "torch"])
def test_a_name_that_no_class_can_have_is_refused(name):
    with pytest.raises(ValueError, match="name must be a name for a class"):
        mg.to_torch_code(nn.Linear(1, 1), name)


WRITTEN = [case for case in CASES if not case[0].startswith("Transformer(")]  # which is refused


@together
@pytest.mark.parametrize("case", WRITTEN, ids=[case[0] for case in WRITTEN])
def test_a_model_that_is_written_and_read_computes_the_same(case):
    expression, *inputs = case
    model = eval(f"nn.{expression}", {"nn": nn}).eval()
    text, namespace = mg.to_torch_code(model), {}
    assert text.startswith("import torch\nfrom torch import nn\n")
    exec(text.replace("import torch\nfrom torch", "from micrograd_np import torch\nfrom micrograd_np.torch"), namespace)
    again = namespace["Model"]().eval()
    again.load_state_dict({key: torch.tensor(x) for key, x in model.state_dict().items()})
    expected, found = (
        leaves(m(*made(tuple(inputs), tensor))) for m, tensor in ((model, mg.Tensor), (again, torch.tensor))
    )
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=1e-12, atol=1e-13)

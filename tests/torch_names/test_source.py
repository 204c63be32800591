"""`to_torch_code` writes layers and containers, and says by name what it cannot write."""

import numpy as np
import pytest
from layer_cases import CASES, leaves, made

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


WRITTEN = [case for case in CASES if not case[0].startswith("Transformer(")]  # which is refused


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

"""`to_torch_code` writes layers and containers, and says by name what it cannot write."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn


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

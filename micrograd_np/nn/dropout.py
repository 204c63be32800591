"""Dropout layers: random while training, the identity in evaluation."""

from __future__ import annotations

from typing import Any

from micrograd_np import functional
from micrograd_np.core.settings import Share
from micrograd_np.engine.tensor import Tensor

from .function_layer import FunctionLayer


class Dropout(FunctionLayer, function=functional.dropout):
    """Elements set to 0 with probability `p` while training, the others divided by 1 − p; see `functional.dropout`.

    ValueError for `p` outside [0, 1].

    >>> from micrograd_np import Tensor, nn
    >>> layer = nn.Dropout(0.5)
    >>> set(layer(Tensor([1.0] * 100)).tolist()) == {0.0, 2.0}
    True
    >>> layer.eval()(Tensor([1.0, 2.0]))
    Tensor([1., 2.])
    """

    _name, _in_repr = "dropout", ("p=", "inplace=")

    def __init__(self, p: Share = 0.5, inplace: bool = False) -> None:
        self._hold(locals())

    def forward(self, input: Any) -> Tensor:
        """`input`, while training with elements dropped."""
        return self._function(input, self.p, self.training)


class Dropout1d(Dropout, d=1):
    """Whole channels of (n, c, l) dropped together; see `Dropout`.

    >>> import micrograd_np as mg
    >>> y = mg.nn.Dropout1d(0.5)(mg.ones(1, 50, 2))
    >>> set(y.sum(2).ravel().tolist()) == {0.0, 4.0}
    True
    """


class Dropout2d(Dropout, d=2):
    """Whole channels of images (n, c, h, w) dropped together; see `Dropout`.

    >>> import micrograd_np as mg
    >>> y = mg.nn.Dropout2d(0.5)(mg.ones(1, 50, 2, 2))
    >>> set(y.sum((2, 3)).ravel().tolist()) == {0.0, 8.0}
    True
    """


class Dropout3d(Dropout, d=3):
    """Whole channels of volumes (n, c, d, h, w) dropped together; see `Dropout`.

    >>> import micrograd_np as mg
    >>> y = mg.nn.Dropout3d(0.5)(mg.ones(1, 50, 2, 2, 2))
    >>> set(y.sum((2, 3, 4)).ravel().tolist()) == {0.0, 16.0}
    True
    """


class AlphaDropout(Dropout, function=functional.alpha_dropout):
    """Dropout that keeps mean 0 and variance 1, for networks with `SELU`: ``(…) -> (…)``.

    See `functional.alpha_dropout`.

    >>> import micrograd_np as mg
    >>> y = mg.nn.AlphaDropout(0.5)(mg.random.randn(10000))
    >>> abs(y.mean().item()) < 0.1 and abs(y.std().item() - 1) < 0.1
    True
    """


class FeatureAlphaDropout(Dropout, function=functional.feature_alpha_dropout):
    """Whole channels of (n, c, …) dropped together, as `AlphaDropout` drops elements.

    >>> import micrograd_np as mg
    >>> y = mg.nn.FeatureAlphaDropout(0.5)(mg.ones(1, 50, 2))
    >>> bool((y[:, :, 0] == y[:, :, 1]).all())
    True
    """

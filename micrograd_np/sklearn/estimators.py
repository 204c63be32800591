"""`NeuralClassifier` and `NeuralRegressor`: a module, a loss and an optimiser behind scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from inspect import isclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from micrograd_np import nn, optim, random
from micrograd_np.core.messages import require_value
from micrograd_np.core.settings import Count, Counts, Positive, Share, check, rules_of
from micrograd_np.data import DataLoader, TensorDataset
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.functional import softmax
from micrograd_np.training import History, fit

_ROWS = 4096  # that are predicted at once

_ACTIVATIONS = {
    "elu": nn.ELU, "gelu": nn.GELU, "identity": nn.Identity, "leaky_relu": nn.LeakyReLU, "logistic": nn.Sigmoid,
    "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "silu": nn.SiLU, "tanh": nn.Tanh,
}  # fmt: skip
_OPTIMIZERS = {name.lower(): getattr(optim, name) for name in optim.__all__ if isclass(getattr(optim, name))}


def _by_name(setting: str, x: Any, choices: dict[str, Any]) -> Any:
    """What `choices` has under the name `x`; anything that is no string is the thing itself."""
    if not isinstance(x, str):
        return x
    require_value("fit", setting, x, x in choices, f"one of {', '.join(sorted(choices))}, or a function")
    return choices[x]


@contextmanager
def _draws(random_state: Any) -> Iterator[np.random.RandomState]:
    """The source that `random_state` names; inside, it determines the package's draws too, and no draw outside."""
    source, before = check_random_state(random_state), random.get_state()
    random.manual_seed(_seed(source))
    try:
        yield source
    finally:
        random.set_state(before)


def _seed(source: np.random.RandomState) -> int:
    return int(source.randint(2**31 - 1))


class _Loss:
    """`loss` of outputs in the shape of their targets.

    With `weighted`, it is the mean of the samples' losses weighted by the last column of the targets, which otherwise
    have the shape and dtype of `like`.
    """

    def __init__(self, loss: Callable[[Any, Any], Tensor], like: Any, *, weighted: bool) -> None:
        if weighted:
            if not hasattr(loss, "reduction"):
                raise ValueError("sample_weight needs a loss with a setting `reduction`, such as nn.MSELoss().")
            loss = copy(loss)
            loss.reduction = "none"
        self.loss, self.shape, self.dtype, self.weighted = loss, like.shape[1:], like.dtype, weighted

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        weight = targets[:, -1] if self.weighted else None
        if weight is not None:
            targets = targets[:, :-1].reshape(len(outputs), *self.shape).astype(self.dtype)
        losses = self.loss(outputs.reshape(targets.shape) if outputs.size == targets.size else outputs, targets)
        if weight is None:
            return losses
        losses = losses.reshape(len(outputs), -1).mean(1)
        return (losses * weight).sum() / weight.sum().clip(np.finfo(weight.dtype).tiny)


class _Network(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor have in common; each says what its targets and its losses are."""

    def __init__(
        self,
        hidden_layer_sizes: Counts = (100,),
        *,
        activation: str | Callable[[], nn.Module] = "relu",
        module: nn.Module | Callable[[int, int], nn.Module] | None = None,
        loss: Callable[[Any, Any], Tensor] | None = None,
        optimizer: str | Callable[..., optim.Optimizer] = "adam",
        lr: Positive = 1e-3,
        weight_decay: float = 0.0,
        epochs: Count = 200,
        batch_size: Count | None = None,
        early_stopping: bool = False,
        validation_fraction: Share = 0.1,
        patience: Count = 10,
        compile: bool = True,
        callbacks: Iterable[Callable[[History], Any]] = (),
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes, self.activation, self.module = hidden_layer_sizes, activation, module
        self.loss, self.optimizer, self.lr, self.weight_decay = loss, optimizer, lr, weight_decay
        self.epochs, self.batch_size = epochs, batch_size
        self.early_stopping, self.validation_fraction, self.patience = early_stopping, validation_fraction, patience
        self.compile, self.callbacks, self.random_state, self.verbose = compile, callbacks, random_state, verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network on `X` of shape (n, features) and the targets `y`; returns self.

        With `sample_weight`, of shape (n,), the loss of each batch is the weighted mean of its samples' losses.
        """
        X, y, weight = self._checked(X, y, sample_weight, new=True)
        with _draws(self.random_state) as source:
            self._begin(X, self._learn_targets(y))
            self._train(X, y, weight, source, self.epochs)
        return self

    def _train_on(self, X: Any, y: Any, weight: Any, classes: Any = None) -> Self:
        """One epoch on `X` and `y`, with a new network if there is none yet."""
        new = not hasattr(self, "module_")
        X, y, weight = self._checked(X, y, weight, new=new)
        with _draws(self.random_state if new else self._next_draws) as source:
            if new:
                self._begin(X, self._learn_targets(y if classes is None else np.asarray(classes)))
            self._train(X, y, weight, source, 1)
        return self

    def _checked(self, X: Any, y: Any, weight: Any, *, new: bool) -> tuple[Any, Any, Any]:
        """Samples, targets and weights as arrays; errors for settings and data that make no sense."""
        check(type(self).__name__, _RULES, self.get_params(deep=False))
        classifies = isinstance(self, ClassifierMixin)
        settings = {"multi_output": not classifies, "y_numeric": not classifies}
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], reset=new, **settings)
        if weight is not None:
            weight = _check_sample_weight(weight, X, dtype=X.dtype, ensure_non_negative=True)
        return X, y, weight

    def _begin(self, X: Any, n_outputs: int) -> None:
        """Make `module_` and `optimizer_` for samples like `X`."""
        if self.module is None:
            activation = _by_name("activation", self.activation, _ACTIVATIONS)
            widths = [X.shape[1], *np.atleast_1d(self.hidden_layer_sizes).tolist()]
            hidden = [nn.Linear(*pair) for pair in pairwise(widths)]
            layers = [part for linear in hidden for part in (linear, activation())]
            module: Any = nn.Sequential(*layers, nn.Linear(widths[-1], n_outputs))
        elif isinstance(self.module, nn.Module):
            module = deepcopy(self.module)
        else:
            module = self.module(X.shape[1], n_outputs)
        self.module_ = module.to(X.dtype)
        self._check_outputs(self._outputs(X[:1]).shape[1], n_outputs)
        decay = {"weight_decay": self.weight_decay} if self.weight_decay else {}
        make = _by_name("optimizer", self.optimizer, _OPTIMIZERS)
        self.optimizer_ = make(self.module_.parameters(), lr=self.lr, **decay)
        self.history_ = History()

    def _train(self, X: Any, y: Any, weight: Any, source: np.random.RandomState, epochs: int) -> None:
        targets = self._targets(y, X.dtype)
        loss = _Loss(self.loss or self._default_loss(), targets, weighted=weight is not None)
        if weight is not None:
            targets = np.column_stack([targets, weight])
        validation = None
        if self.early_stopping and epochs > 1:
            stratify = y if isinstance(self, ClassifierMixin) else None
            split = {"test_size": self.validation_fraction, "stratify": stratify, "random_state": _seed(source)}
            X, held_X, targets, held_targets = train_test_split(X, targets, **split)
            validation = DataLoader(TensorDataset(held_X, held_targets), batch_size=_ROWS)
        batch_size = min(self.batch_size or 200, len(X))
        batches = DataLoader(TensorDataset(X, targets), batch_size=batch_size, shuffle=batch_size < len(X))
        history = fit(
            self.module_, loss, self.optimizer_, batches, epochs=epochs, validation=validation,
            patience=self.patience if validation else None, callbacks=self.callbacks, progress=self.verbose,
            compile=self.compile and epochs * len(batches) >= 20, lint=False,
        )  # fmt: skip
        self.optimizer_.zero_grad()
        self.history_.rows += history.rows
        self.n_iter_ = len(self.history_)
        self._next_draws = _seed(source)

    def _outputs(self, X: Any) -> Any:
        """What the module returns for `X`, as an array (n, outputs)."""
        self.module_.eval()
        with no_grad():
            outputs = np.concatenate([self.module_(Tensor(X[i : i + _ROWS])).data for i in range(0, len(X), _ROWS)])
        if outputs.ndim not in {1, 2} or len(outputs) != len(X):
            raise ValueError(
                f"{type(self).__name__}: the module must return a row of outputs for each sample, "
                f"({len(X)}, outputs), found {outputs.shape}."
            )
        return outputs.reshape(len(X), -1)

    def _predicted(self, X: Any) -> Any:
        check_is_fitted(self, "module_")
        return self._outputs(validate_data(self, X, dtype=[np.float64, np.float32], reset=False))

    def _html_repr(self) -> str:
        html = super()._html_repr()
        if not hasattr(self, "module_"):
            return html
        from micrograd_np.pictures import draw_network

        bundle = draw_network(self.module_)._repr_mimebundle_()
        return f"{html}<div>{bundle.get('image/svg+xml', '')}</div>"


_RULES = rules_of(_Network.__init__)


class NeuralClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """A network that predicts classes.

    - `hidden_layer_sizes`: the widths of the hidden layers, with `activation` after each: a name ("relu", "tanh",
      "logistic", "gelu", …) or a function that makes a layer.
    - `module`: in their place, a Module, which is copied before it is trained, or a function
      ``(features, outputs) -> Module``. Two classes need one output or two.
    - `loss`: a function of outputs and targets, which are the numbers of the classes; the cross-entropy by default.
    - `optimizer`: the name of a class in `optim`, in small letters, or a function ``(parameters, lr=…) -> Optimizer``;
      `lr` and `weight_decay` are its settings.
    - `epochs`, `batch_size`: passes over the samples, and samples per step; None means 200 of them, or all if fewer.
    - `early_stopping`: hold out `validation_fraction` of the samples, stop after `patience` epochs without a lower loss
      on them, and take the weights of the best epoch.
    - `compile`: train by compiled steps, which compute the same bits faster.
    - `callbacks`: functions of the `History`, called after each epoch, as in `mg.fit`. `verbose`: show the progress.
    - `random_state`: determines initial weights, order of samples and dropout; as everywhere in scikit-learn, an int, a
      RandomState or None.

    Samples in float32 train a float32 network, all others a float64 one. After `fit`: `module_`, `optimizer_`,
    `history_`, `n_iter_`, `n_features_in_`, `classes_`. ValueError from `fit` for settings that make no sense.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> NeuralClassifier((16,), lr=0.01, epochs=100, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one more epoch, on these samples. The first call needs `classes`, all that there will be."""
        if classes is None and not hasattr(self, "module_"):
            raise ValueError("NeuralClassifier.partial_fit: the first call needs classes, all that there will be.")
        return self._train_on(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, in the order of `classes_`: an array (n, classes)."""
        outputs = self._predicted(X)
        if outputs.shape[1] == 1:
            if len(self.classes_) == 1:
                return np.ones_like(outputs)
            outputs = np.column_stack([np.zeros_like(outputs), outputs])
        return softmax(Tensor(outputs), dim=1).data

    def predict(self, X: Any) -> Any:
        """The most probable class of each sample: an array (n,)."""
        outputs = self._predicted(X)
        several = len(self.classes_) > 1
        best = outputs.argmax(1) if outputs.shape[1] > 1 else ((outputs[:, 0] > 0) & several).astype(np.intp)
        return self.classes_[best]

    def _learn_targets(self, y: Any) -> int:
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        return len(self.classes_) if len(self.classes_) > 2 else 1

    def _targets(self, y: Any, dtype: Any) -> Any:
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"NeuralClassifier: y has classes that were not among the first: {unknown.tolist()}.")
        numbers = np.searchsorted(self.classes_, y)
        return numbers.astype(dtype) if self._n_outputs == 1 else numbers

    def _check_outputs(self, n_outputs: int, needed: int) -> None:
        n_classes = len(self.classes_)
        if n_outputs != n_classes and not (n_outputs == 1 and n_classes <= 2):
            raise ValueError(f"NeuralClassifier: {n_classes} classes need {needed} outputs, found {n_outputs}.")
        self._n_outputs = n_outputs

    def _default_loss(self) -> Any:
        return nn.BCEWithLogitsLoss() if self._n_outputs == 1 else nn.CrossEntropyLoss()


class NeuralRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    """A network that predicts numbers: one for each sample, or several where `y` has two axes.

    Its settings are those of `NeuralClassifier`; `loss` is by default the mean squared difference of outputs and
    targets.

    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> X, y = map(scale, load_diabetes(return_X_y=True))
    >>> NeuralRegressor((16,), lr=0.01, epochs=100, random_state=0).fit(X, y).score(X, y) > 0.5
    True
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one more epoch, on these samples."""
        return self._train_on(X, y, sample_weight)

    def predict(self, X: Any) -> Any:
        """The predictions for each sample: an array (n,), or (n, targets) if `y` had two axes."""
        return self._predicted(X).reshape(-1, *self._target_shape)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _learn_targets(self, y: Any) -> int:
        self._target_shape = y.shape[1:]
        return y.shape[1] if y.ndim > 1 else 1

    def _targets(self, y: Any, dtype: Any) -> Any:
        if y.shape[1:] != self._target_shape:
            raise ValueError(f"NeuralRegressor: y has shape {y.shape}, and before it was (n, *{self._target_shape}).")
        return y.astype(dtype, copy=False)

    def _check_outputs(self, n_outputs: int, needed: int) -> None:
        if n_outputs != needed:
            raise ValueError(f"NeuralRegressor: y needs {needed} outputs, found {n_outputs}.")

    def _default_loss(self) -> Any:
        return nn.MSELoss()

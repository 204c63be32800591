"""Checks of one training step for the mistakes that raise no error and cost an evening."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from micrograd_np.core.messages import require_type
from micrograd_np.core.vertex import Node, Source, held_inputs
from micrograd_np.core.writes import writes
from micrograd_np.engine.backward import is_freed, pull, topological
from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.module import Module
from micrograd_np.optim.optimizer import Optimizer

_SAME_VALUES = {"reshape", "transpose", "view", "copy", "astype", "masked_keep"}  # ops whose results are their inputs
_TAKES_LOGITS = {
    "softmax_cross_entropy": ("cross-entropy", {"softmax", "log_softmax", "sigmoid"}),
    "log_softmax": ("cross-entropy", {"softmax", "sigmoid"}),
    "bce_with_logits": ("binary cross-entropy with logits", {"sigmoid", "softmax"}),
}
_HEALTHY = (1e-7, 0.3)  # the length of an update relative to that of the weights; about 1e-3 is usual
_ENOUGH = 8  # samples from which on a unit that is always 0 means something


class LintWarning(UserWarning):
    """Something in a training step that is probably a mistake.

    >>> import micrograd_np as mg
    >>> issubclass(mg.training.LintWarning, UserWarning)
    True
    """


def lint(model: Module, loss: Tensor, optimizer: Optimizer) -> list[str]:
    """The likely mistakes in a training step, one sentence each, with the remedy; an empty list if there are none.

    Call it in the place of ``loss.backward()``, after ``optimizer.zero_grad()`` and the forward pass: `loss` is the
    value of the loss on a batch, with its graph. It changes nothing; one backward pass computes the gradients.

    It reports softmax or sigmoid before a loss that takes logits, parameters that the loss does not reach or the
    optimiser does not hold, tensors of the model that are no parameters, targets that are no probabilities, a loss of
    nan, gradients that were never zeroed, dropout or batch norm in the wrong mode, a graph kept alive across steps,
    float64 data meeting float32 weights, units that are dead for the whole batch, updates that are far too long or too
    short, and a column minus a row of as many numbers, which is a table of all pairs. TypeError for what is no model,
    loss or optimiser.

    >>> from micrograd_np import Tensor, nn, optim
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Softmax(-1))
    >>> loss = nn.CrossEntropyLoss()(model(Tensor([[0.5, 1.0]])), [0])
    >>> for finding in lint(model, loss, optim.SGD(model.parameters(), lr=0.1)):
    ...     print(finding)
    cross-entropy takes logits, but gets the result of softmax; remove the softmax, the loss applies its own.
    """
    require_type("lint", "model", model, isinstance(model, Module), "a Module")
    require_type("lint", "loss", loss, isinstance(loss, Tensor), "a Tensor, the value of the loss on a batch")
    require_type("lint", "optimizer", optimizer, isinstance(optimizer, Optimizer), "an optimiser, such as optim.SGD(…)")
    names = {p: name for name, p in model.named_parameters()}
    trained = {p: name for p, name in names.items() if p.requires_grad}
    findings = [*_modes(model, loss), *_holding(names, trained, optimizer)]
    if not loss.requires_grad:
        no_graph = "the loss depends on no parameter; compute it outside no_grad(), and not from .data or .numpy()."
        return [*findings, no_graph]
    graph = topological(loss)
    nodes, reached = [z for z in graph if isinstance(z, Node)], set(graph)
    findings += [*_logits(nodes), *_targets(nodes), *_plain_tensors(model, names, reached, optimizer)]
    if unreached := [name for p, name in trained.items() if p not in reached]:
        findings.append(
            f"the loss does not depend on {_listed(unreached)}; use the layer in forward() without .data, .numpy() or "
            f"detach() on the way, or remove it."
        )
    if unzeroed := [name for p, name in names.items() if p.grad is not None and p.grad.data.any()]:
        findings.append(
            f"{_listed(unzeroed)} still with the gradient of an earlier backward(), to which the next adds; call "
            f"optimizer.zero_grad() before each backward(), unless you accumulate on purpose."
        )
    findings += [*_pairs(nodes), *_dtypes(nodes), *_dead(nodes)]
    if not np.isfinite(loss.data).all():
        return [*findings, _not_finite(loss, nodes)]
    stale = list(_kept_alive(names, nodes))
    return findings + (stale or list(_updates(names, trained, loss, optimizer)))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _modes(model: Module, loss: Tensor) -> Iterator[str]:
    """Modules that behave differently in training, in the wrong mode."""
    wrong = [
        name or type(module).__name__
        for name, module in model.named_modules()
        if module.training is not loss.requires_grad and _has_modes(module)
    ]
    if wrong and loss.requires_grad:
        yield (
            f"{_listed(wrong)} in evaluation mode while training; call model.train() before the step, unless frozen on "
            f"purpose."
        )
    elif wrong:
        yield (
            f"{_listed(wrong)} in training mode while evaluating; call model.eval() first, and model.train() "
            f"afterwards."
        )


def _has_modes(module: Module) -> bool:
    """Whether a module itself computes something else in training than in evaluation; a frozen norm is meant not to."""
    kind = type(module).__name__
    if "Dropout" in kind:
        return getattr(module, "p", 1) > 0
    if "BatchNorm" in kind or "InstanceNorm" in kind:
        own = list(module.parameters(recurse=False))
        return getattr(module, "track_running_stats", True) and not (own and not any(p.requires_grad for p in own))
    share = getattr(module, "dropout", 0)  # attention and recurrent layers drop between their parts
    return isinstance(share, (int, float)) and share > 0 and getattr(module, "num_layers", 2) > 1


def _holding(names: dict[Any, str], trained: dict[Any, str], optimizer: Optimizer) -> Iterator[str]:
    """Parameters that the optimiser lacks, and tensors that it holds in vain."""
    held = dict.fromkeys(p for group in optimizer.param_groups for p in group["params"])
    if missing := [name for p, name in trained.items() if p not in held]:
        yield (
            f"the optimiser does not hold {_listed(missing)}, which will never change; make the optimiser from "
            f"model.parameters() after the model is complete, or freeze them with requires_grad_(False)."
        )
    if strangers := [p.name or f"a tensor of shape {p.shape}" for p in held if p not in names]:
        yield (
            f"the optimiser holds {_listed(strangers)}, which the model does not have; make the optimiser again after "
            f"changing the model, or put the tensor into the model as a Parameter."
        )


def _logits(nodes: list[Node]) -> Iterator[str]:
    """Losses that apply softmax or sigmoid themselves, applied to the result of one."""
    for z in nodes:
        if z.op.name not in _TAKES_LOGITS or not z.inputs:
            continue
        loss, activations = _TAKES_LOGITS[z.op.name]
        x = z.inputs[0]
        while isinstance(x, Node) and x.op.name in _SAME_VALUES and x.inputs:
            x = x.inputs[0]
        if isinstance(x, Node) and x.op.name in activations:
            name = x.op.name.replace("_", "-")
            yield f"{loss} takes logits, but gets the result of {name}; remove the {name}, the loss applies its own."


def _targets(nodes: list[Node]) -> Iterator[str]:
    """Targets of binary cross-entropy with logits that are no probabilities."""
    for z in nodes:
        if z.op.name != "bce_with_logits":
            continue
        _, target = held_inputs(z)
        values = np.asarray(target.data if isinstance(target, Source) else target)
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            yield (
                f"binary cross-entropy takes targets from 0 to 1, but gets values from {values.min():.4g} to "
                f"{values.max():.4g}; write labels as 0 and 1."
            )


def _plain_tensors(model: Module, names: dict[Any, str], reached: set[Any], optimizer: Optimizer) -> Iterator[str]:
    """Tensors of the model's attributes that the loss depends on, and that are no parameters."""
    others = reached.difference(names, *(group["params"] for group in optimizer.param_groups))
    for path, module in model.named_modules():
        for name, x in vars(module).items():
            if isinstance(x, Tensor) and x.requires_grad and x in others:
                yield (
                    f"{f'{path}.{name}'.lstrip('.')} requires a gradient, but is no parameter, so the optimiser does "
                    f"not hold it; write self.{name} = nn.Parameter(...)."
                )


def _not_finite(loss: Tensor, nodes: list[Node]) -> str:
    """That the loss is no number, and which data or weights are none; −inf may be meant, in a mask."""
    finding = f"the loss is {loss.item():.4g}" if loss.size == 1 else "the loss is not finite"
    for z in nodes[::-1]:
        for name, x in zip(z.op.inputs, held_inputs(z), strict=False):
            array = x if isinstance(x, np.ndarray) else None if isinstance(x, Node) else getattr(x, "data", None)
            if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                wrong = int((np.isnan(array) | (array == np.inf)).sum())
                trained = isinstance(x, Source) and x.requires_grad
                remedy = "begin again with a lower learning rate, or clip gradients" if trained else "look at the data"
                if wrong:
                    return (
                        f"{finding}: {name} of {z.op.name}, of shape {array.shape}, has nan or infinity in {wrong} of "
                        f"its {array.size} elements; {remedy}."
                    )
    return f"{finding}; mg.detect_nonfinite() stops at the operation that makes the first nan or infinity."


def _pairs(nodes: list[Node]) -> Iterator[str]:
    """The first difference of n predictions and n targets that is (n, n), because one of them is (n, 1)."""
    for z in nodes:
        shapes = [x.shape for x in held_inputs(z) if hasattr(x, "shape")]
        column = (z.shape[0], 1) if z.op.name == "subtract" and z.ndim == 2 and z.shape[0] == z.shape[1] > 1 else None
        if column in shapes and z.shape[:1] in shapes:
            yield (
                f"{shapes[0]} minus {shapes[1]} is {z.shape}, each prediction minus every target; give both the same "
                f"shape, as in target[:, None], or use nn.functional.mse_loss, which refuses such shapes."
            )
            return


def _kept_alive(names: dict[Any, str], nodes: list[Node]) -> Iterator[str]:
    """The first value that was recorded before the last update of a parameter, or already walked by backward."""
    for z in nodes:
        if is_freed(z) or any(writes.since(p.data, z.order) for p in names):
            yield (
                f"the loss depends on a {z.op.name} of shape {z.shape} from an earlier step, whose graph is kept alive "
                f"with it; detach() what is carried from step to step, and add up losses with .item()."
            )
            return


def _dtypes(nodes: list[Node]) -> Iterator[str]:
    """The first op in which float64 data meets float32 weights."""
    for z in nodes:
        if not z.op.smooth or z.dtype != np.float64:
            continue
        parts = {name: x for name, x in zip(z.op.inputs, held_inputs(z), strict=False) if hasattr(x, "dtype")}
        recorded = {name for name, x in parts.items() if isinstance(x, Source) and x.requires_grad}
        narrow = [parts[name] for name in recorded if parts[name].dtype == np.float32]
        wide = [name for name, x in parts.items() if x.dtype == np.float64 and name not in recorded]
        if narrow and wide:
            met = "weights" if any(x.op is None for x in narrow) else "predictions"
            yield (
                f"float64 data meets float32 {met} in {z.op.name}, so that everything after it is computed "
                f"in float64 at half the speed; give {wide[0]} as float32: x.astype('float32')."
            )
            return


def _dead(nodes: list[Node]) -> Iterator[str]:
    """Layers of relu in which half of the units or more are 0 for every sample."""
    for z in nodes:
        if z.op.name != "relu" or z.ndim < 2 or z.shape[0] < _ENOUGH:
            continue
        axis = 1 if z.ndim == 4 else z.ndim - 1  # channels of images, else the last
        silent = ~z.data.any(axis=tuple(i for i in range(z.ndim) if i != axis))
        if 2 * silent.sum() >= silent.size:
            yield (
                f"{int(silent.sum())} of {silent.size} units of a relu of shape {z.shape} are 0 for the whole batch "
                f"and cannot learn; lower the learning rate, check the initial weights, or use LeakyReLU."
            )


def _updates(names: dict[Any, str], trained: dict[Any, str], loss: Tensor, optimizer: Optimizer) -> Iterator[str]:
    """Weights whose next update is too long or too short, relative to their length. The optimiser works on copies."""
    if loss.size != 1 or type(optimizer).update is Optimizer.update:
        return
    gradients: dict[Any, Any] = {}
    pull(loss, np.ones(loss.shape, loss.dtype), gradients.__setitem__, retain=True, targets=frozenset(trained))
    ratios = {}
    for group in optimizer.param_groups:
        for p in group["params"]:
            size = float(np.linalg.norm(p.data))
            if p not in names or p not in gradients or p.ndim < 2 or not size or not group["lr"]:
                continue
            state = deepcopy(optimizer.state.get(p)) or optimizer.start(p, group)
            after = p.data.copy()
            optimizer.update(after, np.array(gradients[p]), state, **optimizer.numbers(group, state["step"] + 1))
            ratios[names[p]] = float(np.linalg.norm(after - p.data)) / size
    least, most = _HEALTHY
    if long := {name: ratio for name, ratio in ratios.items() if not ratio <= most}:
        name = max(long, key=long.__getitem__)
        yield (
            f"the next update of {name} is {long[name]:.2g} times as long as the weights (about 0.001 is usual); lower "
            f"the learning rate or clip gradients."
        )
    if short := {name: ratio for name, ratio in ratios.items() if ratio < least}:
        name = min(short, key=short.__getitem__)
        yield (
            f"the next update of {name} is only {short[name]:.2g} times as long as the weights (about 0.001 is usual); "
            f"raise the learning rate, or look for a vanishing gradient."
        )

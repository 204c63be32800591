"""A look over one training step, for the mistakes that cost an evening and raise no error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.vertex import Node, Source, held_inputs
from micrograd_np.core.writes import writes
from micrograd_np.engine.backward import is_gone, pull, topological
from micrograd_np.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from micrograd_np.engine.tensor import Tensor
    from micrograd_np.nn.module import Module

_SAME_VALUES = {"reshape", "transpose", "view", "copy", "astype", "masked_keep"}  # an op that passes on what it gets
_TAKES_LOGITS = {
    "softmax_cross_entropy": ("cross-entropy", {"softmax", "log_softmax", "sigmoid"}),
    "log_softmax": ("cross-entropy", {"softmax", "sigmoid"}),
    "bce_with_logits": ("binary cross-entropy with logits", {"sigmoid", "softmax"}),
}
_HEALTHY = (1e-7, 0.3)  # of the length of an update to that of the weights; about 1e-3 is usual
_ENOUGH = 8  # samples from which on a unit that is always 0 tells something


class LintWarning(UserWarning):
    """Something in a training step that is probably not what was meant."""


def lint(model: Module, loss: Tensor, optimizer: Optimizer) -> list[str]:
    """What seems wrong with a training step, one sentence each, with what to do; an empty list if nothing does.

    Call it where ``loss.backward()`` would stand, after ``optimizer.zero_grad()`` and the forward pass: `loss` is the
    value of the loss on a batch, its graph still there. Nothing is changed; one backward pass is made to look at the
    gradients.

    It finds softmax or sigmoid before a loss that takes logits, parameters that the loss does not reach or the
    optimiser does not hold, gradients that were never zeroed, dropout or batch norm in the wrong mode, a graph kept
    alive across steps, float64 data meeting float32 weights, units that are dead for the whole batch, and updates out
    of all proportion.

    >>> from micrograd_np import Tensor, nn, optim
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Softmax(-1))
    >>> loss = nn.CrossEntropyLoss()(model(Tensor([[0.5, 1.0]])), [0])
    >>> for finding in lint(model, loss, optim.SGD(model.parameters(), lr=0.1)):
    ...     print(finding)
    cross-entropy takes logits, but gets the result of softmax; remove the softmax, the loss applies its own.
    """
    names = {p: name for name, p in model.named_parameters()}
    found = [*_modes(model, loss), *_holding(names, optimizer)]
    if not loss.requires_grad:
        return [
            *found,
            "the loss depends on no parameter; compute it outside no_grad(), and not from .data or .numpy().",
        ]
    graph = topological(loss)
    found += [*_logits(graph), *_unreached(names, graph), *_never_zeroed(names), *_dtypes(graph), *_dead(graph)]
    stale = list(_kept_alive(names, graph))
    return found + (stale or list(_updates(names, loss, optimizer)))


def _told(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _modes(model: Module, loss: Tensor) -> Iterator[str]:
    """Modules that behave differently in training, in the mode that does not fit."""
    wrong = [
        name or type(module).__name__
        for name, module in model.named_modules()
        if module.training is not loss.requires_grad and _has_modes(module)
    ]
    if wrong and loss.requires_grad:
        yield (
            f"{_told(wrong)} in evaluation mode while training; call model.train() before the step, unless "
            "frozen on purpose."
        )
    elif wrong:
        yield (
            f"{_told(wrong)} in training mode while evaluating; call model.eval() first, and model.train() afterwards."
        )


def _has_modes(module: Module) -> bool:
    """Whether a module itself does something else in training than in evaluation; a frozen norm is meant not to."""
    kind = type(module).__name__
    if "Dropout" in kind:
        return getattr(module, "p", 1) > 0
    if "BatchNorm" in kind or "InstanceNorm" in kind:
        own = list(module.parameters(recurse=False))
        return getattr(module, "track_running_stats", True) and not (own and not any(p.requires_grad for p in own))
    share = getattr(module, "dropout", 0)  # attention and recurrent layers drop between their parts
    return isinstance(share, (int, float)) and share > 0 and getattr(module, "num_layers", 2) > 1


def _holding(names: dict[Any, str], optimizer: Optimizer) -> Iterator[str]:
    """Parameters that the optimiser does not hold, and those it holds in vain."""
    held = dict.fromkeys(p for group in optimizer.param_groups for p in group["params"])
    forgotten = [name for p, name in names.items() if p.requires_grad and p not in held]
    if forgotten:
        yield (
            f"the optimiser does not hold {_told(forgotten)}, which will never change; make the optimiser from "
            f"model.parameters() after the model is complete, or freeze them with requires_grad_(False)."
        )
    strangers = [p.name or f"a tensor of shape {p.shape}" for p in held if p not in names]
    if strangers:
        yield (
            f"the optimiser holds {_told(strangers)}, which the model does not have; make the optimiser again "
            "after changing "
            f"the model, or put the tensor into the model as a Parameter."
        )


def _logits(graph: list[Any]) -> Iterator[str]:
    """Losses that apply softmax or sigmoid themselves, fed with the result of one."""
    for z in graph:
        if z.op is None or z.op.name not in _TAKES_LOGITS or not z.inputs:
            continue
        loss, wrong = _TAKES_LOGITS[z.op.name]
        x = z.inputs[0]
        while isinstance(x, Node) and x.op.name in _SAME_VALUES and x.inputs:
            x = x.inputs[0]
        if isinstance(x, Node) and x.op.name in wrong:
            name = x.op.name.replace("_", "-")
            yield f"{loss} takes logits, but gets the result of {name}; remove the {name}, the loss applies its own."


def _unreached(names: dict[Any, str], graph: list[Any]) -> Iterator[str]:
    reached = set(graph)
    missed = [name for p, name in names.items() if p.requires_grad and p not in reached]
    if missed:
        yield (
            f"the loss does not depend on {_told(missed)}; use the layer in forward() without .data, .numpy() or "
            f"detach() on the way, or remove it."
        )


def _never_zeroed(names: dict[Any, str]) -> Iterator[str]:
    old = [name for p, name in names.items() if p.grad is not None and p.grad.data.any()]
    if old:
        yield (
            f"{_told(old)} still with the gradient of an earlier backward(), to which the next adds; call "
            f"optimizer.zero_grad() before each backward(), unless you accumulate on purpose."
        )


def _kept_alive(names: dict[Any, str], graph: list[Any]) -> Iterator[str]:
    """Values recorded before the last update of a parameter, or already walked by backward."""
    for z in graph:
        if z.op is None:
            continue
        if is_gone(z) or any(writes.since(p.data, z.order) for p in names):
            yield (
                f"the loss depends on a {z.op.name} of shape {z.shape} from an earlier step, whose graph is kept alive "
                f"with it; detach() what is carried from step to step, and add up losses with .item()."
            )
            return


def _dtypes(graph: list[Any]) -> Iterator[str]:
    for z in graph:
        if z.op is None or not z.op.smooth:
            continue
        parts = {name: x for name, x in zip(z.op.inputs, held_inputs(z), strict=False) if hasattr(x, "dtype")}
        trained = {name for name, x in parts.items() if isinstance(x, Source) and x.requires_grad}
        narrow = [parts[name] for name in trained if parts[name].dtype == np.float32]
        wide = [name for name, x in parts.items() if x.dtype == np.float64 and name not in trained]
        if narrow and wide and z.dtype == np.float64:
            met = "weights" if any(x.op is None for x in narrow) else "predictions"
            yield (
                f"float64 data meets float32 {met} in {z.op.name}, so that everything after it is computed "
                f"in float64 at half the speed; give {wide[0]} as float32: x.astype('float32')."
            )
            return


def _dead(graph: list[Any]) -> Iterator[str]:
    """Layers of relu in which half of the units or more are 0 for every sample."""
    for z in graph:
        if z.op is None or z.op.name != "relu" or z.ndim < 2 or z.shape[0] < _ENOUGH:
            continue
        axis = 1 if z.ndim == 4 else z.ndim - 1  # channels of images, else the last
        silent = ~z.data.any(axis=tuple(i for i in range(z.ndim) if i != axis))
        if 2 * silent.sum() >= silent.size:
            yield (
                f"{int(silent.sum())} of {silent.size} units of a relu of shape {z.shape} are 0 for the whole "
                "batch and cannot learn; "
                f"lower the learning rate, check the initial weights, or use LeakyReLU."
            )


def _updates(names: dict[Any, str], loss: Tensor, optimizer: Optimizer) -> Iterator[str]:
    """Weights whose next update would be too long or too short beside them. The optimiser works on copies."""
    if loss.size != 1 or type(optimizer).update is Optimizer.update:
        return
    gradients: dict[Any, Any] = {}
    wanted: Any = dict.fromkeys(p for p in names if p.requires_grad)
    pull(loss, np.ones(loss.shape, loss.dtype), gradients.__setitem__, retain=True, targets=wanted)
    least, most = _HEALTHY
    long, short = [], []
    for group in optimizer.param_groups:
        for p in group["params"]:
            size = float(np.linalg.norm(p.data))
            if p not in names or p not in gradients or p.ndim < 2 or not size or not group["lr"]:
                continue
            state: dict[str, Any] = {
                k: v.copy() if isinstance(v, np.ndarray) else v for k, v in optimizer.state.get(p, {}).items()
            }
            state = state or optimizer.start(p, group)
            after = p.data.copy()
            optimizer.update(after, np.array(gradients[p]), state, **optimizer.numbers(group, state["step"] + 1))
            ratio = float(np.linalg.norm(after - p.data)) / size
            if not ratio <= most:
                long.append((names[p], ratio))
            elif ratio < least:
                short.append((names[p], ratio))
    if long:
        name, ratio = max(long, key=lambda pair: pair[1])
        yield (
            f"the next update of {name} is {ratio:.2g} times as long as the weights (about 0.001 is usual); "
            "lower the learning rate or clip gradients."
        )
    if short:
        name, ratio = min(short, key=lambda pair: pair[1])
        yield (
            f"the next update of {name} is only {ratio:.2g} times as long as the weights (about 0.001 is "
            "usual); raise the learning rate, or look for a vanishing gradient."
        )

"""A module's call with its forward and backward hooks, in PyTorch's order and with PyTorch's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from micrograd_np.core import trees
from micrograd_np.core.hooks import Hooks
from micrograd_np.core.modes import mode
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.shape import reshape


class Hooked(Protocol):
    """What this file needs of a `Module`."""

    _hooks: dict[str, Hooks] | None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes."""


def call(module: Hooked, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """``module.forward(*args, **kwargs)`` with the hooks of `module`, reported to ``mode.events``."""
    events = mode.events
    events.entered(module)
    try:
        hooks = module._hooks or {}
        for hook, options in hooks.get("forward_pre", ()):
            answer = _forward_hook(hook, options, module, args, kwargs)
            if answer is not None:
                args, kwargs = answer if options["with_kwargs"] else (_as_tuple(answer), kwargs)
        backward = mode.recording and (hooks.get("backward") or hooks.get("backward_pre"))
        return (_with_backward_hooks if backward else _forward)(module, hooks, args, kwargs)
    finally:
        events.left(module)


def _forward(module: Hooked, hooks: Mapping[str, Hooks], args: Any, kwargs: Any) -> Any:
    after = hooks.get("forward", ())
    try:
        result = module.forward(*args, **kwargs)
        for hook, options in after:
            answer = _forward_hook(hook, options, module, args, kwargs, result)
            result = result if answer is None else answer
    except BaseException:
        for hook, options in after:
            if options["always_call"]:
                _forward_hook(hook, options, module, args, kwargs, None)
        raise
    return result


def _with_backward_hooks(module: Hooked, hooks: Mapping[str, Hooks], args: Any, kwargs: Any) -> Any:
    backward, before = hooks.get("backward", ()), hooks.get("backward_pre", ())
    waiting: list[Any] = []  # the gradients of the result, until those of the arguments have arrived too
    leaves = _leaves(args)
    needed = any(isinstance(x, Tensor) and x.requires_grad for x in leaves)

    def result_gradients(gradients: tuple[Any, ...]) -> Any:
        replaced = _backward_hooks(before, module, gradients)
        if needed:
            waiting[:] = [replaced]
        else:
            _backward_hooks(backward, module, (None,) * len(leaves), replaced)
        return replaced

    def argument_gradients(gradients: tuple[Any, ...]) -> Any:
        return _backward_hooks(backward, module, gradients, waiting.pop() if waiting else ())

    if backward and needed:
        args = _join_gradients(args, argument_gradients)
    return _join_gradients(_forward(module, hooks, args, kwargs), result_gradients)


def _forward_hook(hook: Any, options: Mapping[str, Any], module: Hooked, args: Any, kwargs: Any, *result: Any) -> Any:
    return hook(module, args, kwargs, *result) if options["with_kwargs"] else hook(module, args, *result)


def _backward_hooks(hooks: Any, module: Hooked, gradients: tuple[Any, ...], *more: Any) -> tuple[Any, ...]:
    """The gradients as the hooks, called in order, leave them."""
    for hook, _ in hooks:
        answer = hook(module, gradients, *more)
        if answer is not None:
            answer = _as_tuple(answer)
            if len(answer) != len(gradients):
                raise ValueError(
                    f"a backward hook of {type(module).__name__} returned {len(answer)} gradients and was given "
                    f"{len(gradients)}; return one for each (None where there was None), or None to change nothing."
                )
            gradients = answer
    return gradients


def _join_gradients(tree: Any, f: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Any:
    """The same tensors; in a backward pass ``f(gradients)``, called once, replaces all their gradients together.

    The gradient of a tensor that has none is None. Every tensor passes through two vertices: the backward pass reaches
    the later one of each, which collects its gradient, before the earlier one of any, where all gradients are known.
    """
    leaves = _leaves(tree)
    live = [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x.requires_grad]
    if not live:
        return tree
    collected: list[Any] = [None] * len(leaves)
    replaced: list[tuple[Any, ...]] = []  # what `f` returned, once it has been called

    def collect(i: int, g: Any) -> None:
        if replaced:  # another backward pass begins
            replaced.clear()
            collected[:] = [None] * len(leaves)
        collected[i] = g

    def replace(i: int, g: Any) -> Any:
        if not replaced:
            replaced.append(f(tuple(collected)))
        return replaced[0][i]

    for hook in (replace, collect):
        for i in live:
            leaves[i] = reshape(leaves[i], shape=leaves[i].shape)
            leaves[i].register_hook(partial(hook, i))
    return trees.rebuild(tree, iter(leaves), modules=False)


def _leaves(tree: Any) -> list[Any]:
    return [x for _, x in trees.leaves(tree, modules=False)]


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)

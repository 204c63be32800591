"""A module's call with hooks around it, forward and backward, in PyTorch's order and with PyTorch's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from micrograd_np.core import trees
from micrograd_np.core.modes import mode
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.shape import reshape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from micrograd_np.core.hooks import Hooks

    from .module import Module

    Meeting = Callable[[tuple[Any, ...]], Any]


def call(module: Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """``module.forward(*args, **kwargs)`` with everything around it that was asked for."""
    events = mode.events
    events.entered(module)
    try:
        return _hooked(module, args, kwargs)
    finally:
        events.left(module)


def _hooked(module: Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    hooks: Mapping[str, Hooks] = vars(module).get("_hooks") or {}
    for hook, options in hooks.get("forward_pre", ()):
        args, kwargs = _before(hook, options, module, args, kwargs)
    gated = mode.recording and bool(hooks.get("backward") or hooks.get("backward_pre"))
    return _two_sided(module, hooks, args, kwargs) if gated else _forward(module, hooks, args, kwargs)


def _before(hook: Any, options: Mapping[str, Any], module: Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    if options["with_kwargs"]:
        answer = hook(module, args, kwargs)
        return (args, kwargs) if answer is None else answer
    answer = hook(module, args)
    if answer is None:
        return args, kwargs
    return answer if isinstance(answer, tuple) else (answer,), kwargs


def _forward(module: Module, hooks: Mapping[str, Hooks], args: Any, kwargs: Any) -> Any:
    after = hooks.get("forward", ())
    try:
        result = module.forward(*args, **kwargs)
        for hook, options in after:
            result = _after(hook, options, module, args, kwargs, result)
    except BaseException:
        for hook, options in after:
            if options["always_call"]:
                _after(hook, options, module, args, kwargs, None)
        raise
    return result


def _two_sided(module: Module, hooks: Mapping[str, Hooks], args: Any, kwargs: Any) -> Any:
    """The call between two gates, at which the gradients of its result and of its arguments meet on their way back."""
    backward, before = hooks.get("backward", ()), hooks.get("backward_pre", ())
    waiting: list[Any] = []  # the gradients of the result, until those of the arguments are there too
    needed = any(isinstance(x, Tensor) and x.requires_grad for x in _tensors(args))

    def met(gradients: tuple[Any, ...]) -> Any:
        replaced = _ask(before, module, gradients)
        if needed:
            waiting[:] = [replaced]
        else:
            _ask(backward, module, (None,) * len(_tensors(args)), replaced)
        return replaced

    if backward and needed:
        args = _gated(args, lambda gradients: _ask(backward, module, gradients, waiting.pop() if waiting else ()))
    return _gated(_forward(module, hooks, args, kwargs), met)


def _after(
    hook: Callable[..., Any], options: Mapping[str, Any], module: Module, args: Any, kwargs: Any, result: Any
) -> Any:
    answer = hook(module, args, kwargs, result) if options["with_kwargs"] else hook(module, args, result)
    return result if answer is None else answer


def _ask(hooks: Any, module: Module, gradients: tuple[Any, ...], *more: Any) -> tuple[Any, ...]:
    """The gradients after every hook has had its say about them."""
    for hook, _ in hooks:
        answer = hook(module, gradients, *more)
        if answer is not None:
            answer = answer if isinstance(answer, tuple) else (answer,)
            if len(answer) != len(gradients):
                raise ValueError(
                    f"a backward hook of {type(module).__name__} returned {len(answer)} gradients and was given "
                    f"{len(gradients)}; return one for each (None where there was None), or None to change nothing."
                )
            gradients = answer
    return gradients


def _gated(tree: Any, meet: Meeting) -> Any:
    """The same tensors, recorded once more such that their gradients meet on their way back.

    ``meet(gradients)`` is called once in a walk, with None for what no gradient reached, and returns what goes on.
    Every tensor passes two vertices. A walk goes back in order, so it passes all of the later ones, where gradients
    are collected, before the first of the earlier ones, where all of them have come.
    """
    leaves = _tensors(tree)
    live = [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x.requires_grad]
    if not live:
        return tree
    collected: list[Any] = [None] * len(leaves)
    decided: list[tuple[Any, ...]] = []

    def collect(i: int) -> Callable[[Any], None]:
        def hook(g: Any) -> None:
            if decided:  # a new walk
                decided.clear()
                collected[:] = [None] * len(leaves)
            collected[i] = g

        return hook

    def decide(i: int) -> Callable[[Any], Any]:
        def hook(g: Any) -> Any:
            if not decided:
                decided.append(meet(tuple(collected)))
            return decided[0][i]

        return hook

    for visit in (decide, collect):
        for i in live:
            x = leaves[i]
            leaves[i] = reshape(x, shape=x.shape)
            leaves[i].register_hook(visit(i))
    return trees.rebuild(tree, iter(leaves), modules=False)


def _tensors(tree: Any) -> list[Any]:
    """The tensors in nested lists, tuples and dicts, and whatever else stands beside them."""
    return [x for _, x in trees.leaves(tree, modules=False)]

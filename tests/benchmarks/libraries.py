"""The libraries of the table of ops: where each keeps its functions, and how it takes a gradient."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from .ops import op_named

Step = Callable[[], Any]

# For each library, the modules to look for a function in, in that order.
PLACES = {
    "numpy": ("numpy",),
    "ours": ("micrograd_np", "micrograd_np.functional", "micrograd_np.linalg"),
    "torch": ("torch", "torch.nn.functional"),
    "autograd": ("autograd.numpy", "autograd.scipy.special"),
    "mygrad": ("mygrad", "mygrad.nnet.activations"),
}


class Names:
    """Several modules as one namespace. A name that none of them has raises NotImplementedError."""

    def __init__(self, places: tuple[str, ...]) -> None:
        """``places``: module names; those that do not exist are passed over."""
        self.modules = [import_module(place) for place in places if _exists(place)]

    def __getattr__(self, name: str) -> Any:
        for module in self.modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise NotImplementedError(name)


def _exists(place: str) -> bool:
    try:
        return find_spec(place) is not None
    except ModuleNotFoundError:
        return False


def installed(library: str) -> bool:
    """Whether the library can be imported."""
    return _exists(PLACES[library][0].partition(".")[0])


def build(library: str, case: str) -> tuple[Step, Callable[[Any], Any]]:
    """The step that computes a value and all gradients, and a function that makes either an array."""
    name, size, dtype = case.split("|")
    op = op_named(name)
    arrays = op.arrays(size, dtype)
    if library == "numpy":
        return _by_hand(op, arrays), list
    call = op.other.get(library, op.call)
    if call is None:
        raise NotImplementedError
    return BUILDERS[library](call, Names(PLACES[library]), arrays)


def _by_hand(op: Any, arrays: list[Any]) -> Step:
    if op.hand is None:
        raise NotImplementedError
    probe = np.zeros((), arrays[0].dtype)
    try:
        shape = op.call(Names(PLACES["numpy"]), *arrays).shape
    except NotImplementedError:  # NumPy has no such function; then it is elementwise, or along the last axis
        shape = arrays[0].shape[:1] if op.name == "logsumexp" else arrays[0].shape
    g = np.ones(shape, probe.dtype)
    return lambda: op.hand(*arrays, g)


def _ours(call: Callable[..., Any], names: Names, arrays: list[Any]) -> tuple[Step, Callable[[Any], Any]]:
    import micrograd_np as mg

    inputs = [mg.Tensor(array, requires_grad=True) for array in arrays]
    seed = mg.Tensor(np.ones(call(names, *inputs).shape, arrays[0].dtype))

    def step() -> Any:
        for x in inputs:
            x.grad = None
        z = call(names, *inputs)
        z.backward(seed)
        return z

    return step, lambda z: [z.data, *(x.grad.data for x in inputs)]


def _torch(call: Callable[..., Any], names: Names, arrays: list[Any]) -> tuple[Step, Callable[[Any], Any]]:
    import torch

    inputs = [torch.from_numpy(array).requires_grad_() for array in arrays]
    seed = torch.ones_like(call(names, *inputs))

    def step() -> Any:
        for x in inputs:
            x.grad = None
        z = call(names, *inputs)
        z.backward(seed)
        return z

    return step, lambda z: [z.detach().numpy(), *(x.grad.numpy() for x in inputs)]


def _autograd(call: Callable[..., Any], names: Names, arrays: list[Any]) -> tuple[Step, Callable[[Any], Any]]:
    from autograd import make_vjp

    pull_from = make_vjp(lambda inputs: call(names, *inputs))
    seed = np.ones(np.shape(pull_from(arrays)[1]), arrays[0].dtype)

    def step() -> Any:
        pull, z = pull_from(arrays)
        return z, pull(seed)

    return step, lambda pair: [pair[0], *pair[1]]


def _mygrad(call: Callable[..., Any], names: Names, arrays: list[Any]) -> tuple[Step, Callable[[Any], Any]]:
    import mygrad

    mygrad.turn_memory_guarding_off()
    inputs = [mygrad.tensor(array) for array in arrays]
    seed = np.ones(call(names, *inputs).shape, arrays[0].dtype)

    def step() -> Any:
        z = call(names, *inputs)
        z.backward(seed)
        return z

    return step, lambda z: [z.data, *(x.grad for x in inputs)]


BUILDERS = {"ours": _ours, "torch": _torch, "autograd": _autograd, "mygrad": _mygrad}

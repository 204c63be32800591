"""Many tensors as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.shape import concatenate, reshape

from .advice import listed


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all `parameters`, in order, along one axis. ValueError if there are none.

    >>> parameters_to_vector([Tensor([[1.0, 2.0]]), Tensor(3.0)])
    Tensor([1., 2., 3.])
    """
    parts = [reshape(p, shape=(-1,)) for p in listed("parameters_to_vector", parameters)]
    if not parts:
        raise ValueError("parameters_to_vector: there are no parameters; found an empty list.")
    return concatenate(*parts)


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Write the elements of `vec` into the memory of `parameters`, in order. ValueError if their numbers differ.

    >>> import micrograd_np as mg
    >>> p, q = mg.zeros(2), mg.zeros(1)
    >>> mg.optim.vector_to_parameters(mg.Tensor([1.0, 2.0, 3.0]), [p, q])
    >>> p, q
    (Tensor([1., 2.]), Tensor([3.]))
    """
    parameters = listed("vector_to_parameters", parameters)
    vec = vec if isinstance(vec, Tensor) else Tensor(np.asarray(vec))
    size = sum(p.size for p in parameters)
    if vec.shape != (size,):
        raise ValueError(f"vector_to_parameters: vec is {vec.shape}, and the parameters have {size} elements.")
    start = 0
    with no_grad():
        for p in parameters:
            p.copy_(reshape(vec[start : start + p.size], shape=p.shape))
            start += p.size

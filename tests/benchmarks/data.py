"""The arrays of a workload: initial parameters under PyTorch's names and shapes, and one batch. Equal for everybody."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np

from .workloads import CLASSES, Workload

Array = np.ndarray

# A sigmoid's slope is at most 1/4. With PyTorch's initial weights the gradient of the 50-layer net falls to 1e-42 on
# its way down, below the normal float32 numbers, and what is timed then is how the processor treats denormals.
SIGMOID_GAIN = 4.0


def shapes(workload: Workload) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by its name in PyTorch's ``state_dict``, in order."""
    match workload.kind:
        case "mlp":  # every other module of the Sequential is a Sigmoid
            pairs = enumerate(zip(workload.sizes, workload.sizes[1:], strict=False))
            return {
                name: shape
                for i, (n_in, n_out) in pairs
                for name, shape in ((f"{2 * i}.weight", (n_out, n_in)), (f"{2 * i}.bias", (n_out,)))
            }
        case "lenet":
            return {
                "conv1.weight": (6, 1, 5, 5),
                "conv1.bias": (6,),
                "conv2.weight": (16, 6, 5, 5),
                "conv2.bias": (16,),
                "fc1.weight": (120, 256),
                "fc1.bias": (120,),
                "fc2.weight": (84, 120),
                "fc2.bias": (84,),
                "fc3.weight": (CLASSES, 84),
                "fc3.bias": (CLASSES,),
            }
        case "lstm":
            features, hidden = workload.sizes
            return {
                "lstm.weight_ih_l0": (4 * hidden, features),
                "lstm.weight_hh_l0": (4 * hidden, hidden),
                "lstm.bias_ih_l0": (4 * hidden,),
                "lstm.bias_hh_l0": (4 * hidden,),
                "head.weight": (CLASSES, hidden),
                "head.bias": (CLASSES,),
            }
        case "transformer":
            width, wide = workload.sizes
            return {
                "self_attn.in_proj_weight": (3 * width, width),
                "self_attn.in_proj_bias": (3 * width,),
                "self_attn.out_proj.weight": (width, width),
                "self_attn.out_proj.bias": (width,),
                "linear1.weight": (wide, width),
                "linear1.bias": (wide,),
                "linear2.weight": (width, wide),
                "linear2.bias": (width,),
                "norm1.weight": (width,),
                "norm1.bias": (width,),
                "norm2.weight": (width,),
                "norm2.bias": (width,),
            }
        case "elementwise":
            return {"x": workload.sizes}
    raise ValueError(f"shapes: the kind {workload.kind!r} is unknown")


def parameters(workload: Workload) -> dict[str, Array]:
    """Fresh C-contiguous arrays of the workload's dtype, the same ones at every call."""
    generator = np.random.default_rng(0)
    gain = SIGMOID_GAIN if workload.kind == "mlp" else 1.0
    arrays = {name: _initial(generator, name, shape, gain) for name, shape in shapes(workload).items()}
    return {name: array.astype(workload.dtype) for name, array in arrays.items()}


def _initial(generator: np.random.Generator, name: str, shape: tuple[int, ...], gain: float) -> Array:
    if "norm" in name:
        return np.full(shape, 1.0 if name.endswith("weight") else 0.0, np.float32)
    scale = gain / sqrt(prod(shape[1:])) if len(shape) > 1 else 1.0
    values = scale * generator.standard_normal(shape, np.float32)
    if gain != 1.0 and len(shape) > 1:  # activations average 1/2: rows that sum to 0 keep the next layer in its range
        values -= values.mean(axis=1, keepdims=True)
    return values.astype(np.float32)


def batch(workload: Workload) -> tuple[Array, Array]:
    """Inputs and targets: ``(batch, ...)``, for the LSTM ``(steps, batch, features)``; labels are int64."""
    generator = np.random.default_rng(1)
    n, labels = workload.batch, generator.integers(0, CLASSES, workload.batch)

    def normal(*shape: int) -> Array:
        return generator.standard_normal(shape, np.float32).astype(workload.dtype)

    match workload.kind:
        case "mlp":
            return normal(n, workload.sizes[0]), generator.random((n, workload.sizes[-1]), np.float32).astype(
                workload.dtype
            )
        case "lenet":
            return normal(n, 1, *workload.sizes), labels
        case "lstm":
            return normal(workload.steps, n, workload.sizes[0]), labels
        case "transformer":
            return normal(n, workload.steps, workload.sizes[0]), normal(n, workload.steps, workload.sizes[0])
        case "elementwise":  # its parameter is x; only y is data
            return np.empty(0, np.float32), normal(*workload.sizes)
    raise ValueError(f"batch: the kind {workload.kind!r} is unknown")

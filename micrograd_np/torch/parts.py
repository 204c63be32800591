"""What is in PyTorch's modules beside ``torch`` itself, by dotted name."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import micrograd_np as mg
from micrograd_np import data as _data
from micrograd_np import optim as _optim
from micrograd_np.autograd import transforms
from micrograd_np.core.vertex import Vertex

from . import nn
from .dtypes import Size, check_device, default, device, dtype, get_default_dtype, named, set_default_dtype
from .function import Context, Function
from .table import ELEMENTWISE, FLOATS, REDUCTIONS, Determinant, _cast, _floats, _power, _promoted, _row, _solve, _vander, _vector_norm
from .tensor import Buffer, Parameter, Tensor, as_torch


def _converted(f: Any, name: str | None = None) -> Any:
    """`f`, whose results are PyTorch's tensors."""
    return _row(name or f.__name__, f)


# saving


def save(obj: Any, f: Any, *args: Any, **settings: Any) -> None:
    """Write tensors, a state dict, or a dict or list of such into the file `f`, in this package's format.

    No pickle, whatever the name ends in: arrays in .npz, or .safetensors where the name says so. TypeError for what is
    not numbers, strings and dicts, lists and tuples of them.
    """
    if not isinstance(f, (str, Path)):
        with TemporaryDirectory() as folder:
            f.write(mg.save(obj, Path(folder) / "x.npz").read_bytes())
        return
    path = Path(f)
    if path.suffix in (".npz", ".safetensors"):
        mg.save(obj, path)
        return
    with TemporaryDirectory(dir=path.parent) as folder:
        mg.save(obj, Path(folder) / "x.npz").replace(path)


def load(f: Any, map_location: Any = None, *args: Any, weights_only: Any = None, **settings: Any) -> Any:
    """What `save` wrote, with tensors; also a .safetensors file by PyTorch. A pickle by PyTorch is refused."""
    if isinstance(map_location, (str, device)):
        check_device(map_location)
    if isinstance(f, (str, Path)):
        return as_torch(mg.load(f))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        path.write_bytes(f.read())
        return as_torch(mg.load(path))


# derivatives


def _on_tensors(transform: Callable[..., Any]) -> Any:
    """A transform of functions of tensors: the functions get PyTorch's tensors, the results are such."""

    def transformed(func: Any, *args: Any, **settings: Any) -> Any:
        inner = transform(lambda *xs, **kw: func(*as_torch(xs), **kw), *args, **settings)
        return lambda *xs, **kw: as_torch(inner(*xs, **kw))

    transformed.__name__, transformed.__doc__ = transform.__name__, transform.__doc__
    return transformed


def _grad(outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any, only_inputs: bool = True, **settings: Any) -> Any:
    settings.pop("is_grads_batched", None)
    return mg.autograd.grad(outputs, inputs, grad_outputs, *args, **settings)


def _of_functions(transform: Any) -> Any:
    """``jacobian(func, inputs)``, of one tensor or of a tuple of them."""

    def functional(func: Any, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False, **other: Any) -> Any:
        several = isinstance(inputs, tuple)
        xs = inputs if several else (inputs,)
        by = tuple(range(len(xs))) if several else 0
        return _on_tensors(transform)(func, by)(*xs)

    return functional


def _hessian(func: Any, inputs: Any, create_graph: bool = False, **settings: Any) -> Any:
    return _of_functions(transforms.hessian)(lambda *xs: func(*xs).reshape(()), inputs)


def _vjp(func: Any, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    xs = inputs if isinstance(inputs, tuple) else (inputs,)
    y, pull = transforms.vjp(lambda *zs: func(*as_torch(zs)), *xs)
    g = pull(mg.ones_like(y) if v is None else v)
    return as_torch((y, g if isinstance(inputs, tuple) else g[0]))


def _jvp(func: Any, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    xs, vs = (z if isinstance(z, tuple) else (z,) for z in (inputs, mg.ones_like(inputs) if v is None else v))
    return as_torch(transforms.jvp(lambda *zs: func(*as_torch(zs)), xs, vs))


def _backward(tensors: Any, grad_tensors: Any = None, retain_graph: Any = None, create_graph: bool = False, **other: Any) -> None:
    ys = [tensors] if isinstance(tensors, Vertex) else list(tensors)
    gs = [None] * len(ys) if grad_tensors is None else [grad_tensors] if isinstance(grad_tensors, Vertex) else grad_tensors
    for i, (y, g) in enumerate(zip(ys, gs, strict=True)):
        y.backward(g, retain_graph or i < len(ys) - 1, create_graph)


class set_detect_anomaly:  # noqa: N801  PyTorch's name
    """Find the first operation with a result that is not finite, inside; see ``mg.detect_nonfinite``."""

    def __init__(self, mode: bool = True, check_nan: bool = True) -> None:
        self.watch: Any = mg.detect_nonfinite() if mode and check_nan else None

    def __enter__(self) -> None:
        if self.watch is not None:
            self.watch.__enter__()

    def __exit__(self, *error: Any) -> None:
        if self.watch is not None:
            self.watch.__exit__(*error)


class inference_mode(mg.no_grad):  # type: ignore[misc]  # noqa: N801  PyTorch's name
    """`no_grad`, or nothing where `mode` is False; also a decorator."""

    def __new__(cls, mode: Any = True) -> Any:
        if callable(mode):
            return mg.no_grad()(mode)
        return mg.no_grad() if mode else mg.enable_grad()


# data


def _collate(batch: Any) -> Any:
    """Samples as one batch of tensors: of Python's floats in float64, as PyTorch does."""
    return as_torch(_data.collate(batch))


class DataLoader(_data.DataLoader):
    """Batches of a dataset, as lists of tensors; `num_workers` threads prepare them ahead."""

    def __init__(self, dataset: Any, *args: Any, **settings: Any) -> None:
        for name in ("pin_memory", "timeout", "persistent_workers", "prefetch_factor", "multiprocessing_context"):
            settings.pop(name, None)
        if settings.pop("worker_init_fn", None) is not None:
            raise NotImplementedError("DataLoader: workers are threads, so there is no worker_init_fn.")
        super().__init__(dataset, *args, **settings)

    def __iter__(self) -> Any:
        return map(as_torch, super().__iter__())


class TensorDataset(_data.TensorDataset):
    """Samples along the first axis of tensors."""

    def __init__(self, *tensors: Any) -> None:
        super().__init__(*tensors)
        self.tensors = tensors

    def __getitem__(self, i: Any) -> Any:
        return as_torch(super().__getitem__(i))


# what there is one of


class _Cuda:
    """Answers for devices that are not here."""

    is_available = staticmethod(lambda: False)
    is_built = staticmethod(lambda: False)
    device_count = staticmethod(lambda: 0)
    is_initialized = staticmethod(lambda: False)
    manual_seed = manual_seed_all = empty_cache = synchronize = staticmethod(lambda *args: None)


class Generator(mg.random.Generator):
    """A source of random numbers: ``torch.Generator().manual_seed(0)``."""

    def __init__(self, device: Any = None) -> None:
        bits = device if isinstance(device, np.random.BitGenerator) else None
        if bits is None:
            check_device(device)
        super().__init__(bits)

    def __reduce__(self) -> Any:
        return Generator, (self.bit_generator,)

    def initial_seed(self) -> int:
        """PyTorch's seed is not here: ``get_state()`` gives the state."""
        raise NotImplementedError("initial_seed: keep the seed yourself, or get_state() and set_state(state).")


def manual_seed(seed: int) -> Any:
    """Restart the generator of all draws."""
    return mg.manual_seed(int(seed))


def compiled(model: Any = None, **settings: Any) -> Any:
    """A model unchanged; a function as ``mg.compile`` compiles it, its results as tensors."""
    if model is None:
        return lambda model: compiled(model)
    if isinstance(model, mg.nn.Module):
        return model
    step = mg.compile(model)
    return lambda *args, **named: as_torch(step(*args, **named))


def finfo(dtype: Any = None) -> Any:
    """The limits of a floating dtype."""
    return np.finfo(np.dtype(dtype or default()))


def iinfo(dtype: Any) -> Any:
    """The limits of a whole dtype."""
    return np.iinfo(np.dtype(dtype))


def set_printoptions(**settings: Any) -> None:
    """Tensors are printed as they are: the settings change nothing."""


def _nothing(*args: Any, **settings: Any) -> None:
    """Nothing: there is nothing to choose here."""


TOP: dict[str, Any] = {
    "Tensor": Tensor, "Size": Size, "device": device, "dtype": dtype, "Generator": Generator,
    "get_default_dtype": get_default_dtype, "set_default_dtype": set_default_dtype,
    "manual_seed": manual_seed, "seed": lambda: manual_seed(np.random.SeedSequence().entropy % 2**63),  # type: ignore[operator]
    "get_rng_state": mg.random.get_state, "set_rng_state": mg.random.set_state,
    "no_grad": mg.no_grad, "enable_grad": mg.enable_grad, "set_grad_enabled": mg.set_grad_enabled,
    "is_grad_enabled": mg.is_grad_enabled, "inference_mode": inference_mode,
    "save": save, "load": load, "compile": compiled, "finfo": finfo, "iinfo": iinfo,
    "set_printoptions": set_printoptions, "set_default_device": check_device, "get_default_device": device, "set_num_threads": _nothing, "get_num_threads": lambda: 1,
    "use_deterministic_algorithms": _nothing, "set_float32_matmul_precision": _nothing,
    "pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan, "newaxis": None,
    "strided": "torch.strided", "contiguous_format": None, "preserve_format": None, "channels_last": None,
    **{f"{kind}Tensor": (lambda kind: lambda *data: Tensor(*data).to(kind))(name) for kind, name in zip("Float Double Half Long Int Bool Byte".split(), "float32 float64 float16 int64 int32 bool uint8".split(), strict=True)},
    "__version__": "2.13.0+micrograd_np",
}  # fmt: skip
"""What is in ``torch`` beside functions of tensors."""


def _normed(input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    x = _cast(input, dtype)
    if ord is None:
        return _vector_norm(x, 2, dim, keepdim)
    axis = tuple(dim) if isinstance(dim, (list, tuple)) and len(dim) > 1 else dim[0] if isinstance(dim, (list, tuple)) else dim
    return mg.linalg.norm(x, ord, axis, keepdim)


def _matrix_norm(input: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:
    if ord not in ("fro", 1, -1, np.inf, -np.inf):
        raise NotImplementedError(f"matrix_norm: ord={ord!r} needs singular values, which are not here.")
    return mg.linalg.norm(_cast(input, dtype), ord, tuple(dim), keepdim)


_LINALG: dict[str, Any] = {
    "inv": mg.linalg.inv, "det": mg.linalg.det, "matrix_power": _power,
    "slogdet": lambda A: Determinant(*mg.linalg.slogdet(A)),
    "solve": _solve,
    "cholesky": lambda input, *, upper=False: mg.linalg.cholesky(input).mT if upper else mg.linalg.cholesky(input),
    "multi_dot": lambda tensors: mg.linalg.multi_dot(tensors),
    "vector_norm": _vector_norm, "norm": _normed, "matrix_norm": _matrix_norm,
    "cross": lambda input, other, *, dim=-1: mg.cross(*mg.broadcast_arrays(input, other), axis=dim),
    "diagonal": lambda A, *, offset=0, dim1=-2, dim2=-1: mg.diagonal(A, offset=offset, axis1=dim1, axis2=dim2),
    "vecdot": lambda x, y, *, dim=-1: (x * y).sum(axis=dim),
    "matmul": mg.matmul, "vander": lambda x, *, N=None: _vander(x, N),
}  # fmt: skip
_UTILS = {name: getattr(_optim, name) for name in "clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters".split()}
_DATA = {name: getattr(_data, name) for name in "Dataset Subset random_split".split()}
_SAMPLERS = "BatchSampler ChainDataset ConcatDataset IterableDataset RandomSampler Sampler SequentialSampler StackDataset"
_DATA |= {name: getattr(_data, name) for name in f"{_SAMPLERS} SubsetRandomSampler WeightedRandomSampler".split() if hasattr(_data, name)}
_FUNC = {name: _on_tensors(getattr(transforms, name)) for name in ("grad", "hessian")}
_FUNC |= {"grad_and_value": lambda func, *a, **k: lambda *xs: _on_tensors(transforms.value_and_grad)(func, *a, **k)(*xs)[::-1]}
_FUNC |= dict.fromkeys(("jacrev", "jacfwd"), _on_tensors(transforms.jacobian))
_FUNC |= {
    "functional_call": lambda module, parameters, args=(), kwargs=None: as_torch(mg.functional_call(module, parameters, args, kwargs or {})),
    "vjp": lambda func, *primals: (lambda y, pull: (as_torch(y), lambda g: as_torch(pull(g))))(*transforms.vjp(lambda *xs: func(*as_torch(xs)), *primals)),
    "jvp": lambda func, primals, tangents: as_torch(transforms.jvp(lambda *xs: func(*as_torch(xs)), primals, tangents)),
}
_INIT = {name: getattr(mg.nn.init, name) for name in mg.nn.init.__all__}

PARTS: dict[str, dict[str, Any]] = {
    "nn.functional": nn.FUNCTIONAL,
    "nn.init": _INIT | {name.removesuffix("_"): f for name, f in _INIT.items()},
    "nn.utils": {name: _converted(f) for name, f in _UTILS.items()},
    "nn.parameter": {"Parameter": Parameter, "Buffer": Buffer},
    "nn.modules": {name: x for name, x in nn.LAYERS.items()},
    "optim": {name: getattr(_optim, name) for name in _optim.__all__ if name[0].isupper()},
    "optim.lr_scheduler": {name: getattr(_optim.lr_scheduler, name) for name in _optim.lr_scheduler.__all__},
    "optim.optimizer": {"Optimizer": _optim.Optimizer},
    "utils": {},
    "utils.data": _DATA | {"DataLoader": DataLoader, "TensorDataset": TensorDataset, "default_collate": _collate},
    "utils.data.dataset": {"Dataset": _data.Dataset, "TensorDataset": TensorDataset},
    "utils.checkpoint": {"checkpoint": lambda function, *args, use_reentrant=None, **settings: as_torch(mg.checkpoint(function, *args, **settings))},
    "autograd": {
        "Function": Function, "Variable": lambda data, requires_grad=False: data.requires_grad_(requires_grad),
        "grad": _converted(_grad, "grad"), "backward": _backward, "no_grad": mg.no_grad, "enable_grad": mg.enable_grad,
        "set_grad_enabled": mg.set_grad_enabled, "gradcheck": mg.gradcheck, "gradgradcheck": mg.gradgradcheck,
        "detect_anomaly": set_detect_anomaly, "set_detect_anomaly": set_detect_anomaly,
    },
    "autograd.function": {"Function": Function, "FunctionCtx": Context},
    "autograd.functional": {"jacobian": _of_functions(transforms.jacobian), "hessian": _hessian, "vjp": _vjp, "jvp": _jvp},
    "func": _FUNC,
    "linalg": {name: _row(name, f) for name, f in _LINALG.items()},
    "special": {name.removeprefix("special_"): _row(name, f, _floats) for name, f in FLOATS.items()}
    | {"xlogy": _row("xlogy", ELEMENTWISE["xlogy"], _promoted), "xlog1py": _row("xlog1py", ELEMENTWISE["special_xlog1py"], _promoted)},
    "random": {"manual_seed": manual_seed, "get_rng_state": mg.random.get_state, "set_rng_state": mg.random.set_state},
    "cuda": vars(_Cuda), "mps": vars(_Cuda), "version": {"cuda": None, "__version__": "2.13.0"},
    "backends": {}, "backends.cudnn": {"deterministic": False, "benchmark": False, "enabled": False, "is_available": lambda: False},
    "backends.mps": {"is_available": lambda: False, "is_built": lambda: False}, "backends.cuda": {},
}  # fmt: skip
PARTS["special"] |= {"softmax": _row("softmax", REDUCTIONS["softmax"]), "log_softmax": _row("log_softmax", REDUCTIONS["log_softmax"])}
PARTS["cuda"] = {name: getattr(_Cuda, name) for name in vars(_Cuda) if not name.startswith("__")}
PARTS["mps"] = PARTS["cuda"]

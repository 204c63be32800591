"""What is in ``torch`` beside functions of tensors, and in its modules, by dotted name."""

from __future__ import annotations

from typing import Any

import numpy as np

import micrograd_np as mg
from micrograd_np import data as _data
from micrograd_np import optim as _optim
from micrograd_np.autograd import transforms
from micrograd_np.nn import packed

from . import data, derivatives, files, nn, schedules
from .dtypes import DTYPES, Size, check_device, default, device, dtype, get_default_dtype, set_default_dtype
from .function import Context, Function
from .printing import set_printoptions
from .table import _row, read
from .tensor import TYPES, Buffer, Parameter, Tensor, as_tensor, as_torch, from_numpy, tensor


class Generator(mg.random.Generator):
    """A source of random numbers: ``torch.Generator().manual_seed(0)``."""

    def __init__(self, device: Any = None) -> None:
        bits = device if isinstance(device, np.random.BitGenerator) else None
        check_device(None if bits is not None else device)
        super().__init__(bits)

    def __reduce__(self) -> Any:
        return Generator, (self.bit_generator,)


class finfo:  # noqa: N801  PyTorch's name
    """The limits of a floating dtype, as Python's numbers: `eps`, `max`, `min`, `tiny`, `bits`, …

    >>> import micrograd_np.torch as torch
    >>> torch.finfo(torch.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: Any = None) -> None:
        info = np.finfo(np.dtype(type or default()))
        self.bits, self.dtype = info.bits, info.dtype.name
        for name in ("eps", "max", "min", "tiny", "smallest_normal", "resolution"):
            setattr(self, name, float(getattr(info, name)))


class _Typed:
    """``torch.FloatTensor``: makes tensors of a dtype, knows them, and stands for the dtype in ``x.type(…)``."""

    def __init__(self, kind: str) -> None:
        self.dtype = np.dtype(kind)

    def __call__(self, *data: Any) -> Any:
        return Tensor(*data).to(self.dtype)

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(x, Tensor) and np.dtype(x.dtype) == self.dtype


def compiled(model: Any = None, **settings: Any) -> Any:
    """A module unchanged; a function as ``mg.compile`` compiles it, its results as tensors."""
    if model is None:
        return compiled
    if isinstance(model, mg.nn.Module):
        return model
    step = mg.compile(model)
    return lambda *args, **named: as_torch(step(*args, **named))


def _nothing(*args: Any, **settings: Any) -> None:
    """Nothing: there is nothing to choose here."""


def _no(*args: Any, **settings: Any) -> bool:
    """No: there is one device, the processor."""
    return False


def _all(module: Any, names: str = "") -> dict[str, Any]:
    """What a module exports, or its `names` that exist."""
    return {name: getattr(module, name) for name in names.split() or module.__all__ if hasattr(module, name)}


def _masked(name: str, fill: float) -> Any:
    """A function of ``torch.masked``: what the mask leaves out is `fill`, which changes nothing."""
    function = SECTIONS["torch"][name]

    def masked(input: Any, *args: Any, mask: Any = None, **settings: Any) -> Any:
        x = input if mask is None else input.masked_fill(~mask, fill)
        return function(x, *args, **settings)

    return masked


SECTIONS = read()
nn.FUNCTIONAL.update(SECTIONS["nn.functional"])
_GRAD = {
    "no_grad": mg.no_grad, "enable_grad": mg.enable_grad, "set_grad_enabled": mg.set_grad_enabled,
    "inference_mode": derivatives.inference_mode,
}  # fmt: skip
_SEEDS = {
    "manual_seed": lambda seed: mg.manual_seed(int(seed)), "get_rng_state": mg.random.get_state,
    "set_rng_state": mg.random.set_state,
    "seed": lambda: mg.manual_seed(int(np.random.SeedSequence().generate_state(1)[0])),
}  # fmt: skip
_NO_DEVICE = {
    **dict.fromkeys(["is_available", "is_built", "is_initialized", "is_bf16_supported"], _no),
    "device_count": lambda: 0,
    **dict.fromkeys(["manual_seed", "manual_seed_all", "empty_cache", "synchronize"], _nothing),
}  # fmt: skip
_FUNCTIONAL = """
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d celu selu prelu bilinear cosine_similarity
    pairwise_distance layer_norm group_norm rms_norm pixel_shuffle pixel_unshuffle channel_shuffle pdist
"""
_IN_PLACE = """
    abs acos acosh asin asinh atan atanh ceil clamp clamp_max clamp_min clip cos cosh deg2rad erf erfc exp exp2 expm1
    fill fix floor frac log log10 log1p log2 logit nan_to_num neg negative rad2deg reciprocal relu round rsqrt sigmoid
    sin sinc sinh sqrt square tan tanh trunc
"""
_SPECIAL = """
    digamma erf erfc erfinv exp2 expm1 i0 log1p log_softmax logit logsumexp polygamma round sinc softmax xlogy
"""
TOP: dict[str, Any] = {
    **{f"{name}_": SECTIONS["Tensor"][f"{name}_"] for name in _IN_PLACE.split() if f"{name}_" in SECTIONS["Tensor"]},
    **{name: nn.FUNCTIONAL[name] for name in _FUNCTIONAL.split()}, "vmap": derivatives.vmap,
    **SECTIONS["torch"], **DTYPES, **_GRAD, **_SEEDS, "Tensor": Tensor, "Size": Size, "device": device, "dtype": dtype,
    "Generator": Generator, "tensor": tensor, "as_tensor": as_tensor, "asarray": as_tensor, "from_numpy": from_numpy,
    "get_default_dtype": get_default_dtype, "set_default_dtype": set_default_dtype, "set_default_device": check_device,
    "get_default_device": device, "is_grad_enabled": mg.is_grad_enabled, "save": files.save, "load": files.load,
    "compile": compiled, "finfo": finfo,
    "iinfo": lambda kind: np.iinfo(np.dtype(kind)),  # type: ignore[type-var]
    **dict.fromkeys(["set_num_threads", "use_deterministic_algorithms"], _nothing),
    "set_float32_matmul_precision": _nothing, "set_printoptions": set_printoptions,
    "get_num_threads": lambda: 1, "pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan, "newaxis": None,
    "strided": "torch.strided", "contiguous_format": None, "preserve_format": None, "channels_last": None,
    **{kind: _Typed(name) for name, kind in TYPES.items()},
    "__version__": "2.13.0+micrograd_np",
}  # fmt: skip
"""What is in ``torch`` itself."""

_INIT = _all(mg.nn.init) | {"_calculate_fan_in_and_fan_out": mg.nn.init.fans}
_UTILS = _all(_optim, "clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters")
_LOADED = {name: x for name, x in _all(_data).items() if isinstance(x, type) or name == "random_split"}
_LOADED |= _all(data, "DataLoader TensorDataset default_collate")
_NEUTRAL = {"sum": 0, "cumsum": 0, "prod": 1, "cumprod": 1, "amin": np.inf, "amax": -np.inf}
PARTS: dict[str, dict[str, Any]] = {
    "nn.functional": nn.FUNCTIONAL, "nn.init": _INIT, "nn.parameter": {"Parameter": Parameter, "Buffer": Buffer},
    "nn.utils": {name: _row(name, f) for name, f in _UTILS.items()},
    "nn.utils.rnn": {name: x if isinstance(x, type) else _row(name, x) for name, x in _all(packed).items()},
    "nn.modules": nn.LAYERS,
    "optim": {name: x for name, x in _all(_optim).items() if isinstance(x, type)},
    "optim.lr_scheduler": _all(_optim.lr_scheduler)
    | {"StepLR": schedules.StepLR, **dict.fromkeys(["LRScheduler", "_LRScheduler"], schedules.LRScheduler)},
    "optim.optimizer": {"Optimizer": _optim.Optimizer}, "utils": {},
    **dict.fromkeys([f"utils.data{part}" for part in ("", ".dataloader", ".dataset", ".sampler")], _LOADED),
    "utils.checkpoint": {
        "checkpoint": lambda function, *args, use_reentrant=None: as_torch(mg.checkpoint(function, *args))
    },
    "autograd": {
        **_GRAD, "Function": Function, "Variable": lambda data, requires_grad=False: data.requires_grad_(requires_grad),
        "grad": derivatives.grad, "backward": derivatives.backward, "gradcheck": derivatives.check(mg.gradcheck),
        "gradgradcheck": derivatives.check(mg.gradgradcheck), "detect_anomaly": derivatives.set_detect_anomaly,
        "set_detect_anomaly": derivatives.set_detect_anomaly,
    },
    "autograd.function": {"Function": Function, "FunctionCtx": Context},
    "autograd.functional": {
        "jacobian": derivatives.functional(transforms.jacobian), "hessian": derivatives.hessian,
        "vjp": derivatives.functional_vjp, "jvp": derivatives.functional_jvp,
    },
    "func": {
        "grad": derivatives.on_tensors(transforms.grad), "hessian": derivatives.on_tensors(transforms.hessian),
        **dict.fromkeys(("jacrev", "jacfwd"), derivatives.on_tensors(transforms.jacobian)),
        "vmap": derivatives.vmap,
        "grad_and_value": derivatives.value_last, "vjp": derivatives.vjp, "jvp": derivatives.jvp,
        "functional_call": lambda module, *args, **more: as_torch(mg.functional_call(module, *args, **more)),
    },
    "linalg": SECTIONS["linalg"], "signal": {},
    "special": SECTIONS["special"] | {name: SECTIONS["torch"][name] for name in _SPECIAL.split()},
    "signal.windows": SECTIONS["signal.windows"], "random": _SEEDS,
    "masked": {name: _masked(name, fill) for name, fill in _NEUTRAL.items()},
    "cuda": _NO_DEVICE, "mps": _NO_DEVICE,
    "version": {"cuda": None, "__version__": "2.13.0"}, "backends": {}, "backends.cuda": {}, "backends.mps": _NO_DEVICE,
    "backends.cudnn": {**_NO_DEVICE, "deterministic": False, "benchmark": False, "enabled": False},
}  # fmt: skip
"""What is in each of its modules."""

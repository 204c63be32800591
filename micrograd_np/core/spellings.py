"""Names of PyTorch and NumPy that a tensor or the package does not have, and what to write instead."""

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

_DEVICE = "t itself: there is one device; leave it out"
_NO_DEVICE = "nothing: there is one device; leave it out"
_ALONE = "cross expand_dims median ptp flip tile average unstack"
_OTHER_NAMES = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
    "atanh": "arctanh", "bitwise_not": "invert", "deg2rad": "radians", "det": "linalg.det", "fix": "trunc",
    "ger": "outer", "inverse": "linalg.inv", "logdet": "linalg.slogdet", "matrix_power": "linalg.matrix_power",
    "movedim": "moveaxis", "rad2deg": "degrees", "sgn": "sign", "slogdet": "linalg.slogdet", "swapdims": "swapaxes",
    "take_along_dim": "take_along_axis", "tensor_split": "array_split", "true_divide": "divide",
    "digamma": "special.digamma", "erfc": "special.erfc", "erfinv": "special.erfinv", "i0": "special.bessel_i",
    "igamma": "special.gammainc", "igammac": "special.gammaincc", "lgamma": "special.gammaln", "pinverse":
    "linalg.pinv", "qr": "linalg.qr", "svd": "linalg.svd", "mvlgamma": "special.multigammaln", "polygamma":
    "special.polygamma",
}  # fmt: skip
"""Functions that PyTorch has under another name, as a method too."""
_IN_PLACE = (
    "abs absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or bitwise_xor ceil clip "
    "cos cosh cumprod cumsum divide erf exp exp2 expm1 floor floor_divide fmod greater greater_equal hypot less "
    "less_equal log log10 log1p log2 logical_and logical_not logical_or logical_xor multiply nan_to_num negative "
    "not_equal reciprocal remainder round sigmoid sign sin sinh sqrt square subtract tan tanh tril triu trunc xlogy"
)
_COMPARED = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
_NUMPYS = "argwhere bincount count_nonzero histogram isclose nonzero signbit"
_NUMPYS_ALONE = (
    "allclose can_cast dtype finfo iinfo isin promote_types result_type searchsorted set_printoptions "
    "tril_indices triu_indices"
)
_DECOMPOSED = "eig lstsq"
_WITHOUT_GRADIENT = "conj copysign corrcoef cov fmax fmin heaviside imag real sinc unique"
_KINDS = {
    "Float": "float32", "Double": "float64", "Half": "float16", "Long": "int64", "Int": "int32", "Short": "int16",
    "Char": "int8", "Byte": "uint8", "Bool": "bool",
}  # fmt: skip
_CONSTANTS = "inf nan pi e newaxis uint16 uint32 uint64"
_OF_MATRICES = "cond eig eigvals lstsq matrix_rank tensorinv tensorsolve"
_INITIAL = (
    "constant dirac eye kaiming_normal kaiming_uniform normal orthogonal sparse uniform xavier_normal xavier_uniform"
)
_DRAWN = "mg.topk(mg.log({0}) + mg.random.generator().gumbel(size={0}.shape), n)[1], which draws n different ones a row"
_SMALLER = "nothing: leave it out; model.float() trains in float32"
_METHODS = {
    "view": "t.reshape(...)", "view_as": "t.reshape(other.shape)", "reshape_as": "t.reshape(other.shape)",
    "t": "t.T", "expand_as": "t.expand(other.shape)", "unbind": "mg.unstack(t, axis)",
    "contiguous": "t: every function takes any layout", "nelement": "t.size", "dim": "t.ndim",
    "type": "t.astype(dtype)", "float": "t.astype('float32')",
    "double": "t.astype('float64')",
    "half": "t.astype('float16')", "long": "t.astype('int64')", "int": "t.astype('int32')", "bool": "t.astype(bool)",
    "cuda": _DEVICE, "device": _DEVICE, "is_cuda": _DEVICE, "pin_memory": _DEVICE,
    "zero_": "t.copy_(0)", "fill_": "t.copy_(value)", "fill": "t.copy_(value)", "add_": "t += other",
    "sub_": "t -= other", "mul_": "t *= other", "div_": "t /= other", "detach_": "t = t.detach()",
    "clamp_": "t.copy_(t.clip(min, max))", "normal_": "nn.init.normal_(t, mean, std)",
    "uniform_": "nn.init.uniform_(t, low, high)", "sub": "t - other", "mul": "t * other",
    "div": "t / other", "pow": "t ** exponent", "mm": "t @ other", "bmm": "t @ other", "mv": "t @ other",
    "neg": "-t", "eq": "t == other", "ne": "t != other", "lt": "t < other", "gt": "t > other", "le": "t <= other",
    "ge": "t >= other", "amax": "t.max(axis)", "amin": "t.min(axis)", "masked_fill_": "t[mask] = value",
    "where": "mg.where(condition, t, other)", "grad_fn": "t.op",
    "scatter_": "t.copy_(t.scatter(axis, index, src))", "scatter_add_": "t.copy_(t.scatter_add(axis, index, src))",
    "index_add_": "t.copy_(t.index_add(axis, index, source))",
    "new_zeros": "mg.zeros(shape, dtype=t.dtype)", "new_ones": "mg.ones(shape, dtype=t.dtype)",
    "strides": "t.data.strides", "nbytes": "t.data.nbytes",
    "itemsize": "t.data.itemsize",
    "repeat_interleave": "t.repeat(repeats, axis)", "masked_select": "t[mask]", "narrow": "t[start : start + length]",
    "select": "t[index]", "rsqrt": "1 / t.sqrt()",
    "new_full": "mg.full(shape, value, t.dtype)", "new_tensor": "mg.tensor(data, t.dtype)", "stride": "t.data.strides",
    "is_floating_point": "t.dtype.kind == 'f'", "allclose": "np.allclose(t, other)", "equal": "(t == other).all()",
    "unsqueeze_": "t = t.unsqueeze(axis)", "squeeze_": "t = t.squeeze(axis)", "relu_": "t = t.relu()",
    **{name: f"mg.{name}(t)" for name in _ALONE.split()},
    **{name: f"mg.{other}" for name, other in _OTHER_NAMES.items()},
    **{f"{name}_": f"t.copy_(t.{name}(...))" for name in _IN_PLACE.split()},
    **{f"{name}_": f"t.copy_(mg.{other}(t, ...))" for name, other in _OTHER_NAMES.items() if "." not in other},
    **{name: f"np.{name}(t)" for name in _NUMPYS.split()},
    "clamp_min": "t.clip(min)", "clamp_max": "t.clip(max=max)", "frac": "t - t.trunc()",
    "addmm": "t + a @ b", "baddbmm": "t + a @ b", "addcmul": "t + value * a * b", "addcdiv": "t + value * a / b",
    "lerp": "t + weight * (end - t)", "logit": "mg.log(t / (1 - t))", "type_as": "t.astype(other.dtype)",
    "bfloat16": "t.astype('float32'): NumPy has no bfloat16", "short": "t.astype('int16')", "byte": "t.astype('uint8')",
    "char": "t.astype('int8')", "ndimension": "t.ndim", "element_size": "t.data.itemsize", "is_complex": "False",
    "is_contiguous": "t.data.flags.c_contiguous", "data_ptr": "t.data.ctypes.data", "is_cpu": _DEVICE,
    "get_device": _DEVICE, "is_pinned": _DEVICE, "share_memory_": _DEVICE, "xpu": _DEVICE,
    "unflatten": "t.reshape(shape)", "sum_to_size": "t.sum(axes, keepdims=True)", "vdot": "mg.vdot(t, other)",
    "pow_": "t **= exponent", "neg_": "t *= -1", "index_fill_": "t[index] = value",
    "index_copy_": "t[index] = source", "index_put_": "t[index] = value",
    "new_empty": "mg.empty(shape, dtype=t.dtype)", "swapaxes_": "t = t.swapaxes(a, b)", "t_": "t = t.T",
    "transpose_": "t = t.swapaxes(a, b)", "bernoulli": "mg.random.generator().binomial(1, t)",
    "multinomial": _DRAWN.format("t"), "H": "t.mT", "mH": "t.mT", "adjoint": "t.mT",
    "register_post_accumulate_grad_hook": "t.register_hook(hook)", "retains_grad": "t.grad is not None, after backward",
    **{name: f"np.{name}(t.numpy(), ...), which has no gradient" for name in _WITHOUT_GRADIENT.split()},
    **{name: f"np.linalg.{name}(t.numpy()), which has no gradient" for name in _DECOMPOSED.split()},
    "random_": "t.copy_(mg.random.integers(n, size=t.shape))",
    "exponential_": "t.copy_(mg.random.generator().exponential(size=t.shape))",
    "diag_embed": "t[..., None] * mg.eye(n)", "bernoulli_": "t.copy_(mg.random.bernoulli(p, t.shape))",
    "kthvalue": "mg.topk(t, k)", "fill_diagonal_": "np.fill_diagonal(t.data, value)",
    "lerp_": "t += weight * (end - t)",
    "addcmul_": "t += value * a * b", "addcdiv_": "t += value * a / b", "addmm_": "t += a @ b",
    **{f"{name}_": f"t.copy_(t {sign} other)" for name, sign in _COMPARED.items()},
    "cholesky": "mg.linalg.cholesky(t)", "dist": "mg.norm(t - other)", "aminmax": "t.min(axis) and t.max(axis)",
    "split": "mg.split(t, parts), for parts in NumPy's sense: how many, not of which length",
    "sort": "mg.sort(t) for the values, t.argsort() for the positions",
    "values": "t itself: max, min, sort and median return the values only",
    "indices": "t.argmax(axis), or t.argsort(axis), of the tensor that max, min, sort or median was called on",
}  # fmt: skip

_ARRAYS = "identity logspace geomspace empty_like vander tri"
_FUNCTIONS = {
    "randn": "mg.random.randn(2, 3)", "rand": "mg.random.rand(2, 3)",
    "randint": "mg.random.randint(low, high, size)", "randperm": "mg.random.permutation(n)",
    "mm": "a @ b", "bmm": "a @ b",
    "set_default_tensor_type": "mg.set_default_dtype(dtype)",
    "is_tensor": "isinstance(x, mg.Tensor)", "unbind": "mg.unstack(t, axis)",
    "repeat_interleave": "mg.repeat(t, repeats, axis)",
    "rsqrt": "1 / mg.sqrt(t)", "is_floating_point": "t.dtype.kind == 'f'",
    **{name: f"mg.{other}" for name, other in _OTHER_NAMES.items()},
    **{f"{name}_": f"t.copy_(t.{name}(...))" for name in _IN_PLACE.split()},
    **{name: f"np.{name}(...)" for name in f"{_NUMPYS} {_NUMPYS_ALONE}".split()},
    **{name: f"np.{name}" for name in _CONSTANTS.split()},
    **{name: f"t.{name}()" for name in ("clone", "detach")},
    **{name: f"mg.random.{name[:-5]}(t.shape)" for name in ("rand_like", "randn_like")},
    **{name: f"a {sign} b" for name, sign in _COMPARED.items()},
    **{name: f"np.linalg.{name}(t.numpy()), which has no gradient" for name in _DECOMPOSED.split()},
    "randint_like": "mg.random.randint(low, high, t.shape)", "normal": "mg.random.normal(mean, std, size)",
    "bernoulli": "mg.random.generator().binomial(1, p)", "poisson": "mg.random.generator().poisson(rate)",
    "multinomial": _DRAWN.format("p"), "seed": "mg.manual_seed(seed)",
    "get_rng_state": "mg.random.get_state()", "set_rng_state": "mg.random.set_state(state)",
    "Size": "tuple: a shape is one", "mv": "a @ b", "t": "t.T",
    "masked_select": "t[mask]", "narrow": "t[start : start + length]", "select": "t[index]",
    "concat": "mg.cat(tensors)", "row_stack": "mg.vstack(tensors)",
    "broadcast_tensors": "mg.broadcast_arrays(*tensors)",
    "addmm": "c + a @ b", "baddbmm": "c + a @ b", "lerp": "a + weight * (b - a)",
    "logit": "mg.log(t / (1 - t))", "frac": "t - mg.trunc(t)", "clamp_min": "mg.clip(t, min)",
    "clamp_max": "mg.clip(t, max=max)", "std_mean": "mg.std(t, ddof=1) and mg.mean(t)",
    "var_mean": "mg.var(t, ddof=1) and mg.mean(t)", "aminmax": "mg.min(t, axis) and mg.max(t, axis)",
    "cdist": "mg.norm(a[:, None] - b, axis=-1)", "dist": "mg.norm(a - b)", "bucketize": "np.searchsorted(...)",
    "vmap": "the batch as the first axis: functions broadcast", "jit": "mg.compile(step)",
    "func": "mg.grad, mg.vjp, mg.jvp, mg.jacobian, mg.hessian or mg.functional_call",
    "bfloat16": "mg.float32: NumPy has no bfloat16", "short": "mg.int16",
    "set_num_threads": "OMP_NUM_THREADS in the environment", "distributions": "functions of mg.random",
    "use_deterministic_algorithms": "nothing: a seed determines every number; leave it out",
    "set_float32_matmul_precision": "nothing: products are exact to the dtype; leave it out",
    "fft": "np.fft, which has no gradient", "version": "mg.__version__",
    "unflatten": "t.reshape(shape)", "scalar_tensor": "mg.tensor(data)", "range": "mg.arange(start, stop)",
    "default_generator": "mg.random.generator()", "initial_seed": "mg.random.get_state()", "kthvalue": "mg.topk(t, k)",
    "diag_embed": "t[..., None] * mg.eye(n)", "addcmul": "t + value * a * b", "addcdiv": "t + value * a / b",
    "is_inference_mode_enabled": "not mg.is_grad_enabled()", "set_anomaly_enabled": "mg.detect_nonfinite()",
    "zero_": "t.copy_(0)", "fill_": "t.copy_(value)", "detach_": "t = t.detach()", "relu_": "t = mg.relu(t)",
    "dropout_": "t = mg.functional.dropout(t, p)", "clamp_": "t.copy_(t.clip(min, max))", "neg_": "t *= -1",
    **{name: f"np.{name}(t.numpy(), ...), which has no gradient" for name in _WITHOUT_GRADIENT.split()},
    "utils": "mg.data for utils.data, mg.checkpoint for utils.checkpoint",
    **dict.fromkeys(("cuda", "device", "backends", "mps", "get_default_device", "set_default_device"), _NO_DEVICE),
    "inference_mode": "mg.no_grad()", **dict.fromkeys(("autocast", "GradScaler", "amp"), _SMALLER),
    "Variable": "mg.Tensor(data, requires_grad=True)", "Value": "mg.Tensor(data, requires_grad=True)",
    "pow": "mg.power(t, exponent)", "sub": "mg.subtract(a, b)", "mul": "mg.multiply(a, b)", "div": "mg.divide(a, b)",
    "neg": "mg.negative(t)", "amax": "mg.max(t, axis)", "amin": "mg.min(t, axis)", "float": "mg.float32",
    "double": "mg.float64", "half": "mg.float16", "int": "mg.int32", "long": "mg.int64", "bool": "mg.bool_",
    **dict.fromkeys(("array", "asarray"), "mg.tensor(data)"),
    **{f"{kind}Tensor": f"mg.tensor(data, dtype='{dtype}')" for kind, dtype in _KINDS.items()},
}  # fmt: skip
_LAZY = "Linear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d BatchNorm1d BatchNorm2d"
_OF_PARTS = {
    "autograd": {
        "Function": "@primitive of micrograd_np.core.primitive, with its rules by .vjp: docs/from-pytorch.md",
        "functional": "mg.jacobian, mg.hessian, mg.vjp, mg.jvp or mg.hvp", "forward_ad": "mg.jvp(f, xs, tangents)",
        **dict.fromkeys(("detect_anomaly", "set_detect_anomaly", "anomaly_mode"), "mg.detect_nonfinite()"),
        "inference_mode": "mg.no_grad()", "grad_mode": "mg.no_grad()", "backward": "loss.backward()",
        "Variable": "mg.Tensor(data, requires_grad=True)", "profiler": "mg.explain(step)",
        "graph": "mg.checkpoint(f, *xs) to save memory",
    },
    "random": {
        "get_rng_state": "mg.random.get_state()", "set_rng_state": "mg.random.set_state(state)",
        "seed": "mg.manual_seed(seed)", "fork_rng": "mg.random.get_state() before, mg.random.set_state(state) after",
        "default_generator": "mg.random.generator()", "initial_seed": "mg.random.get_state()",
    },
    "linalg": {name: f"np.linalg.{name}(t.numpy()), which has no gradient" for name in _OF_MATRICES.split()},
    "nn.init": {
        name: f"mg.nn.init.{name}_" for name in _INITIAL.split()
    },
    "nn": {
        "DataParallel": "the module itself: there is one device; leave it out", "Tensor": "mg.Tensor",
        "parallel": _NO_DEVICE, "SyncBatchNorm": "mg.nn.BatchNorm2d", "UpsamplingNearest2d": "mg.nn.Upsample",
        "UpsamplingBilinear2d": "mg.nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)",
        **{f"Lazy{name}": f"mg.nn.{name}, which takes its sizes at once" for name in _LAZY.split()},
    },
    "optim": {"swa_utils": "mg.optim.ExponentialMovingAverage"},
    "data": {
        "get_worker_info": "nothing: workers are threads; leave it out", "default_collate": "mg.data.collate",
        "dataloader": "mg.data.DataLoader", "distributed": _NO_DEVICE,
    },
}  # fmt: skip
"""What to write for names that PyTorch has in one of its parts."""
_OF_MODULES = {
    **dict.fromkeys(("cuda", "cpu", "share_memory"), "the module itself: there is one device; leave it out"),
    "half": "module.to('float16')",
    "bfloat16": "module.float(): NumPy has no bfloat16",
    "type": "module.to(dtype)",
    "xpu": "the module itself: there is one device; leave it out",
    "compile": "mg.compile(step)",
    "register_backward_hook": "module.register_full_backward_hook(hook)",
}
_PARTS = "nn functional optim optim.lr_scheduler data training random linalg special autograd debug nn.init"


class ForeignName:
    """An attribute of another library: reading it raises an AttributeError that says what to write.

    `obj` is None in these errors, lest Python append a name that is spelt alike.
    """

    def __init__(self, name: str, hint: str) -> None:
        self.name, self.hint = name, hint

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(f"{owner.__name__} has no {self.name!r}. Write {self.hint}.", name=self.name, obj=None)


def add_foreign_names(owner: type) -> None:
    """Let `owner`, Tensor or Module, say what to write for the methods of other libraries that it does not have."""
    for name, hint in (_METHODS if owner.__name__ == "Tensor" else _OF_MODULES).items():
        if not hasattr(owner, name):
            setattr(owner, name, ForeignName(name, hint))


def suggestion(module: str, name: str, names: Iterable[str]) -> str:
    """A sentence that says what to write for ``module.name``, which does not exist; the module has `names`.

    `module` is the package or one of its parts.
    """
    package, _, inside = module.partition(".")
    hint = (_OF_PARTS.get(inside, {}) if inside else _FUNCTIONS).get(name)
    if hint is not None:
        return f"Write {hint}."
    if name in _ARRAYS.split():
        return f"Write mg.Tensor(np.{name}(...))."
    for part in ("", *_PARTS.split()):
        home = f"{package}.{part}".rstrip(".")
        if home != module and not name.startswith("_") and name in getattr(import_module(home), "__all__", ()):
            return f"Write {home.replace(package, 'mg', 1)}.{name}."
    near = get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"dir({module}) lists what it has."


def explain_names(namespace: dict[str, Any], module: str = "") -> None:
    """Let a module, whose variables `namespace` are, say what to write for a name that it does not have.

    `module` is the name that users know it by, where that is not its own.
    """
    module = module or namespace["__name__"]

    def missing(name: str) -> NoReturn:
        hint = "" if name.startswith("__") else f" {suggestion(module, name, namespace['__all__'])}"
        raise AttributeError(f"{module} has no {name!r}.{hint}", name=name, obj=None)

    namespace["__getattr__"] = missing


class ForeignModules:
    """Asked last for a module: an import of what the package does not have is answered with what to write.

    Python asks for a module, too, where ``from package import name`` finds no attribute.
    """

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """None outside the package and for private names, else a ModuleNotFoundError with the module's own message."""
        parent, _, name = fullname.rpartition(".")
        missing = vars(sys.modules.get(parent, sys)).get("__getattr__")
        if parent.partition(".")[0] == self.package and not name.startswith("_") and missing is not None:
            try:
                missing(name)
            except AttributeError as error:
                raise ModuleNotFoundError(str(error), name=parent) from None  # of another `name`, Python drops the text

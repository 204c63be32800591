"""Names of PyTorch and NumPy that a tensor or the package does not have, and what to write instead."""

import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import get_data
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
_SCIPYS = {
    "matrix_exp": "scipy.linalg.expm(t.numpy()), which has no gradient",
    "lu": "scipy.linalg.lu(t.numpy()), which has no gradient",
    "matrix_rank": "np.linalg.matrix_rank(t.numpy())",
    "gradient": "np.gradient(t.numpy()), which has no gradient",
}
_ANY_LAYOUT = "nothing: functions take any layout; leave it out"
_OF_MATRICES = "cond eig eigvals lstsq matrix_rank tensorinv tensorsolve"
_ACTIVATING = "celu elu hardtanh leaky_relu relu rrelu selu threshold alpha_dropout feature_alpha_dropout"
_INITIAL = (
    "constant dirac eye kaiming_normal kaiming_uniform normal orthogonal sparse uniform xavier_normal xavier_uniform"
)
_DRAWN = "mg.topk({0} / mg.random.generator().exponential(size={0}.shape), n)[1], which draws n different ones a row"
_SMALLER = "nothing: leave it out; model.float() trains in float32"
_RULE = "@primitive of micrograd_np.core.primitive, with its rules by .vjp: docs/anatomy-of-an-op.md"
_OF_BOTH = {
    "unbind": "mg.unstack(t, axis)", "is_floating_point": "t.dtype.kind == 'f'", "t": "t.T", "masked_select": "t[mask]",
    "narrow": "t[start : start + length]", "select": "t[index]", "logit": "mg.log(t / (1 - t))",
    "unflatten": "t.reshape(shape)", "kthvalue": "mg.topk(t, k)", "diag_embed": "t[..., None] * mg.eye(n)",
    "addcmul": "t + value * a * b", "addcdiv": "t + value * a / b", "zero_": "t.copy_(0)", "fill_": "t.copy_(value)",
    "detach_": "t = t.detach()", "clamp_": "t.copy_(t.clip(min, max))", "neg_": "t *= -1",
    "is_same_size": "t.shape == other.shape", "is_signed": "t.dtype.kind != 'u'",
    **{name: f"mg.{other}" for name, other in _OTHER_NAMES.items()},
    **{f"{name}_": f"t.copy_(t.{name}(...))" for name in _IN_PLACE.split()},
    **{f"{name}_": f"t.copy_(mg.{other}(t, ...))" for name, other in _OTHER_NAMES.items() if "." not in other},
    **{name: f"np.{name}(t.numpy(), ...), which has no gradient" for name in _WITHOUT_GRADIENT.split()},
    **{name: f"np.linalg.{name}(t.numpy()), which has no gradient" for name in _DECOMPOSED.split()},
    **_SCIPYS,
}  # fmt: skip
"""What to write for a method of a tensor and for the function of that name, the same for both."""
_METHODS = {
    **_OF_BOTH,
    "view": "t.reshape(...)", "view_as": "t.reshape(other.shape)", "reshape_as": "t.reshape(other.shape)",
    "expand_as": "t.expand(other.shape)", "contiguous": "t: every function takes any layout", "nelement": "t.size",
    "dim": "t.ndim", "type": "t.astype(dtype)", "float": "t.astype('float32')", "double": "t.astype('float64')",
    "half": "t.astype('float16')", "long": "t.astype('int64')", "int": "t.astype('int32')", "bool": "t.astype(bool)",
    "cuda": _DEVICE, "device": _DEVICE, "is_cuda": _DEVICE, "pin_memory": _DEVICE, "fill": "t.copy_(value)",
    "add_": "t += other", "sub_": "t -= other", "mul_": "t *= other", "div_": "t /= other",
    "normal_": "nn.init.normal_(t, mean, std)", "uniform_": "nn.init.uniform_(t, low, high)", "sub": "t - other",
    "mul": "t * other", "div": "t / other", "pow": "t ** exponent", "mm": "t @ other", "bmm": "t @ other",
    "mv": "t @ other", "neg": "-t", "eq": "t == other", "ne": "t != other", "lt": "t < other", "gt": "t > other",
    "le": "t <= other", "ge": "t >= other", "amax": "t.max(axis)", "amin": "t.min(axis)",
    "masked_fill_": "t[mask] = value", "where": "mg.where(condition, t, other)", "grad_fn": "t.op",
    "scatter_": "t.copy_(t.scatter(axis, index, src))", "scatter_add_": "t.copy_(t.scatter_add(axis, index, src))",
    "index_add_": "t.copy_(t.index_add(axis, index, source))", "new_zeros": "mg.zeros(shape, dtype=t.dtype)",
    "new_ones": "mg.ones(shape, dtype=t.dtype)", "strides": "t.data.strides", "nbytes": "t.data.nbytes",
    "itemsize": "t.data.itemsize", "repeat_interleave": "t.repeat(repeats, axis)", "rsqrt": "1 / t.sqrt()",
    "new_full": "mg.full(shape, value, t.dtype)", "new_tensor": "mg.tensor(data, t.dtype)", "stride": "t.data.strides",
    "allclose": "np.allclose(t, other)", "equal": "(t == other).all()", "unsqueeze_": "t = t.unsqueeze(axis)",
    "squeeze_": "t = t.squeeze(axis)", "relu_": "t = t.relu()",
    **{name: f"mg.{name}(t)" for name in _ALONE.split()},
    **{name: f"np.{name}(t)" for name in _NUMPYS.split()},
    "clamp_min": "t.clip(min)", "clamp_max": "t.clip(max=max)", "frac": "t - t.trunc()", "addmm": "t + a @ b",
    "baddbmm": "t + a @ b", "lerp": "t + weight * (end - t)", "type_as": "t.astype(other.dtype)",
    "bfloat16": "t.astype('float32'): NumPy has no bfloat16", "short": "t.astype('int16')", "byte": "t.astype('uint8')",
    "char": "t.astype('int8')", "ndimension": "t.ndim", "element_size": "t.data.itemsize", "is_complex": "False",
    "is_contiguous": "t.data.flags.c_contiguous", "data_ptr": "t.data.ctypes.data", "is_cpu": _DEVICE,
    "get_device": _DEVICE, "is_pinned": _DEVICE, "share_memory_": _DEVICE, "xpu": _DEVICE,
    "sum_to_size": "t.sum(axes, keepdims=True)", "vdot": "mg.vdot(t, other)", "pow_": "t **= exponent",
    "index_fill_": "t[index] = value", "index_copy_": "t[index] = source", "index_put_": "t[index] = value",
    "new_empty": "mg.empty(shape, dtype=t.dtype)", "swapaxes_": "t = t.swapaxes(a, b)", "t_": "t = t.T",
    "transpose_": "t = t.swapaxes(a, b)", "bernoulli": "mg.random.generator().binomial(1, t)",
    "multinomial": _DRAWN.format("t"), "H": "t.mT", "mH": "t.mT", "adjoint": "t.mT",
    "register_post_accumulate_grad_hook": "t.register_hook(hook)", "retains_grad": "t.grad is not None, after backward",
    "random_": "t.copy_(mg.random.integers(n, size=t.shape))",
    "exponential_": "t.copy_(mg.random.generator().exponential(size=t.shape))",
    "bernoulli_": "t.copy_(mg.random.bernoulli(p, t.shape))", "fill_diagonal_": "np.fill_diagonal(t.data, value)",
    "lerp_": "t += weight * (end - t)", "addcmul_": "t += value * a * b", "addcdiv_": "t += value * a / b",
    "addmm_": "t += a @ b",
    **{f"{name}_": f"t.copy_(t {sign} other)" for name, sign in _COMPARED.items()},
    "cholesky": "mg.linalg.cholesky(t)", "dist": "mg.norm(t - other)", "aminmax": "t.min(axis) and t.max(axis)",
    "split": "mg.split(t, parts), for parts in NumPy's sense: how many, not of which length",
    "sort": "mg.sort(t) for the values, t.argsort() for the positions",
    "values": "t itself: max, min, sort and median return the values only",
    "cauchy_": "t.copy_(mg.random.generator().standard_cauchy(t.shape))",
    "geometric_": "t.copy_(mg.random.generator().geometric(p, t.shape))",
    "log_normal_": "t.copy_(mg.random.generator().lognormal(mean, std, t.shape))", "layout": _ANY_LAYOUT,
    "prelu": "mg.functional.prelu(t, weight)", "hardshrink": "mg.functional.hardshrink(t)",
    "apply_": "t.copy_([...]), computed by functions of arrays",
    **dict.fromkeys(("storage", "untyped_storage", "storage_type"), "t.data"),
    "new": "mg.tensor(data, t.dtype)", "volatile": "with mg.no_grad()", "set_": "t.copy_(source)",
    "triangular_solve": "mg.linalg.solve(a, t)", "solve": "mg.linalg.solve(a, t)",
    "indices": "t.argmax(axis), or t.argsort(axis), of the tensor that max, min, sort or median was called on",
}  # fmt: skip

_ARRAYS = "identity logspace geomspace empty_like vander tri"
_FUNCTIONS = {
    **_OF_BOTH,
    "randn": "mg.random.randn(2, 3)", "rand": "mg.random.rand(2, 3)", "randint": "mg.random.randint(low, high, size)",
    "randperm": "mg.random.permutation(n)", "mm": "a @ b", "bmm": "a @ b",
    "set_default_tensor_type": "mg.set_default_dtype(dtype)", "is_tensor": "isinstance(x, mg.Tensor)",
    "repeat_interleave": "mg.repeat(t, repeats, axis)", "rsqrt": "1 / mg.sqrt(t)",
    **{name: f"np.{name}(...)" for name in f"{_NUMPYS} {_NUMPYS_ALONE}".split()},
    **{name: f"np.{name}" for name in _CONSTANTS.split()},
    **{name: f"t.{name}()" for name in ("clone", "detach")},
    **{name: f"mg.random.{name[:-5]}(t.shape)" for name in ("rand_like", "randn_like")},
    **{name: f"a {sign} b" for name, sign in _COMPARED.items()},
    "randint_like": "mg.random.randint(low, high, t.shape)", "normal": "mg.random.normal(mean, std, size)",
    "bernoulli": "mg.random.generator().binomial(1, p)", "poisson": "mg.random.generator().poisson(rate)",
    "multinomial": _DRAWN.format("p"), "seed": "mg.manual_seed(seed)", "get_rng_state": "mg.random.get_state()",
    "set_rng_state": "mg.random.set_state(state)", "Size": "tuple: a shape is one", "mv": "a @ b",
    "concat": "mg.cat(tensors)", "row_stack": "mg.vstack(tensors)",
    "broadcast_tensors": "mg.broadcast_arrays(*tensors)", "addmm": "c + a @ b", "baddbmm": "c + a @ b",
    "lerp": "a + weight * (b - a)", "frac": "t - mg.trunc(t)", "clamp_min": "mg.clip(t, min)",
    "clamp_max": "mg.clip(t, max=max)", "std_mean": "mg.std(t, ddof=1) and mg.mean(t)",
    "var_mean": "mg.var(t, ddof=1) and mg.mean(t)", "aminmax": "mg.min(t, axis) and mg.max(t, axis)",
    "cdist": "mg.norm(a[:, None] - b, axis=-1)", "dist": "mg.norm(a - b)", "bucketize": "np.searchsorted(...)",
    "vmap": "the batch as the first axis: functions broadcast", "jit": "mg.compile(step)",
    "func": "mg.grad, mg.vjp, mg.jvp, mg.jacobian, mg.hessian or mg.functional_call",
    "bfloat16": "mg.float32: NumPy has no bfloat16", "short": "mg.int16",
    "set_num_threads": "OMP_NUM_THREADS in the environment", "distributions": "functions of mg.random",
    "use_deterministic_algorithms": "nothing: a seed determines every number; leave it out",
    "set_float32_matmul_precision": "nothing: products are exact to the dtype; leave it out",
    "fft": "np.fft, which has no gradient", "version": "mg.__version__", "scalar_tensor": "mg.tensor(data)",
    "range": "mg.arange(start, stop)", "default_generator": "mg.random.generator()",
    "initial_seed": "mg.random.get_state()", "is_inference_mode_enabled": "not mg.is_grad_enabled()",
    "set_anomaly_enabled": "mg.detect_nonfinite()", "relu_": "t = mg.relu(t)",
    "dropout_": "t = mg.functional.dropout(t, p)",
    "utils": "mg.data for utils.data, mg.checkpoint for utils.checkpoint",
    **dict.fromkeys(("cuda", "device", "backends", "mps", "get_default_device", "set_default_device"), _NO_DEVICE),
    "inference_mode": "mg.no_grad()", **dict.fromkeys(("autocast", "GradScaler", "amp"), _SMALLER),
    "Variable": "mg.Tensor(data, requires_grad=True)", "Value": "mg.Tensor(data, requires_grad=True)",
    "pow": "mg.power(t, exponent)", "sub": "mg.subtract(a, b)", "mul": "mg.multiply(a, b)", "div": "mg.divide(a, b)",
    "neg": "mg.negative(t)", "amax": "mg.max(t, axis)", "amin": "mg.min(t, axis)", "float": "mg.float32",
    "double": "mg.float64", "half": "mg.float16", "int": "mg.int32", "long": "mg.int64", "bool": "mg.bool_",
    **dict.fromkeys(("array", "asarray"), "mg.tensor(data)"),
    **{f"{name}_": f"t = mg.functional.{name}(t, ...)" for name in _ACTIVATING.split()},
    **dict.fromkeys(("channels_last", "channels_last_3d", "contiguous_format", "preserve_format"), _ANY_LAYOUT),
    **dict.fromkeys(("strided", "layout", "memory_format"), _ANY_LAYOUT), "get_device": _NO_DEVICE,
    "get_num_threads": "OMP_NUM_THREADS in the environment", "to_dlpack": "np.from_dlpack(t.data)", "gru": "mg.nn.GRU",
    "lstm": "mg.nn.LSTM", "rnn_tanh": "mg.nn.RNN", "rnn_relu": "mg.nn.RNN(nonlinearity='relu')",
    "gru_cell": "mg.nn.GRUCell", "lstm_cell": "mg.nn.LSTMCell", "rnn_tanh_cell": "mg.nn.RNNCell",
    "rnn_relu_cell": "mg.nn.RNNCell(nonlinearity='relu')", "convolution": "mg.functional.conv2d",
    "binomial": "mg.random.generator().binomial(n, p)", "unravel_index": "np.unravel_index(t.numpy(), shape)",
    "histogramdd": "np.histogramdd(t.numpy())", "triangular_solve": "mg.linalg.solve(a, b)",
    **dict.fromkeys(("custom_vjp", "custom_jvp", "custom_gradient"), _RULE),
    "cond": "mg.where(condition, a, b)", "frombuffer": "mg.tensor(np.frombuffer(buffer))",
    "feature_dropout": "mg.functional.dropout1d(t, p)", "pca_lowrank": "np.linalg.svd(t.numpy())",
    "svd_lowrank": "np.linalg.svd(t.numpy())",
    **dict.fromkeys(("Storage", "TypedStorage", "UntypedStorage"), "t.data, which is a NumPy array"),
    **{f"{kind}Storage": "t.data, which is a NumPy array" for kind in _KINDS},
    **{f"{kind}Tensor": f"mg.tensor(data, dtype='{dtype}')" for kind, dtype in _KINDS.items()},
}  # fmt: skip
_LAZY = (
    "Linear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d BatchNorm1d BatchNorm2d BatchNorm3d "
    "InstanceNorm1d InstanceNorm2d InstanceNorm3d"
)
_YOUR_OWN = "in a forward of your own: docs/howto/own-module.md"
_POOLS = [f"{kind}_pool{d}d" for kind in ("max", "adaptive_max") for d in (1, 2, 3)]
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
    "linalg": {
        **{name: f"np.linalg.{name}(t.numpy()), which has no gradient" for name in _OF_MATRICES.split()},
        **{f"{name}_ex": f"mg.linalg.{name}" for name in ("cholesky", "inv", "solve")},
        "LinAlgError": "np.linalg.LinAlgError", **{name: _SCIPYS[name] for name in ("lu", "matrix_exp")},
        "matrix_sqrth": "scipy.linalg.sqrtm(t.numpy()), which has no gradient",
        "polar": "scipy.linalg.polar(t.numpy()), which has no gradient",
    },
    "nn.init": {
        name: f"mg.nn.init.{name}_" for name in _INITIAL.split()
    },
    "nn": {
        "DataParallel": "the module itself: there is one device; leave it out", "Tensor": "mg.Tensor",
        "modules": "mg.nn", "parameter": "mg.nn.Parameter",
        "parallel": _NO_DEVICE, "SyncBatchNorm": "mg.nn.BatchNorm2d", "UpsamplingNearest2d": "mg.nn.Upsample",
        "UpsamplingBilinear2d": "mg.nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)",
        **{f"Lazy{name}": f"mg.nn.{name}, which takes its sizes at once" for name in _LAZY.split()},
        **{f"FractionalMaxPool{d}d": f"mg.functional.fractional_max_pool{d}d(t, ...)" for d in (2, 3)},
        "CrossMapLRN2d": "mg.nn.LocalResponseNorm", "NLLLoss2d": "mg.nn.NLLLoss", "RNNBase": "mg.nn.RNN",
        "RNNCellBase": "mg.nn.RNNCell", "Container": "mg.nn.Module", "UninitializedBuffer": "mg.nn.Buffer(data)",
        "UninitializedParameter": "mg.nn.Parameter(data)",
        "AdaptiveLogSoftmaxWithLoss": "mg.nn.CrossEntropyLoss, of all classes",
    },
    "functional": {
        **{f"{name}_with_indices": f"mg.functional.{name}(..., return_indices=True)" for name in _POOLS},
        **{f"{name}_": f"t = mg.functional.{name}(t, ...)" for name in _ACTIVATING.split()},
        **{
            f"fractional_max_pool{d}d_with_indices": f"mg.functional.fractional_max_pool{d}d(..., return_indices=True)"
            for d in (2, 3)
        },
        **dict.fromkeys(("upsample", "upsample_nearest"), "mg.functional.interpolate(t, size)"),
        "upsample_bilinear": "mg.functional.interpolate(t, size, mode='bilinear', align_corners=True)",
        "multi_head_attention_forward": "mg.nn.MultiheadAttention",
        "linear_cross_entropy": "mg.functional.cross_entropy(t @ weight.T, target)",
        "native_channel_shuffle": "mg.functional.channel_shuffle",
    },
    "nn.utils": {
        "clip_grad_norm": "mg.nn.utils.clip_grad_norm_", "stateless": "mg.functional_call",
        "get_total_norm": "mg.nn.utils.clip_grad_norm_(parameters, np.inf), which returns the norm",
        "clip_grads_with_norm_": "mg.nn.utils.clip_grad_norm_(parameters, max_norm)",
        "skip_init": "the layer itself, whose weights are drawn",
        "weight_norm": f"g * v / mg.norm(v) as the weight, {_YOUR_OWN}",
        "spectral_norm": f"weight / sigma, sigma by power iteration, {_YOUR_OWN}",
        "prune": f"weight * mask, {_YOUR_OWN}",
        **dict.fromkeys(("parametrize", "parametrizations"), f"the weight as what it is computed from, {_YOUR_OWN}"),
    },
    "training": {
        "EarlyStopping": "mg.fit(..., patience=5)", "ModelCheckpoint": "mg.fit(..., checkpoint='run.npz')",
        "LearningRateScheduler": "mg.fit(..., scheduler=schedule)", "train": "mg.fit(...)",
        "Trainer": "mg.fit(model, loss, optimizer, batches)",
    },
    "sklearn": {
        "MLPClassifier": "NeuralClassifier", "MLPRegressor": "NeuralRegressor",
    },
    "optim": {
        "swa_utils": "mg.optim.ExponentialMovingAverage", "SparseAdam": "mg.optim.Adam: gradients are dense",
    },
    "data": {
        "DistributedSampler": "mg.distributed.data_parallel, which gives each worker its part of a batch",
        "default_convert": "mg.data.collate", "IterDataPipe": "mg.data.IterableDataset",
        "DFIterDataPipe": "mg.data.IterableDataset", "MapDataPipe": "mg.data.Dataset",
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
    "to_empty": "the module itself: there is one device; leave it out",
    "set_submodule": "setattr(parent, name, module)",
    **{name: f"module.weight.{name}, or of another parameter" for name in ["shape", "ndim", "size", "data", "grad"]},
    "fit": "mg.fit(model, loss, optimizer, batches)",
    "predict": "model(x), in eval mode and under mg.no_grad()",
    "evaluate": "mg.training.evaluate(model, loss, batches)",
    "summary": "mg.summary(model, x)",
    "save": "mg.save(model.state_dict(), path)",
    "load": "model.load_state_dict(mg.load(path))",
    "backward": "loss.backward(), of what a loss returns",
    "get_extra_state": "self.register_buffer(name, value), whose values are in the state dict",
    "set_extra_state": "self.register_buffer(name, value), whose values are in the state dict",
    "register_load_state_dict_pre_hook": "model.load_state_dict(changed(state_dict))",
    "register_state_dict_post_hook": "changed(model.state_dict())",
}
_OF_OPTIMIZERS = {
    **{f"register_step_{when}_hook": "the call before or after optimizer.step()" for when in ("pre", "post")},
    "register_load_state_dict_pre_hook": "optimizer.load_state_dict(changed(state_dict))",
    "register_state_dict_post_hook": "changed(optimizer.state_dict())",
}
_OF_CLASSES = {"Tensor": _METHODS, "Module": _OF_MODULES, "Optimizer": _OF_OPTIMIZERS}
_PARTS = "nn functional optim optim.lr_scheduler data training random linalg special autograd debug nn.init"
_PYTORCHS = {"functional": "nn.functional", "data": "utils.data", "Module": "nn.Module", "Optimizer": "optim.Optimizer"}
"""Parts and classes that PyTorch has elsewhere."""
KINDS_NOT_HERE = {
    "complex numbers": r"b?complex conj angle imag real$ polar cdouble cfloat chalf stft",
    "tensors that are sparse, nested or quantised": r"""
        sparse coalesced?$ crow ccol (row|col)_indices ^indices ^values dense spmm dsmm hsmm saddmm s?sp?mm$ quan
        ^q_ q?u?int\d qscheme int_repr fbgemm ^qat bits\d float[48]_ intrinsic ^ao$ nested jagged padded masked$
        Lazy Uninit lazy names?$ rename
    """,
    "other devices and processes": r"""
        cudnn miopen mkldnn mps mtia xla xpu vulkan ipu maia _meta autocast Autocast cuda accel [dD]istributed
        Stream Event cpp [Ss]hared fork wait rpc multiproc mkl is_(in)?ference$ openmp lapack spectral$ device ^cpu$
        futures Future scaled_mm grouped_mm swap_in SparseAdam
    """,
}
"""What is not here, and of which of PyTorch's names that is said."""


@cache
def pytorchs_names() -> dict[str, dict[str, str]]:
    """For each part of PyTorch, its names that are not here and for which no table says what to write.

    With each the part of `micrograd_np.torch` that has it, or "". ``python docs/generate_pytorch_names.py`` writes the
    file, of PyTorch as it is.
    """
    parts: dict[str, dict[str, str]] = {}
    for row in (get_data(__package__, "names_of_pytorch.txt") or b"").decode().splitlines():
        title, _, names = row.partition(": ")
        part, _, home = title.partition(" by ")
        parts.setdefault(part, {}).update(dict.fromkeys(names.split(), home))
    return parts


class ForeignName:
    """An attribute of another library: reading it raises an AttributeError that says what to write.

    `obj` is None in these errors, lest Python append a name that is spelt alike.
    """

    def __init__(self, name: str, home: str) -> None:
        self.name, self.home = name, home

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        home = f"{__name__.partition('.')[0]}.{self.home}"
        names = () if hint(home, self.name) else set(dir(owner)) - {*_foreign_names(self.home)}
        says = suggestion(home, self.name, names)
        raise AttributeError(f"{owner.__name__} has no {self.name!r}. {says}", name=self.name, obj=None)


def _foreign_names(home: str) -> Iterable[str]:
    return (*_OF_CLASSES[home], *pytorchs_names().get(_PYTORCHS.get(home, home), ()))


def add_foreign_names(owner: type) -> None:
    """Let a class, Tensor, Module or Optimizer, say what to write for what it does not have and PyTorch's has."""
    for name in _foreign_names(owner.__name__):
        if not hasattr(owner, name):
            setattr(owner, name, ForeignName(name, owner.__name__))


def hint(module: str, name: str) -> str:
    """What the tables say to write for ``module.name``, or where else the package has the name; "" if they do not."""
    package, _, inside = module.partition(".")
    tables = _OF_CLASSES.get(inside) or (_OF_PARTS.get(inside, {}) if inside else _FUNCTIONS)
    if name in tables:
        return tables[name]
    if name in _ARRAYS.split() and inside not in _OF_CLASSES:
        return f"mg.Tensor(np.{name}(...))"
    for part in ("", *_PARTS.split()) if inside not in _OF_CLASSES else ():
        home = f"{package}.{part}".rstrip(".")
        if home != module and not name.startswith("_") and name in getattr(import_module(home), "__all__", ()):
            return f"{home.replace(package, 'mg', 1)}.{name}"
    return ""


def suggestion(module: str, name: str, names: Iterable[str]) -> str:
    """A sentence that says what to write for ``module.name``, which does not exist; the module has `names`.

    `module` is the package, one of its parts or one of its classes.
    """
    inside = module.partition(".")[2]
    part = _PYTORCHS.get(inside, inside) or "torch"
    listed = pytorchs_names().get(part, {})
    if write := hint(module, name) or (listed.get(name) and f"{listed[name]}.{name}"):
        called = "(t, ...)" if part == "Tensor" and name in listed else ""
        return f"Write {write}{called}."
    if name in listed:
        for kind, patterns in KINDS_NOT_HERE.items():
            if re.search("|".join(patterns.split()), name):
                return f"There are no {kind} here."
    near = get_close_matches(name, names, 1)
    if name in listed:
        nearest = f" The nearest name is {near[0]}." if near else ""
        return f"PyTorch's has no counterpart here; docs/pytorch-names.md says where the others are.{nearest}"
    if name in _METHODS and not inside:  # of a tensor, in PyTorch, too
        return f"Write {_METHODS[name]}."
    return f"Did you mean {near[0]}?" if near else f"dir({module}) lists what it has."


def explain_names(namespace: dict[str, Any], module: str = "") -> None:
    """Let a module, whose variables `namespace` are, say what to write for a name that it does not have.

    `module` is the name that users know it by, where that is not its own.
    """
    module = module or namespace["__name__"]

    def missing(name: str) -> NoReturn:
        says = "" if name.startswith("__") else f" {suggestion(module, name, namespace['__all__'])}"
        raise AttributeError(f"{module} has no {name!r}.{says}", name=name, obj=None)

    namespace["__getattr__"] = missing
    namespace.setdefault("__path__", [])  # so that `from module import name` says it, too: see `ForeignModules`


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

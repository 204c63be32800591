"""PyTorch's own samples of its functions (OpInfo), put to `micrograd_np.torch`: right, refused by name, or wrong.

``python tests/peers/op_infos.py`` prints the verdicts; with names as arguments, what is the matter with those. The
samples are in float64, on the processor; entries that are sparse, complex, nested or private are left out.
"""

import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import micrograd_np.torch as ours

sys.path.append(str(Path(__file__).parents[1] / "torch_names"))

from answers import flat, function

RANDOM = set(
    """
    cauchy exponential geometric log_normal normal uniform randn randn_like rand_like randint randint_like multinomial
    bernoulli empty empty_like new_empty new_empty_strided empty_strided empty_permuted nn.functional.dropout
    nn.functional.dropout2d nn.functional.dropout3d nn.functional.alpha_dropout nn.functional.feature_alpha_dropout
    nn.functional.multi_head_attention_forward
    nn.functional.rrelu nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
""".split()
)
"""Of these, shapes and dtypes are compared."""
CONTRADICTED = {
    **dict.fromkeys(
        (f"nn.functional.max_unpool{d}d" for d in (1, 2, 3)),
        "of two elements for one place the last stays; PyTorch's gradient reaches the other, too",
    ),
    "nn.functional.ctc_loss": "PyTorch's gradient by log-probabilities contains that of log_softmax",
    "as_strided_scatter": "PyTorch's gradient reaches the elements that are overwritten, and not the others",
    **dict.fromkeys(
        ("special.bessel_j0", "special.bessel_y1"), "between 5 and 6 PyTorch's is 3e-7 off; SciPy's two ways agree"
    ),
    "svd_lowrank": "of a matrix of a higher rank PyTorch's are near the largest, by random directions; ours are those",
    "cov": "of two observations it does not depend on their weights; PyTorch's gradient by them is −2.4e-7, not 0",
}
"""Where mathematics contradicts PyTorch, and how."""
LEFT_OUT = (
    "sparse",
    "nested",
    "complex",
    "jiterator",
    "fft.",
    "stft",
    "polar",
    "cdouble",
    "cfloat",
    "chalf",
    "bfloat16",
)

UP_TO_SIGNS = {"svd", "linalg.svd", "linalg.eigh", "svd_lowrank", "pca_lowrank"}
"""Factors whose vectors have either sign: of these what the entry itself says is compared, absolute values."""


def title(op):
    """The name of an entry, with that of its variant."""
    return f"{op.name}/{op.variant_test_name}" if op.variant_test_name else op.name


def entries():
    """The entries to be judged."""
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db:
        private = any(part.startswith("_") and not part.startswith("__") for part in op.name.split("."))
        if title(op) == "as_strided/partial_views":
            continue  # of memory that a copy does not have
        if torch.float64 in op.supported_dtypes("cpu") and not private and not any(x in op.name for x in LEFT_OUT):
            yield op


def converted(x, leaves):
    """`x` with PyTorch's tensors, dtypes and devices as ours."""
    import torch

    if isinstance(x, torch.Tensor):
        array = np.array(x.detach().numpy(), copy=True) if x.dtype != torch.bfloat16 else None
        t = ours.from_numpy(np.asarray(array))
        if x.requires_grad:
            t.requires_grad_()
            leaves.append((x, t))
        return t
    if isinstance(x, (tuple, list)):
        parts = [converted(y, leaves) for y in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if isinstance(x, dict):
        return {key: converted(y, leaves) for key, y in x.items()}
    if isinstance(x, torch.nn.Module):
        return getattr(ours.nn, type(x).__name__)()
    if isinstance(x, torch.dtype):
        return getattr(ours, str(x).removeprefix("torch."))
    if isinstance(x, (torch.device, torch.layout, torch.memory_format)):
        return None
    return x


def array_of(x):
    return x.detach().numpy(force=True) if hasattr(x, "detach") else np.asarray(x)


def compare(op, sample, f):
    """None where ours agrees with PyTorch's in shapes, dtypes, values and gradients; else what differs."""
    import torch

    leaves = []
    random = op.name in RANDOM or sample.kwargs.get("dropout_p", 0)
    args = converted((sample.input, *sample.args), leaves)
    settings = converted(sample.kwargs, leaves)
    shown = sample.output_process_fn_grad if op.name in UP_TO_SIGNS else lambda x: x
    symmetric = "hermitian" in getattr(op.gradcheck_wrapper, "__name__", "")  # of x + xᵀ, says the entry
    both = lambda x, *more: (x + x.mT, *more) if symmetric else (x, *more)
    theirs = flat(shown(op.op(*both(sample.input, *sample.args), **sample.kwargs)))
    mine = flat(shown(f(*both(*args), **settings)))
    if len(theirs) != len(mine):
        return f"{len(theirs)} results, ours {len(mine)}"
    pairs = []
    for a, b in zip(theirs, mine, strict=True):
        if not isinstance(a, torch.Tensor):
            if a != b and not np.isnan([a, b]).all():
                return f"result {a!r}, ours {b!r}"
            continue
        if not isinstance(b, ours.Tensor):
            return f"a tensor, ours a {type(b).__name__}"
        x, y = array_of(a), array_of(b)
        if x.shape != y.shape:
            return f"shape {x.shape}, ours {y.shape}"
        if x.dtype != y.dtype:
            return f"dtype {x.dtype}, ours {y.dtype}"
        if not random and not np.allclose(x, y, rtol=1e-7, atol=1e-8, equal_nan=True):
            return f"values {x.reshape(-1)[:4]}, ours {y.reshape(-1)[:4]}"
        if a.requires_grad and a.numel():
            pairs.append((a, b))
    if not pairs or random or not op.supports_autograd:
        return None
    rng = np.random.default_rng(0)
    seeds = [np.asarray(rng.normal(size=tuple(a.shape))) for a, _ in pairs]
    given = [torch.from_numpy(s).to(a.dtype) for s, (a, _) in zip(seeds, pairs, strict=True)]
    expected = torch.autograd.grad([a for a, _ in pairs], [x for x, _ in leaves], given, allow_unused=True)
    recorded = [(b, ours.from_numpy(s).to(b.dtype)) for s, (_, b) in zip(seeds, pairs, strict=True) if b.requires_grad]
    found = [None] * len(leaves)
    if recorded:
        ys, gs = zip(*recorded, strict=True)
        found = ours.autograd.grad(ys, [t for _, t in leaves], gs, allow_unused=True)
    for i, (a, b) in enumerate(zip(expected, found, strict=True)):
        x = np.zeros(leaves[i][0].shape) if a is None else array_of(a)
        y = np.zeros(leaves[i][0].shape) if b is None else array_of(b)
        if x.shape != y.shape:
            return f"gradient {i} of shape {x.shape}, ours {y.shape}"
        if not np.allclose(x, y, rtol=1e-6, atol=1e-8, equal_nan=True):
            return f"gradient {i} {x.reshape(-1)[:4]}, ours {y.reshape(-1)[:4]}"
    return None


def judge(op, most=200):
    """(verdict, what is the matter): right, partly where some samples are refused, refused, failed or wrong."""
    import torch

    try:
        f = function(op.name, title(op), in_place=op.variant_test_name == "in_place")
    except AttributeError as error:
        return "refused", [str(error)]
    problems, refused, right = [], [], 0
    try:
        samples = list(op.sample_inputs("cpu", torch.float64, requires_grad=op.supports_autograd))[:most]
    except Exception as error:  # noqa: BLE001  a sample of PyTorch's that it cannot make itself
        return "unjudged", [str(error)[:80]]
    for sample in samples:
        try:
            problem = compare(op, sample, f)
        except NotImplementedError as error:
            refused.append(str(error)[:200])
            continue
        except Exception as error:  # noqa: BLE001
            if isinstance(error, (ValueError, TypeError, RuntimeError)) and str(error).startswith(
                op.name.rpartition(".")[2]
            ):  # says by name what it does not take
                refused.append(str(error)[:200])
                continue
            problem = f"RAISES {type(error).__name__}: {str(error)[:160]}"
        if problem is None:
            right += 1
        else:
            shown = [tuple(getattr(x, "shape", [repr(x)])) for x in (sample.input, *sample.args)]
            problems.append(f"{problem} | {str(shown)[:120]} {str(sample.kwargs)[:120]}")
    wrong = [p for p in problems if not p.startswith("RAISES")]
    if wrong:
        return "wrong", wrong
    if problems:
        return "failed", problems
    return ("refused" if not right else "partly", refused) if refused else ("right", [])


def main(names):
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    verdicts = {}
    for op in entries():
        if names and op.name not in names and title(op) not in names:
            continue
        verdict, what = judge(op)
        verdicts[title(op)] = verdict
        if verdict not in ("right", "refused") or (names and verdict != "right"):
            for line in what[: 8 if names else 2]:
                print(f"{verdict:8} {title(op)}: {line}")
    print(Counter(verdicts.values()))
    print("refused:", *sorted(name for name, v in verdicts.items() if v == "refused"))


if __name__ == "__main__":
    main(sys.argv[1:])

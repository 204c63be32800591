"""Write ``tests/torch_names/answers.npz``: what PyTorch 2.13 says to small samples of what `micrograd_np.torch` has.

``python tests/peers/record_answers.py``, where PyTorch is installed; `.ci/run` replays them where it is not.
"""

import sys
import warnings
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "torch_names")]

from answers import FILE, Pools, problem  # noqa: E402
from op_infos import CONTRADICTED, RANDOM, array_of, entries, flat, judge, title  # noqa: E402

SAMPLES, ELEMENTS = 6, 60
"""How many samples of an entry are recorded, and up to which size."""
FEW, LARGEST = 2, 2000
"""The same, where there is none so small."""


def tree(x, pools, leaves):
    """An argument as a tree; TypeError for what a file cannot hold."""
    import torch

    if isinstance(x, torch.Tensor):
        if x.requires_grad:
            leaves.append(x)
        return ["tensor", [pools.add(array_of(x)), bool(x.requires_grad)]]
    if type(x) in (tuple, list, torch.Size):
        return ["list" if type(x) is list else "tuple", [tree(y, pools, leaves) for y in x]]
    if isinstance(x, dict):
        return ["dict", {key: tree(y, pools, leaves) for key, y in x.items()}]
    if isinstance(x, torch.dtype):
        return ["dtype", str(x).removeprefix("torch.")]
    if isinstance(x, (torch.device, torch.layout, torch.memory_format)):
        return ["value", None]
    if isinstance(x, slice):
        return ["slice", [x.start, x.stop, x.step]]
    if x is ...:
        return ["ellipsis", None]
    if x is not None and type(x) not in (bool, int, float, str):
        raise TypeError(type(x))
    return ["value", x]


def elements(x):
    """How many numbers an argument holds."""
    import torch

    parts = x.values() if isinstance(x, dict) else x if isinstance(x, (tuple, list)) else ()
    return x.numel() if isinstance(x, torch.Tensor) else sum(map(elements, parts))


def recorded(op, sample, pools):
    """One sample with PyTorch's answer."""
    import torch

    leaves = []
    name = f"{op.name}_" if op.variant_test_name == "in_place" else op.name
    entry = {"title": title(op), "name": name, "args": tree((sample.input, *sample.args), pools, leaves)}
    entry["settings"] = tree(sample.kwargs, pools, leaves)
    results = [x for x in flat(op.op(sample.input, *sample.args, **sample.kwargs)) if isinstance(x, torch.Tensor)]
    entry["results"] = [pools.add(array_of(x)) for x in results]
    with_grad = [(i, x) for i, x in enumerate(results) if x.requires_grad and x.numel()]
    entry["seeds"], entry["gradients"] = [], []
    if with_grad and op.supports_autograd and leaves:
        rng = np.random.default_rng(0)
        seeds = [torch.from_numpy(np.asarray(rng.normal(size=tuple(x.shape)))).to(x.dtype) for _, x in with_grad]
        found = torch.autograd.grad([x for _, x in with_grad], leaves, seeds, allow_unused=True)
        entry["seeds"] = [[i, pools.add(array_of(s))] for (i, _), s in zip(with_grad, seeds, strict=True)]
        found = [torch.zeros_like(x) if g is None else g for g, x in zip(found, leaves, strict=True)]
        entry["gradients"] = [pools.add(array_of(g)) for g in found]
    return entry


def main():
    """Record every entry that is right, and print how large the file is."""
    import torch

    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    pools, written = Pools(), []
    for op in entries():
        if op.name in RANDOM or title(op) in CONTRADICTED or judge(op, most=40)[0] not in ("right", "partly"):
            continue
        kept = 0
        size = lambda sample: elements((sample.input, sample.args, sample.kwargs))
        samples = list(op.sample_inputs("cpu", torch.float64, requires_grad=op.supports_autograd))
        small = [x for x in samples if size(x) <= ELEMENTS] or sorted(samples, key=size)[:FEW]
        for sample in small:
            if kept == SAMPLES:
                break
            if size(sample) > LARGEST or sample.kwargs.get("dropout_p"):
                continue
            trial = Pools()
            try:
                entry = recorded(op, sample, trial)
                arrays = {kind: np.concatenate(parts) for kind, parts in trial.parts.items()}
                look_up = lambda p, a=arrays: a[p[0]][p[1] : p[1] + int(np.prod(p[2], dtype=int))].reshape(p[2]).copy()
                if problem(entry, look_up) is None:
                    written.append(recorded(op, sample, pools))
                    kept += 1
            except Exception as error:  # noqa: BLE001  what is refused is not recorded
                print(title(op), type(error).__name__, str(error)[:100])
    pools.save(written)
    print(len(written), "samples of", len({x["title"] for x in written}), "entries;", FILE.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

"""Write ``tests/recorded.npz``: numbers of PyTorch 2.13 that judge where it is not installed.

``python tests/peers/record_numbers.py``, where it is: sketches of what layers compute, how they are shown, where
optimisers end, and the rates of schedules that begin in the middle.
"""

import sys
import warnings
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1])]

from layer_cases import RECORDED, recorded, title, weighed  # noqa: E402
from optimizer_cases import CASES, weights_after  # noqa: E402
from recorded import FILE  # noqa: E402
from schedule_cases import RESUMED, SCHEDULES, rates_of  # noqa: E402
from torch_names.answers import Pools  # noqa: E402

from micrograd_np import nn  # noqa: E402


def main():
    """Record everything, and print how large the file is."""
    import torch

    warnings.simplefilter("ignore")
    pools, entries = Pools(), []
    for expression, arguments, settings in RECORDED:
        ours = weighed(eval(f"nn.{expression}", {"nn": nn}))
        theirs = eval(f"nn.{expression}", {"nn": torch.nn}).double()
        theirs.load_state_dict({name: torch.tensor(x) for name, x in ours.state_dict().items()})
        numbers = recorded(theirs, arguments, settings, torch.tensor)
        shown = repr(theirs).replace("NonDynamicallyQuantizable", "")  # PyTorch's own business
        entries.append([title(expression, arguments, settings), pools.add(numbers), shown])
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in it
    for name, settings in CASES:
        entries.append([f"{name} {settings}", pools.add(weights_after(torch.optim, torch.tensor, name, settings)), ""])
    for name in SCHEDULES:
        for last_epoch in RESUMED:
            rates = rates_of(torch.optim, torch.nn.Parameter(torch.ones(1)), name, last_epoch)
            entries.append([f"{name} {last_epoch}", pools.add(np.array(rates)), ""])
    pools.save(entries, FILE)
    print(len(entries), "entries;", FILE.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

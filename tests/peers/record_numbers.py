"""Write ``tests/recorded.npz``: numbers of PyTorch 2.13 that judge where it is not installed.

``python tests/peers/record_numbers.py``, where it is: sketches of what layers compute, how they are shown, where
optimisers end, and the rates of schedules.
"""

import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1])]

from layer_cases import RECORDED, recorded, title, weighed  # noqa: E402
from optimizer_cases import CASES, weights_after  # noqa: E402
from recorded import FILE  # noqa: E402
from schedule_cases import PLATEAUS, RESUMED, SCHEDULES, SEQUENCES, plateau_of, rates_of, rows_of  # noqa: E402
from torch_names.answers import Pools  # noqa: E402

from micrograd_np import nn  # noqa: E402


def entries():
    """What is recorded: a name, numbers, and a text."""
    import torch

    for case in RECORDED:
        expression, arguments, settings = case
        ours = weighed(eval(f"nn.{expression}", {"nn": nn}))
        theirs = eval(f"nn.{expression}", {"nn": torch.nn}).double()
        theirs.load_state_dict({name: torch.tensor(x) for name, x in ours.state_dict().items()})
        shown = repr(theirs).replace("NonDynamicallyQuantizable", "")  # PyTorch's own business
        yield title(*case), recorded(theirs, arguments, settings, torch.tensor), shown
    for name, last_epoch in product(SCHEDULES, RESUMED):
        rates = rates_of(torch.optim, torch.nn.Parameter(torch.ones(1)), name, last_epoch)
        yield f"{name} {last_epoch}", np.array(rates), ""
    for name in SEQUENCES:
        yield name, rows_of(torch.optim, torch.tensor, name), ""
    for settings in PLATEAUS:
        yield f"ReduceLROnPlateau {settings}", plateau_of(torch.optim, torch.tensor, settings), ""
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in it
    for name, settings in CASES:
        yield f"{name} {settings}", weights_after(torch.optim, torch.tensor, name, settings), ""


def main():
    """Record everything, and print how large the file is."""
    warnings.simplefilter("ignore")
    pools = Pools()
    written = [[name, pools.add(numbers), text] for name, numbers, text in entries()]
    pools.save(written, FILE)
    print(len(written), "entries;", FILE.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

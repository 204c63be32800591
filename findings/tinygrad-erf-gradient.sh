#!/usr/bin/env bash
# tinygrad 0.14.0 (its device PYTHON; the CPU device gives the same).
# Guess: the derivative of erf, which is smooth, at 0 is 2 / sqrt(pi), 1.1284.
# Behaviour: it is 0 at 0, and right beside it: erf is odd, and is computed as the sign times a function of the absolute
# value, of which neither has a derivative at 0. The density that is the derivative of a distribution function by erf
# is 0 at its highest place.
# Seen:
#   derivative of erf at -0.001: 1.1284
#   derivative of erf at    0.0: 0.0
#   derivative of erf at  0.001: 1.1284
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 tinygrad==0.14.0
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import os

os.environ["DEV"] = "PYTHON"
from tinygrad import Tensor

print("tinygrad", importlib.metadata.version("tinygrad"))


def slope(x):
    x = Tensor([x])
    x.erf().sum().backward()
    return round(x.grad.item(), 4)


seen = {x: slope(x) for x in (-0.001, 0.0, 0.001)}
for x, y in seen.items():
    print(f"derivative of erf at {x:6}: {y}")
assert seen[-0.001] == seen[0.001] == 1.1284
assert seen[0.0] == 0, "the behaviour has changed"
PYTHON

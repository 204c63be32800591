#!/usr/bin/env bash
# tinygrad 0.14.0 (its device PYTHON; the CPU device gives the same).
# Guess: float32 atan of 1e20 is pi / 2, and asinh(-1e5) is -asinh(1e5), -12.206.
# Behaviour: atan is 0 from 1e20 on, with the derivative 0, since the number is divided by the root of its square, which
# overflows. asinh of large negative numbers loses its digits, and is -inf at -1e5: the number and the root of its
# square cancel out. At 1e5 it is right.
# Seen:
#   atan(1e+10) is 1.571
#   atan(1e+20) is 0.0
#   asinh(100000) is 12.206
#   asinh(-1000) is -7.625
#   asinh(-100000) is -inf
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
cases = ("atan", 1e10), ("atan", 1e20), ("asinh", 1e5), ("asinh", -1e3), ("asinh", -1e5)
seen = [round(getattr(Tensor([x]), name)().item(), 3) for name, x in cases]
for (name, x), y in zip(cases, seen):
    print(f"{name}({x:g}) is {y}")
assert seen[0] == 1.571 and seen[2] == 12.206 and abs(seen[3] + 7.6) < 0.1
assert seen[1] == 0 and seen[4] == float("-inf"), "the behaviour has changed"
PYTHON

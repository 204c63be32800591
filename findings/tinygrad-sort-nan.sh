#!/usr/bin/env bash
# tinygrad 0.14.0 (its device PYTHON; the CPU device gives the same).
# Guess: sort gives the numbers that it was given, wherever it puts a nan; and max of numbers with a nan is nan, or
# passes over it.
# Behaviour: sort loses the nan and has another number twice, or has the nan only. max is nan where the nan comes
# first, and passes over it elsewhere.
# Seen:
#   [3.0, 2.0, 1.0] sort [1.0, 2.0, 3.0] max 3.0
#   [3.0, nan, 1.0] sort [1.0, 3.0, 3.0] max 3.0
#   [nan, 3.0, 1.0] sort [nan, nan, nan] max nan
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
nan, seen = float("nan"), []
for x in ([3.0, 2.0, 1.0], [3.0, nan, 1.0], [nan, 3.0, 1.0]):
    seen.append((Tensor(x).sort()[0].tolist(), Tensor(x).max().item()))
    print(x, "sort", seen[-1][0], "max", seen[-1][1])
assert seen[0] == ([1, 2, 3], 3)
assert seen[1] == ([1, 3, 3], 3) and str(seen[2]) == "([nan, nan, nan], nan)", "the behaviour has changed"
PYTHON

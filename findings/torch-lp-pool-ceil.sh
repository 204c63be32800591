#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: with p=1, lp_pool1d is a sum over each window (of what the window covers, if ceil_mode lets it reach over the
# end).
# Behaviour: the last window is multiplied by its full length although it covers less. Of five ones in windows of 3, the
# last holds two and gives 3; with p=2 in two dimensions the power sum of a corner of one element becomes 4.
# Seen:
#   p=1, five ones, windows of 3:     [3.0, 3.0], right [3.0, 2.0]
#   p=2, 3 x 3 ones, windows 2 x 2:   [[2.0, 2.0], [2.0, 2.0]], right [[2.0, 1.4142], [1.4142, 1.0]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
import torch.nn.functional as F

print("torch", torch.__version__)
one = F.lp_pool1d(torch.ones(1, 1, 5), 1, 3, ceil_mode=True)[0, 0]
two = F.lp_pool2d(torch.ones(1, 1, 3, 3), 2, 2, ceil_mode=True)[0, 0]
print("p=1, five ones, windows of 3:    ", f"{one.tolist()}, right [3.0, 2.0]")
print("p=2, 3 x 3 ones, windows 2 x 2:  ", f"{two.tolist()}, right [[2.0, 1.4142], [1.4142, 1.0]]")
assert one.tolist() == [3, 3] and two.tolist() == [[2, 2], [2, 2]], "the behaviour has changed"
PYTHON

#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU (numpy 2.4.6).
# Guess: the sign of nan is nan, as in NumPy and as floor and abs of nan are.
# Behaviour: sign, sgn and heaviside of nan are 0, where NumPy has nan: nothing that follows knows of it,
# and a step by the sign of the gradient leaves a parameter in place whose gradient is nan. The sgn of a complex nan is
# nan.
# Seen, at nan:
#   sign        torch 0.0  numpy nan
#   sgn         torch 0.0  numpy nan
#   heaviside   torch 0.0  numpy nan
#   floor       torch nan  numpy nan
#   complex sgn torch nan  numpy nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import torch

print("torch", torch.__version__.split("+")[0], "numpy", np.__version__)
nan, half = torch.tensor(torch.nan), torch.tensor(0.5)
cases = {
    "sign": (torch.sign(nan), np.sign(np.nan)),
    "sgn": (torch.sgn(nan), np.sign(np.nan)),
    "heaviside": (torch.heaviside(nan, half), np.heaviside(np.nan, 0.5)),
    "floor": (torch.floor(nan), np.floor(np.nan)),
    "complex sgn": (torch.sgn(nan.to(torch.complex64)).real, np.sign(np.complex64(np.nan)).real),
}
seen = {name: [float(value) for value in values] for name, values in cases.items()}
for name, (peer, right) in seen.items():
    print(f"{name:11} torch {peer}  numpy {right}")
assert all(np.isnan(right) for _, right in seen.values())
assert np.isnan([seen["floor"][0], seen["complex sgn"][0]]).all()
assert [seen[name][0] for name in ("sign", "sgn", "heaviside")] == [0, 0, 0], "the behaviour has changed"
PYTHON

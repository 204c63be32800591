#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: forward-mode and reverse-mode differentiation give the same derivative of a smooth function.
# Behaviour: forward mode gives 0 for a product by scatter_reduce that contains a 0, and for logcumsumexp where a later
# number is much larger: each number's derivative is multiplied by the exponential of its distance from the largest, and
# divided by a sum to which 1e-13 is added. Reverse mode and finite differences agree.
# Seen, row i is the derivative of the i-th result:
#   scatter_reduce prod of [0, 2]
#     reverse            [[2.0, 0.0]]
#     finite differences [[2.0, 0.0]]
#     forward            [[0.0, 0.0]]
#   logcumsumexp of [1, 100]
#     reverse            [[1.0, 0.0], [0.0, 1.0]]
#     finite differences [[1.0, 0.0], [0.0, 1.0]]
#     forward            [[0.0, 0.0], [0.0, 1.0]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.func import jacfwd, jacrev

print("torch", torch.__version__)


def product(x):
    return torch.ones(1, dtype=x.dtype).scatter_reduce(0, torch.tensor([0, 0]), x, "prod")


def logarithms(x):
    return torch.logcumsumexp(x, 0)


step = 1e-5
for name, function, numbers in (("scatter_reduce prod", product, [0, 2]), ("logcumsumexp", logarithms, [1, 100])):
    x = torch.tensor(numbers, dtype=torch.float64)
    columns = [(function(x + step * e) - function(x - step * e)) / (2 * step) for e in torch.eye(2, dtype=x.dtype)]
    results = {"reverse": jacrev(function)(x), "finite differences": torch.stack(columns, 1)}
    results["forward"] = jacfwd(function)(x)
    print(f"{name} of {numbers}")
    for kind, result in results.items():
        print(f"  {kind:18} {[[round(y, 4) + 0.0 for y in row] for row in result.tolist()]}")
    assert torch.allclose(results["reverse"], results["finite differences"], atol=1e-6)
    assert results["reverse"][0, 0] > 0.5 and abs(results["forward"][0, 0]) < 1e-6, "the behaviour has changed"
PYTHON

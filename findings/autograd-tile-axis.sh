#!/usr/bin/env bash
# autograd 1.9.1 (numpy 2.4.6).
# Guess: the gradient of numpy.tile(x, 2) and of numpy.repeat(x, 2, axis=-1) by a table adds up the two copies of each
# number.
# Behaviour: the values are right, and the gradients are sums over the wrong axis, in the right shape: tile counts its
# repetitions from the first axis, where NumPy counts from the last, and repeat takes a negative axis for another one.
# With (1, 2), or axis=1, they are right.
# Seen, of [[1, 2], [3, 4]] with the weights 0 ... 7:
#   tile 2          gradient [[4.0, 6.0], [8.0, 10.0]]    right [[2.0, 4.0], [10.0, 12.0]]
#   tile (1, 2)     gradient [[2.0, 4.0], [10.0, 12.0]]   right [[2.0, 4.0], [10.0, 12.0]]
#   repeat axis=-1  gradient [[4.0, 6.0], [8.0, 10.0]]    right [[1.0, 5.0], [9.0, 13.0]]
#   repeat axis=1   gradient [[1.0, 5.0], [9.0, 13.0]]    right [[1.0, 5.0], [9.0, 13.0]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 autograd==1.9.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import autograd.numpy as np
from autograd import grad

print("autograd", version("autograd"))
x, weights = np.array([[1.0, 2.0], [3.0, 4.0]]), np.arange(8.0).reshape(2, 4)
copies = {
    "tile 2": lambda x: np.tile(x, 2),
    "tile (1, 2)": lambda x: np.tile(x, (1, 2)),
    "repeat axis=-1": lambda x: np.repeat(x, 2, axis=-1),
    "repeat axis=1": lambda x: np.repeat(x, 2, axis=1),
}
seen = []
for name, copy in copies.items():
    gradient = grad(lambda x: np.sum(copy(x) * weights))(x)
    right = np.array([[(copy((x == number) * 1.0) * weights).sum() for number in row] for row in x])
    print(f"{name:15} gradient {gradient.tolist()!s:28} right {right.tolist()}")
    seen.append(np.array_equal(gradient, right))
assert seen == [False, True, False, True], "the behaviour has changed"
PYTHON

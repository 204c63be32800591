#!/usr/bin/env bash
# h5py 3.16.0 (numpy 2.4.6).
# Guess: float64 numbers written to a float16 data set become what numpy.float16 makes of them.
# Behaviour: they do, except above 65504, the largest float16: numbers up to 65520 round to 65504 in NumPy and IEEE 754,
# and become infinite in the file.
# Seen:
#   65504.0: numpy 65504.0, h5py 65504.0
#   65505.0: numpy 65504.0, h5py inf
#   65519.0: numpy 65504.0, h5py inf
#   65520.0: numpy inf, h5py inf
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 h5py==3.16.0
"$folder/venv/bin/python" - <<'PYTHON'
import h5py
import numpy as np

print("h5py", h5py.__version__, "numpy", np.__version__)
numbers = np.array([65504.0, 65505.0, 65519.0, 65520.0])
others = np.random.default_rng(0).standard_normal(10000) * np.geomspace(1e-7, 1e4, 10000)
with h5py.File("memory", "w", driver="core", backing_store=False) as file:
    written = [file.create_dataset(name, x.shape, "float16") for name, x in (("a", numbers), ("b", others))]
    for data, x in zip(written, (numbers, others)):
        data[:] = x
    here, rest = (data[:] for data in written)
with np.errstate(over="ignore"):
    there = numbers.astype(np.float16)
for number, a, b in zip(numbers, there, here):
    print(f"{number}: numpy {a}, h5py {b}")
assert (rest == others.astype(np.float16)).all()
assert here.tolist() == [65504, np.inf, np.inf, np.inf], "the behaviour has changed"
assert there.tolist() == [65504, 65504, 65504, np.inf], "the behaviour has changed"
PYTHON

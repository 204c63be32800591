#!/usr/bin/env bash
# numcodecs 0.16.6 (numpy 2.4.6).
# Guess: the filter Delta stores differences without loss, also of float32 numbers, as it decodes to the dtype it was
# given.
# Behaviour: differences and their running sum are rounded: most numbers come back changed, a small number after a large
# one is lost, and all after an infinity is nan.
# Seen:
#   of 1000 numbers 975 come back changed
#   [1e+08, 1.0, 2.0, 3.0] comes back as [1e+08, 0.0, 1.0, 2.0]
#   [1.0, inf, 2.0, 3.0] comes back as [1.0, inf, nan, nan]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 numcodecs==0.16.6
"$folder/venv/bin/python" - <<'PYTHON'
import numcodecs
import numpy as np

print("numcodecs", numcodecs.__version__, "numpy", np.__version__)
codec = numcodecs.Delta(dtype="float32")


def back(numbers):
    with np.errstate(invalid="ignore"):
        return codec.decode(codec.encode(np.array(numbers, np.float32)))


x = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
changed = np.count_nonzero(back(x) != x)
print("of 1000 numbers", changed, "come back changed")
seen = []
for numbers in ([1e8, 1.0, 2.0, 3.0], [1.0, np.inf, 2.0, 3.0]):
    seen.append([f"{y:g}" for y in back(numbers)])
    print(f"[{', '.join(map(str, numbers))}]".replace("100000000.0", "1e+08"), "comes back as", end=" ")
    print(f"{back(numbers).tolist()}".replace("100000000.0", "1e+08"))
assert changed > 900, "the behaviour has changed"
assert seen == [["1e+08", "0", "1", "2"], ["1", "inf", "nan", "nan"]], "the behaviour has changed"
PYTHON

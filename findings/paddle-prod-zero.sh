#!/usr/bin/env bash
# paddlepaddle 3.3.1 (numpy 2.4.6), on a CPU.
# Guess: the gradient of prod at an element that is 0 is the product of the others, as cumprod of the same package has
# it.
# Behaviour: the product is divided by the element, so that the gradient there is nan; cumprod is right.
# Seen, at 3, 0, 2, of the last number of both:
#   prod      0.0 nan 0.0
#   cumprod   0.0 6.0 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 paddlepaddle==3.3.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import paddle

print("paddlepaddle", version("paddlepaddle"))


def gradient(function):
    x = paddle.to_tensor([3.0, 0.0, 2.0], stop_gradient=False)
    function(x).backward()
    return x.grad.numpy()


whole = gradient(paddle.prod)
last = gradient(lambda x: paddle.cumprod(x, 0)[-1])
print("prod     ", *whole)
print("cumprod  ", *last)
assert np.isnan(whole[1]), "the behaviour has changed"
assert last.tolist() == [0, 6, 0], "the behaviour has changed"
PYTHON

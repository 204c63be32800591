#!/usr/bin/env bash
# JAX 0.10.2 (numpy 2.4.6), on the CPU.
# Guess: x ** 0.0 is 1 and its derivative 0, also at 0, as for x ** 0; and a polynomial by powers of floats has the
# derivatives of a polynomial.
# Behaviour: the derivative of x ** 0.0 at 0 is nan, as is the second one of x ** 1.0 and the third of x ** 2.0. The
# gradients of jax.numpy.vander and of a polynomial with exponents arange(3.0) are nan at 0. With whole numbers as
# exponents all are right.
# Seen, at 0:
#   derivative 1 of x ** 0: 0.0  of x ** 0.0: nan
#   derivative 2 of x ** 1: 0.0  of x ** 1.0: nan
#   derivative 3 of x ** 2: 0.0  of x ** 2.0: nan
#   gradient of 1 + 2 x + 3 x**2 by arange(3): 2.0  by arange(3.0): nan
#   gradient of vander: nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2
"$folder/venv/bin/python" - <<'PYTHON'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp

print("jax", jax.__version__)


def derivative(f, order):
    for _ in range(order):
        f = jax.grad(f)
    return float(f(0.0))


seen = []
for n in range(3):
    seen.append((derivative(lambda x: x**n, n + 1), derivative(lambda x: x ** float(n), n + 1)))
    print(f"derivative {n + 1} of x ** {n}: {seen[-1][0]}  of x ** {n}.0: {seen[-1][1]}")
weights = jnp.array([1.0, 2.0, 3.0])
seen.append([derivative(lambda x: jnp.sum(weights * x**powers), 1) for powers in (jnp.arange(3), jnp.arange(3.0))])
print(f"gradient of 1 + 2 x + 3 x**2 by arange(3): {seen[-1][0]}  by arange(3.0): {seen[-1][1]}")
vander = derivative(lambda x: jnp.vander(jnp.array([x]), 3).sum(), 1)
print(f"gradient of vander: {vander}")
assert [whole for whole, _ in seen] == [0, 0, 0, 2]
assert all(value != value for value in (vander, *(value for _, value in seen))), "the behaviour has changed"
PYTHON

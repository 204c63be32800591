"""Autograd agrees wherever it has one of our primitives under NumPy's name; JAX, which compiles each, on a few.

PyTorch judges all of them in both precisions; two more judges are here for the case that it errs as we do.
"""

from importlib import import_module

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np.check.samples import samples_for
from micrograd_np.core.registry import registry

EXTRA = "pip install 'micrograd_np[bench]'"
NAMES = """
    abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt cos cosh cumsum divide exp exp2 expm1
    hypot log log10 log1p log2 logaddexp matmul max maximum mean min minimum multiply negative power prod reciprocal
    sin sinh sqrt square std subtract sum tan tanh tril triu var where
"""
MISSING = {"cbrt", "hypot", "tril", "triu"}  # autograd has no rule for these
IN_JAX = {"cbrt": "numpy", "hypot": "numpy", "cumprod": "numpy", "erf": "scipy.special", "xlogy": "scipy.special"}


@pytest.fixture(scope="module")
def jax():
    """JAX in double precision, and as it was afterwards."""
    jax = pytest.importorskip("jax", reason=EXTRA)
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


def judged(name, theirs, gradients):
    """Value and gradients of one sample for each of the op's examples, ours and theirs; `gradients` pulls ones back."""
    op = registry[{"abs": "absolute"}.get(name, name)]
    for sample in [*samples_for(op)][: len(op.examples)]:
        xs = [mg.Tensor(x, requires_grad=i in sample.varied) for i, x in enumerate(sample.inputs)]
        z = sample.apply(*xs)
        z.sum().backward()
        settings = {key: value for key, value in sample.settings.items() if value is not False}
        yield z.data, theirs(*sample.inputs, **settings)
        found = gradients(theirs, sample.inputs, settings, sample.varied)
        for i, g in zip(sample.varied, found, strict=True):
            yield xs[i].grad.data, g


def agree(pairs):
    for a, b in pairs:
        assert a.dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", IN_JAX)
def test_jax_agrees(name, jax):
    def gradients(f, inputs, settings, varied):
        return jax.grad(lambda *xs: f(*xs, **settings).sum(), argnums=tuple(varied))(*inputs)

    agree(judged(name, getattr(import_module(f"jax.{IN_JAX[name]}"), name), gradients))


@together
@pytest.mark.parametrize("name", [name for name in NAMES.split() if name not in MISSING])
def test_autograd_agrees(name):
    autograd = pytest.importorskip("autograd", reason=EXTRA)
    anp = pytest.importorskip("autograd.numpy")

    def gradients(f, inputs, settings, varied):
        return [autograd.grad(lambda *xs: anp.sum(f(*xs, **settings)), i)(*inputs) for i in varied]

    agree(judged(name, getattr(anp, name), gradients))

"""Special functions whose values SciPy computes: identities of mathematics, and what is said without SciPy."""

import math
import subprocess
import sys

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import special as ours

scipys = pytest.importorskip("scipy.special", reason="pip install 'micrograd_np[scipy]'")
X = np.linspace(0.2, 6, 30)


def close(a, b, rtol=1e-13):
    np.testing.assert_allclose(np.asarray(a), b, rtol=rtol)


def slope(f, x):
    t = mg.Tensor(x, requires_grad=True)
    f(t).sum().backward()
    return t.grad.data


def test_the_gamma_function_is_the_factorial():
    close(ours.gammaln(np.arange(1.0, 9)), [math.log(math.factorial(n)) for n in range(8)])
    close(ours.digamma(np.array(1.0)), -np.euler_gamma)
    close(ours.digamma(X + 1) - ours.digamma(X), 1 / X, rtol=1e-11)
    close(ours.multigammaln(X + 1, 2), ours.gammaln(X + 1) + ours.gammaln(X + 0.5) + 0.5 * math.log(math.pi))


def test_the_zeta_function_has_eulers_values():
    close(ours.zeta(2.0, np.ones(())), math.pi**2 / 6)
    close(ours.zeta(4.0, np.ones(())), math.pi**4 / 90)
    close(ours.zeta(3.0, X) - ours.zeta(3.0, X + 1), X**-3.0, rtol=1e-11)


@pytest.mark.parametrize("n", range(4))
def test_a_polygamma_function_has_the_next_one_as_its_derivative(n):
    close(slope(lambda t: ours.polygamma(n, t), X), ours.polygamma(n + 1, X))


def test_inverses_are_inverse():
    p = np.linspace(0.01, 0.99, 50)
    close(mg.erf(ours.erfinv(p)), p)
    close(mg.ndtr(ours.ndtri(p)), p)
    close(np.exp(ours.log_ndtr(-X)), mg.ndtr(-X))
    close(ours.erfcx(X) * np.exp(-X * X), ours.erfc(X), rtol=1e-12)


def test_far_tails_keep_their_digits():
    close(ours.erfc(np.array([3.0, 5.0])), [math.erfc(3), math.erfc(5)], rtol=1e-12)
    close(slope(ours.log_ndtr, np.array([-40.0])), 40.0249688, rtol=1e-7)  # x + 1/x − 2/x³ …


def test_incomplete_gamma_functions_of_one_are_exponential():
    close(ours.gammaincc(1.0, X), np.exp(-X))
    close(ours.gammainc(2.5, X) + ours.gammaincc(2.5, X), np.ones_like(X))
    close(slope(lambda t: ours.gammainc(1.0, t), np.array([0.0, 1.0])), np.exp([0.0, -1.0]))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_bessel_functions_have_their_wronskians(n):
    close(
        ours.bessel_j(X, n + 1) * ours.bessel_y(X, n) - ours.bessel_j(X, n) * ours.bessel_y(X, n + 1),
        2 / (math.pi * X),
        rtol=1e-12,
    )
    close(ours.bessel_i(X, n) * ours.bessel_k(X, n + 1) + ours.bessel_i(X, n + 1) * ours.bessel_k(X, n), 1 / X)
    for f, sign in ((ours.bessel_i, -1), (ours.bessel_k, 1)):
        close(f(X, n, scaled=True), np.exp(sign * X) * f(X, n))


def test_scaled_bessel_functions_of_zero_have_the_middle_slope():
    assert slope(lambda t: ours.bessel_i(t, 0, scaled=True), np.zeros(1)) == 0
    close(slope(lambda t: ours.bessel_i(t, 1), np.zeros(1)), 0.5)


@pytest.mark.parametrize(
    ("f", "edge"),
    [
        (ours.gammaln, 0.0),
        (ours.digamma, 0.0),
        (lambda x: ours.zeta(2.0, x), 0.0),
        (lambda x: ours.gammainc(0.5, x), 0.0),
        (ours.erfinv, 1.0),
        (ours.ndtri, 0.0),
        (ours.bessel_y, 0.0),
        (ours.bessel_k, 0.0),
    ],
)
def test_no_gradient_leaves_an_infinite_slope_where_none_arrives(f, edge):
    x = mg.Tensor([edge, 0.5], requires_grad=True)
    with np.errstate(all="ignore"):
        mg.where(np.array([False, True]), f(x), 0.0).sum().backward()
    assert x.grad.data[0] == 0
    assert np.isfinite(x.grad.data).all()


@pytest.mark.parametrize("name", ["gammaln", "psi", "digamma", "erfinv", "erfcx", "ndtri", "log_ndtr"])
def test_scipys_functions_of_a_tensor_are_ours(name):
    t = mg.Tensor([0.25, 0.75], requires_grad=True)
    z = getattr(scipys, name)(t)
    z.sum().backward()
    close(z.data, getattr(scipys, name)(t.data))
    assert t.grad is not None


def test_numbers_and_integers_and_half_precision_are_taken():
    assert ours.gammaln(mg.Tensor(np.arange(1, 4))).dtype == np.float64
    assert ours.gammaln(np.ones(2, np.float16)).dtype == np.float16
    assert ours.gammainc(2.5, np.ones(2, np.float32)).dtype == np.float32
    close(ours.gammaln(5), math.log(24))


def test_a_derivative_by_the_parameter_is_refused():
    a = mg.Tensor([2.0], requires_grad=True)
    for f in (ours.zeta, ours.gammainc, ours.gammaincc):
        with pytest.raises(NotImplementedError, match=rf"^{f.__name__}: there is no derivative by its first argument"):
            f(a, 1.5)
        assert f(a.detach(), 1.5).shape == (1,)
    with mg.no_grad():
        assert ours.zeta(a, 1.5).shape == (1,)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: ours.polygamma(-1, 1.0), ValueError, "polygamma: n must be at least 0"),
        (lambda: ours.polygamma(0.5, 1.0), TypeError, "polygamma: n must be an integer"),
        (lambda: ours.multigammaln(1.0, 0), ValueError, "multigammaln: d must be at least 1"),
    ],
)
def test_a_wrong_order_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_scipy_is_loaded_by_the_first_call_and_missed_in_words():
    code = """
import sys
import micrograd_np as mg, micrograd_np.torch as torch
x = mg.Tensor([1.0])
mg.special.erfc(x), mg.erf(x), torch.ones(2).erf()
assert not any(name.partition(".")[0] == "scipy" for name in sys.modules)
sys.modules["scipy"] = None
for call in (lambda: mg.special.gammaln(x), lambda: torch.lgamma(torch.ones(2))):
    try:
        call()
    except ImportError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["gammaln: needs SciPy; install it with: pip install 'micrograd_np[scipy]'"] * 2


def test_a_program_that_is_written_down_calls_scipy():
    step = mg.compile(lambda x: ours.gammaln(x * 2).sum())
    x = mg.Tensor(X)
    assert step(x).item() == step(x).item() == ours.gammaln(x * 2).sum().item()
    assert "from scipy import special" in step.source

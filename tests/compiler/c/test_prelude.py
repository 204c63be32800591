"""The C that all programs share compiles, and does what NumPy does."""

import ctypes
import platform
import subprocess

import numpy as np
import pytest

from micrograd_np.compiler.c.loops import find_loop
from micrograd_np.compiler.c.source import prelude
from micrograd_np.compiler.c.toolchain import find_compiler

compiler = find_compiler()
pytestmark = pytest.mark.skipif(isinstance(compiler, str), reason=str(compiler))
X86 = platform.machine() in {"x86_64", "AMD64"}
each_dtype = pytest.mark.parametrize("kind", ["f", "d"], ids=["float32", "float64"])

PROGRAM = """
void total_of_exp(const numpy_loop *loops, const REAL *x, REAL *y, REAL *z, long n) {
    unary(&loops[0], x, sizeof(REAL), y, sizeof(REAL), n);
    *z = -0.0;
    reduce(&loops[1], z, 0, y, sizeof(REAL), n);
}
void product(const numpy_loop *loops, const REAL *a, const REAL *b, REAL *c, long m, long k, long n) {
    long s = sizeof(REAL);
    matmul(&loops[2], a, k * s, s, b, n * s, s, c, n * s, s, m, k, n);
}
void arithmetic(const REAL *a, const REAL *b, REAL *z, boolean *t, long n) {
    for (long i = 0; i < n; i++) {
        REAL x = a[i], y = b[i];
        z[i] = x + y, z[n + i] = x - y, z[2 * n + i] = x * y, z[3 * n + i] = x / y, z[4 * n + i] = ROOT(x);
        z[5 * n + i] = x * x, z[6 * n + i] = 1 / x, z[7 * n + i] = -x, z[8 * n + i] = ABSOLUTE(x);
        t[i] = x < y, t[n + i] = x <= y, t[2 * n + i] = x == y, t[3 * n + i] = x != y, t[4 * n + i] = x > y;
        t[5 * n + i] = x >= y, t[6 * n + i] = isfinite(x), t[7 * n + i] = isnan(x);
    }
}
int seen(REAL x, REAL *y) { feclearexcept(FE_ALL_EXCEPT); *y = 1 / x; return raised(); }
"""
CHOICE = """
void smallest_and_largest(const REAL *a, const REAL *b, REAL *least, REAL *most, long n) {
    for (long i = 0; i < n; i++) { least[i] = minimum_REAL(a[i], b[i]); most[i] = maximum_REAL(a[i], b[i]); }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A function from a kind to the program compiled for it."""

    def compiled(kind):
        folder = tmp_path_factory.mktemp("c")
        text = (PROGRAM + CHOICE * X86).replace("REAL", {"f": "float", "d": "double"}[kind])
        for name, function in (("ROOT", "sqrt"), ("ABSOLUTE", "fabs")):
            text = text.replace(name, function + "f" * (kind == "f"))
        (folder / "a.c").write_text(prelude() + text)
        subprocess.run(
            [x for x in compiler.arguments("a.c", "a") if x != "-w"] + ["-Wall", "-Werror"], cwd=folder, check=True
        )
        return ctypes.CDLL(str(folder / "a"))

    return compiled


def addresses(*arrays):
    return [ctypes.c_void_p(x.ctypes.data) for x in arrays]


@each_dtype
@pytest.mark.skipif(not X86, reason="NumPy's maximum of zeros is another here")
def test_maximum_and_minimum_choose_as_numpy_does(library, kind):
    special = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, np.copysign(np.nan, -1), 1e-40], kind)
    a, b = (x.ravel().copy() for x in np.meshgrid(special, special))
    least, most = np.empty_like(a), np.empty_like(a)
    library(kind).smallest_and_largest(*addresses(a, b, least, most), ctypes.c_long(a.size))
    assert least.tobytes() == np.minimum(a, b).tobytes()
    assert most.tobytes() == np.maximum(a, b).tobytes()


@each_dtype
def test_arithmetic_and_comparisons_are_those_of_numpy(library, kind, rng):
    special = np.array([0.0, -0.0, 1.0, -3.0, np.inf, -np.inf, np.nan, 1e-40, 1e-310, np.finfo(kind).max], kind)
    x = np.concatenate([special, rng.standard_normal(50).astype(kind) * 10])
    a, b = (x.ravel().copy() for x in np.meshgrid(x, x))
    z, t = np.empty((9, a.size), kind), np.empty((8, a.size), bool)
    library(kind).arithmetic(*addresses(a, b, z, t), ctypes.c_long(a.size))
    with np.errstate(all="ignore"):
        for result, ufunc in zip(z, (np.add, np.subtract, np.multiply, np.divide), strict=False):
            assert result.tobytes() == ufunc(a, b).tobytes(), ufunc
        for result, ufunc in zip(z[4:], (np.sqrt, np.square, np.reciprocal, np.negative, np.absolute), strict=True):
            assert result.tobytes() == ufunc(a).tobytes(), ufunc
        comparisons = (np.less, np.less_equal, np.equal, np.not_equal, np.greater, np.greater_equal)
        for result, ufunc in zip(t, comparisons, strict=False):
            assert result.tobytes() == ufunc(a, b).tobytes(), ufunc
    assert (t[6] == np.isfinite(a)).all()
    assert (t[7] == np.isnan(a)).all()


@each_dtype
def test_c_calls_numpys_loops(library, kind, rng):
    found = [
        find_loop(np.exp, f"{kind}->{kind}"),
        *(find_loop(x, f"{kind}{kind}->{kind}") for x in (np.add, np.matmul)),
    ]
    if None in found:
        pytest.skip("NumPy's loops are not known here")
    loops = (ctypes.c_void_p * 6)(*(x for loop in found for x in loop))
    compiled = library(kind)
    x = rng.standard_normal(1000).astype(kind)
    y, z = np.empty_like(x), np.empty(1, kind)
    compiled.total_of_exp(loops, *addresses(x, y, z), ctypes.c_long(x.size))
    assert y.tobytes() == np.exp(x).tobytes()
    assert z[0].tobytes() == np.exp(x).sum().tobytes()
    a, b = x[:600].reshape(20, 30).copy(), x[600:].reshape(-1, 10)[:30].copy()
    c = np.empty((20, 10), kind)
    compiled.product(loops, *addresses(a, b, c), *map(ctypes.c_long, (20, 30, 10)))
    assert c.tobytes() == (a @ b).tobytes()


@each_dtype
def test_flags_are_seen(library, kind):
    flags = library(kind).seen
    real = {"f": ctypes.c_float, "d": ctypes.c_double}[kind]
    assert flags(real(2.0), ctypes.byref(real())) == 0
    assert flags(real(0.0), ctypes.byref(real())) != 0

"""Passes, planning and the verifier on programs of a few lines, written as text."""

from unittest.mock import patch

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.compiler.evaluate import run
from micrograd_np.compiler.memory import plan
from micrograd_np.compiler.parser import parse
from micrograd_np.compiler.passes import blocks
from micrograd_np.compiler.passes.constants import fold_constants, numbers_to_arrays, spread_bounds
from micrograd_np.compiler.passes.cse import merge_repeats
from micrograd_np.compiler.passes.dce import drop_dead_ops
from micrograd_np.compiler.passes.signs import absorb_signs, negate_what_is_small
from micrograd_np.compiler.passes.small import make_results_last, match_axes
from micrograd_np.compiler.passes.value_ranges import drop_guards
from micrograd_np.compiler.program import copied
from micrograd_np.compiler.verify import verify, verify_plan


def outcome(program):
    """What a program returns and stores, on inputs with zeros of either sign among them."""
    draw = np.random.default_rng(0)
    inputs = [np.trunc(3 * draw.uniform(-1, 1, v.shape)).astype(v.dtype) for v in program.inputs]
    memory = {v.memory: np.linspace(-1, 2, v.size).reshape(v.shape) for _, v in program.states.values()}
    with np.errstate(all="ignore"):
        results, stores = run(program, inputs, memory)
    return [np.asarray(x) for x in (*(results if isinstance(results, tuple) else [results]), *stores.values())]


def after(change, text):
    """The functions that are left after a pass, which has kept every bit, and how much it says that it saved."""
    program = parse(text)
    verify(program)
    before = outcome(copied(program)[0])
    saved = change(program)
    verify(program)
    for a, b in zip(before, outcome(program), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))
    layout = plan(program)
    verify(program)
    verify_plan(program, layout)
    return [op.function for op in program.ops if op.effect != "view"], saved


def test_what_is_printed_can_be_read_again():
    text = """
x: float64[4, 3] = input()
w: float64[3] = state()
rate: float64[()] = constant(0.5)
h: float64[4, 3] = np.multiply(x, rate)
h_top: float64[2, 3] = getitem(h, slice(0, 2, None))
z: float64[4, 3] = np.copyto(1.0, into=h_top)
total: float64[3] = np.add.reduce(z, axis=0)
w_2: float64[3] = np.subtract(w, total)
return z
store(w, w_2)
"""
    again = parse(str(parse(text)))
    verify(again)
    assert str(again) == str(parse(text))
    assert all(map(np.array_equal, outcome(parse(text)), outcome(again)))


def _told(program):
    """What the operations of a program do, one by one."""
    ops = [one for op in program.ops for one in (op, *getattr(op, "body", ()))]
    return [(op.function, op.effect, op.must_run, op.bound and op.bound[1], *map(_lies, op.defines)) for op in ops]


def _lies(v):
    return v.shape, v.dtype, v.strides


def _in_blocks(x):
    y = x * 2
    return ((y - 1) * y + mg.exp(-y)).sum()


def _drawn(x):
    return nn.functional.dropout(x, 0.5).T.reshape(6, 2).sum(0)


def _beside():
    w = mg.Tensor(np.ones(6))
    first = mg.Tensor(w.data[:3])

    def step(x):
        with mg.no_grad():
            w.copy_(w * 2)
            first.copy_(first + x)
        return w * mg.where(x.sum() > 0, np.inf, 1.0)

    return step


def _trained():
    net = nn.Sequential(nn.Conv2d(1, 2, 2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
    optimizer = mg.optim.Adam(net.parameters(), lr=0.1)

    def step(x):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), (x[:, 0, 0, 0] > 0).astype(np.int64))
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize(
    ("step", "x"),
    [
        (lambda x: (x * 2).sum(0), np.ones((2, 3)).T),
        (_in_blocks, np.ones(200_000)),
        (_drawn, np.ones((3, 4))),
        (_beside(), np.ones(3)),
        (_trained(), np.ones((2, 1, 3, 3))),
    ],
    ids=["laid out otherwise", "in blocks", "drawn", "memory in memory", "trained"],
)
def test_programs_are_read_again_as_they_were(step, x, mode):
    step = mg.compile(step, mode=mode)
    with mg.no_grad() if x.size == 12 else mg.enable_grad():
        step(x)
    for program in (step.last.program, copied(step.last.raw)[0]):
        again = parse(str(program))
        verify(again)
        assert str(again) == str(program)
        assert _told(again) == _told(program)


def left(change, text):
    """The functions that are left after a pass, of a program that draws or looks at values, or is laid out oddly."""
    program = parse(text)
    verify(program)
    change(program)
    verify(program)
    return [op.function for op in program.ops if op.effect != "view"]


def test_what_nobody_needs_goes():
    text = """
x: float64[3] = input()
y = np.exp(x)
z = np.add(x, 1.0)
return z
"""
    assert after(drop_dead_ops, text) == (["np.add"], 1)


DRAWS = """
x: float64[3] = input()
a: float64[3] = generator.standard_normal(3)
b: float64[3] = generator.standard_normal(3)
routine.rows_within(x, 4)
z = np.add(b, 1.0)
y = np.subtract(z, b)
return y
"""


@pytest.mark.parametrize("change", [drop_dead_ops, fold_constants, merge_repeats])
def test_draws_and_checks_stay_where_they_are(change):
    assert left(change, DRAWS) == ["call", "call", "routine.rows_within", "np.add", "np.subtract"]


def test_what_is_the_same_in_every_call_is_computed_once():
    text = """
x: float64[3] = input()
c: float64[3] = constant([1.0, 2.0, 3.0])
d = np.multiply(c, 2.0)
e = np.exp(d)
z = np.add(x, e)
return z
"""
    assert after(fold_constants, text) == (["np.add"], 2)


def test_a_constant_that_is_written_into_is_made_in_each_call():
    text = """
x: float64[2] = input()
z: float64[4] = copy(0)
y = np.copyto(x, into=z[1:3])
return y
"""
    assert after(fold_constants, text) == (["copy", "np.copyto"], 0)


def test_equal_exponents_stay_an_array_as_other_operands_do_not():
    text = """
x: float64[3] = input()
c: float64[3] = constant([2.0, 2.0, 2.0])
y = np.power(x, c)
z = np.multiply(y, c)
return z
"""
    program = parse(text)
    fold_constants(program)
    assert [op.args[1].shape for op in program.ops] == [(3,), ()]  # NumPy squares where the exponent is one number


def test_a_mask_that_keeps_all_of_a_part_is_not_the_whole():
    text = """
x: float64[4] = input()
k: bool[2] = constant([True, True])
h = np.exp(x)
z = routine.clear(k, into=h[0:2])
return z
"""
    assert after(fold_constants, text) == (["np.exp", "routine.clear"], 0)
    assert after(
        fold_constants,
        text.replace("bool[2]", "bool[4]").replace("True, True", "True, True, True, True").replace("h[0:2]", "h"),
    ) == (["np.exp"], 0)


def test_bare_numbers_become_arrays():
    text = """
x: float64[3] = input()
y = np.multiply(x, 2.0)
return y
"""
    assert after(numbers_to_arrays, text) == (["np.multiply"], 1)


EQUAL = """
x: float64[3] = input()
a = np.exp(x)
b = np.exp(x)
y = np.add(a, 1.0)
z = np.add(b, 1.0)
s = np.multiply(y, z)
return s
"""


def test_equal_calls_are_one():
    assert after(merge_repeats, EQUAL) == (["np.exp", "np.add", "np.multiply"], 2)


def test_equal_buffers_that_are_filled_in_parts_are_one():
    text = """
x: float64[2] = input()
a: float64[4] = copy(0)
b = np.copyto(x, into=a[1:3])
c: float64[4] = copy(0)
d = np.copyto(x, into=c[1:3])
e = np.subtract(b, d)
return e
"""
    functions, _ = after(lambda program: merge_repeats(program) + drop_dead_ops(program), text)
    assert functions == ["copy", "np.copyto", "np.subtract"]


def test_calls_between_which_something_is_written_are_not_equal():
    text = """
x: float64[3] = input()
h = np.multiply(x, 2.0)
a = np.exp(h)
g = np.copyto(1.0, into=h[0:1])
b = np.exp(g)
s = np.subtract(a, b)
return s
"""
    assert after(merge_repeats, text)[1] == 0


def test_equal_calls_whose_results_lie_otherwise_are_not_equal():
    text = """
x: float64[2, 3] = input()
y: float64[2, 3] = np.multiply(x, x)
z: float64[2, 3].strides(8, 16) = np.multiply(x, x)
s = np.add.reduce(y)
t = np.add.reduce(z)
return s, t
"""
    assert left(merge_repeats, text) == ["np.multiply", "np.multiply", "np.add.reduce", "np.add.reduce"]


def test_equal_constants_that_lie_otherwise_are_not_equal():
    text = """
x: float64[2, 2] = input()
_c: float64[2, 2] = constant([[1.0, 2.0], [3.0, 4.0]])
_d: float64[2, 2] = constant([[1.0, 2.0], [3.0, 4.0]])
y = np.dot(x, _c)
z = np.dot(x, _d)
return y, z
"""
    for lies, count in ((np.ascontiguousarray, 1), (np.asfortranarray, 2)):
        program = parse(text)
        for v in program.ops[1].reads[1:]:
            v.label.name, v.memory.array = "", lies(v.memory.array)
        program.ops[0].reads[1].label.name = ""
        merge_repeats(program)
        assert len(program.ops) == count


def test_a_matrix_and_its_equal_are_not_one_where_they_meet_in_a_product():
    text = """
x: float64[3, 3] = input()
a = np.multiply(x, 2.0)
b = np.multiply(x, 2.0)
c = attribute.T(b)
p = np.matmul(a, c)
return p
"""
    assert after(merge_repeats, text)[0].count("np.multiply") == 2


def test_a_sum_takes_the_other_sign_as_a_difference():
    text = """
x: float64[3] = input()
y: float64[3] = input()
n = np.negative(y)
_p = np.multiply(n, x)
s = np.add(x, _p)
return s
"""
    assert after(absorb_signs, text) == (["np.multiply", "np.subtract"], 1)


@pytest.mark.parametrize("last", ["np.exp(n)", "np.subtract(n, x)", "np.multiply(n, 1.0)"])
def test_a_negation_that_is_needed_stays(last):
    text = f"x: float64[3] = input()\nn = np.negative(x)\nz = {last}\nreturn z"
    assert after(absorb_signs, text)[1] == 0


SIGNS = {
    "a square": "p = np.multiply(n, n)\n_s = np.add(p, y)\nz = np.add(_s, 0.5)",
    "two opposites": "_a = np.multiply(n, y)\n_b = np.multiply(n, x)\n_c = np.multiply(_a, _b)\nz = np.add(_c, y)",
    "itself and its product": "_p = np.multiply(n, y)\nz = np.add(_p, n)",
    "a later product": "_p = np.multiply(n, y)\n_q = np.multiply(_p, y)\n_s = np.subtract(n, _q)\nz = np.add(_s, y)",
    "what leaves": "_p = np.multiply(n, y)\ns = np.add(_p, y)\nz = np.add(n, s)\nstore(w, _p)",
    "a part": "_p = np.multiply(n, y)\n_part = _p[0:2]\n_s = np.add(_p, y)\nz = np.add(_s[0:2], _part)",
    "an update": "_h = np.multiply(x, 0.5)\n_g = np.add(n, 1.0, into=_h)\nz = np.add(_g, y)",
    "a negation of it": "m = np.negative(n)\n_p = np.multiply(m, y)\nz = np.add(_p, x)",
    "two negations": "k = np.negative(y)\n_p = np.multiply(n, k)\n_q = np.negative(_p)\nz = np.add(_q, x)",
}


@pytest.mark.parametrize("readers", SIGNS)
def test_negations_keep_every_bit_whoever_reads_them(readers):
    text = "x: float64[3] = input()\ny: float64[3] = input()\nw: float64[3] = state()\n"
    after(absorb_signs, f"{text}n = np.negative(x)\n{SIGNS[readers]}\nreturn z")


@pytest.mark.parametrize(
    "more", ["return (e, n)", "return (e, t)", "_f = np.add(e, t)\nreturn _f", "_f = np.add(e, n)\nreturn _f"]
)
def test_the_sign_of_an_exponent_stays_where_somebody_else_reads_it(more):
    text = "x: float64[4, 3] = input()\nb: float64[3] = input()\nt = np.add(x, b)\nn = np.negative(t)\ne = np.exp(n)"
    assert after(negate_what_is_small, f"{text}\n{more}")[1] == 0


def test_a_negation_is_of_the_version_that_it_reads():
    text = """
x: float64[3] = input()
w: float64[3] = input()
h = np.multiply(x, 2.0)
n = np.negative(h)
g = np.add(h, 1.0, into=h[0:3])
a = np.add(w, n)
b = np.multiply(g, 0.0)
s = np.add(a, b)
return s
"""
    functions, saved = after(absorb_signs, text)
    assert saved == 1
    assert functions.count("copy") == 1  # what the sum reads is kept from the update


def test_the_exponent_of_a_sum_is_negated_where_it_is_small():
    text = """
x: float64[4, 3] = input()
b: float64[3] = input()
t = np.add(x, b)
n = np.negative(t)
e = np.exp(n)
return e
"""
    assert after(negate_what_is_small, text) == (["np.negative", "np.subtract", "np.exp"], 1)


def test_a_bias_gets_the_axes_of_a_single_sample():
    text = """
x: float64[1, 3] = input()
b: float64[3] = state()
y = np.add(x, b)
z = np.exp(y)
return z
"""
    assert after(match_axes, text)[1] == 1


def test_a_result_is_allocated_where_it_is_computed():
    program = parse("x: float64[3] = input()\ny = np.exp(x)\nz = np.add(y, 1.0)\nreturn (y, z)")
    assert make_results_last(program) == 1
    assert [op.effect for op in program.ops] == ["new", "fresh"]


@pytest.mark.parametrize("y", ["float32[3]", "float64[2, 3]"])
def test_a_result_that_numpy_would_allocate_otherwise_is_given_its_destination(y):
    program = parse(f"x: float64[3] = input()\ny: {y} = np.negative(x)\nreturn y")
    assert make_results_last(program) == 0
    assert program.ops[0].effect == "new"


def test_bounds_are_not_spread_where_they_would_lie_otherwise():
    text = """
x: float64[64, 64].strides(8, 512) = input()
one: float64[()] = constant(1.0)
y: float64[64, 64].strides(8, 512) = np.minimum(x, one)
return y
"""
    assert spread_bounds(parse(text)) == 0
    assert spread_bounds(parse(text.replace(".strides(8, 512)", ""))) == 1


def test_bounds_are_spread():
    text = """
x: float64[40, 30] = input()
c: float64[()] = constant(0.5)
y = np.minimum(x, c)
return y
"""
    assert after(spread_bounds, text)[1] == 1


def test_guards_are_dropped_where_a_divisor_cannot_be_zero():
    text = """
x: float64[3] = input()
s = np.multiply(x, x)
d = np.add(s, 1.0)
q = np.true_divide(x, d)
m = np.not_equal(x, 0.0)
z = routine.clear(m, into=q)
return z
"""
    assert after(drop_guards, text)[1] == 1


@pytest.mark.parametrize(("least", "dropped"), [(1.0, 1), (-1.0, 0)])
def test_a_guard_stays_where_a_root_may_be_that_of_a_negative_number(least, dropped):
    text = f"""
x: float64[3] = input()
s = np.multiply(x, x)
t = np.add(s, {least})
r = np.sqrt(t)
p = np.multiply(x, r)
m = np.not_equal(x, 0.0)
z = routine.clear(m, into=p)
return z
"""
    with np.errstate(invalid="ignore"):
        assert after(drop_guards, text)[1] == dropped


# memory


def places(text):
    program = parse(text)
    before = outcome(copied(program)[0])
    layout = plan(program)
    verify(program)
    verify_plan(program, layout)
    assert all(map(np.array_equal, before, outcome(program)))
    return program, layout


def test_a_parameter_is_updated_where_it_lies():
    program, layout = places("w: float64[3] = state()\nv = np.multiply(w, 0.5)\nz = np.exp(v)\nreturn z\nstore(w, v)")
    assert [op.function for op in program.ops] == ["np.multiply", "np.exp"]
    assert layout.storage(program.ops[0].result).kind == "state"


def test_a_parameter_that_is_still_read_is_stored_at_the_end():
    program, _ = places("w: float64[3] = state()\nv = np.exp(w)\nz = np.add(v, w)\nreturn z\nstore(w, v)")
    assert [op.function for op in program.ops] == ["np.exp", "np.add", "np.copyto"]


def test_two_parameters_change_places():
    text = """
u: float64[3] = state()
w: float64[3] = state()
a = np.add(u, w)
return a
store(u, w)
store(w, u)
"""
    program, _ = places(text)
    assert [op.function for op in program.ops].count("copy") == 1


STORED = {
    "what is stored twice": ("v = np.exp(x)\nreturn v", ["v", "v"]),
    "what was there before": ("v = np.multiply(w, 2.0)\nreturn w", ["u", "v"]),
    "what another had before": ("v = np.multiply(w, 2.0)\nreturn v", ["w", "v"]),
    "a part": ("h = np.exp(y)\nv = h[0:3]\nreturn v", ["u", "v"]),
    "a gradient": ("v = np.exp(x)\nreturn x\ngradient(v)\ngradient(v)", ["u", "v"]),
    "a constant that is a gradient": ("v: float64[3] = constant([1.0, 1.0, 1.0])\nreturn x\ngradient(v)", ["u", "v"]),
}


@pytest.mark.parametrize("what", STORED)
def test_what_is_stored_and_wanted_elsewhere_has_a_place_for_each(what):
    body, (u, w) = STORED[what]
    text = "x: float64[3] = input()\ny: float64[5] = input()\nu: float64[3] = state()\nw: float64[3] = state()\n"
    program, layout = places(
        f"{text}{body}\nstore(u, {u})\nstore(w, {w})" if u != "u" else f"{text}{body}\nstore(w, {w})"
    )
    storages = [layout.storage(v) for v in [*program.stores.values(), *(v for _, v in program.gradients_out)]]
    assert len(set(storages)) == len(storages)
    assert all(layout.storage(v).kind == "buffer" for _, v in program.gradients_out)


def test_a_product_is_not_computed_where_a_factor_lies():
    program, _ = places("w: float64[3, 3] = state()\np = np.dot(w, w)\nreturn p\nstore(w, p)")
    assert [op.function for op in program.ops] == ["np.dot", "np.copyto"]


def test_a_verifier_sees_a_product_that_is_computed_where_a_factor_lies():
    program = parse("x: float64[3, 3] = input()\na = np.exp(x)\np = np.dot(a, a)\nreturn p")
    layout = plan(program)
    layout.storages[program.ops[1].result] = layout.storages[program.ops[0].result]
    with pytest.raises(AssertionError, match="is read while its memory is written"):
        verify_plan(program, layout)


@pytest.mark.parametrize("late", ["w", "u"])
def test_a_loop_over_blocks_writes_over_a_parameter_that_it_has_read(late):
    program = parse(
        "w: float64[64] = state()\nu: float64[64] = state()\nv = np.multiply(w, 2.0)\n"
        f"z = np.add(v, {late})\nreturn z\nstore(w, v)"
    )
    with patch.multiple(blocks, BLOCK=64, _WORTH=1):
        assert blocks.cut_into_blocks(program) == 2
    layout = plan(program)
    verify(program)
    verify_plan(program, layout)
    assert ["np.copyto"] * (late == "w") == [op.function for op in program.ops[1:]]


@pytest.mark.parametrize("late", ["h", "z"])
def test_a_loop_over_blocks_writes_over_no_version_that_is_still_read(late):
    program = parse(
        "x: float64[64] = input()\nk: float64[64] = input()\nh = np.multiply(x, 2.0)\nm = np.not_equal(k, 0.0)\n"
        f"z = routine.clear(m, into=h)\ns = np.add({late}, 1.0)\nt = np.add(s, z)\nreturn t"
    )
    with patch.multiple(blocks, BLOCK=64, _WORTH=1):
        assert blocks.cut_into_blocks(program) >= 4
    layout = plan(program)
    verify(program)
    verify_plan(program, layout)


def test_elementwise_chains_are_computed_in_place():
    _, layout = places("x: float64[100] = input()\na = np.exp(x)\nb = np.add(a, 1.0)\nc = np.sqrt(b)\nreturn c")
    assert layout.nbytes == 832  # 800 in cache lines


def test_a_verifier_sees_what_is_read_too_late():
    program = parse("x: float64[3] = input()\na = np.exp(x)\nb = np.add(a, 1.0)\nc = np.add(a, b)\nreturn c")
    layout = plan(program)
    layout.storages[program.ops[1].result] = layout.storages[program.ops[0].result]  # as if `a` were dead
    with pytest.raises(AssertionError, match="read after its memory was written"):
        verify_plan(program, layout)


def test_a_verifier_sees_what_is_read_before_it_is_defined():
    program = parse("x: float64[3] = input()\na = np.exp(x)\nb = np.add(a, 1.0)\nreturn b")
    program.ops.reverse()
    with pytest.raises(AssertionError, match="read before it is defined"):
        verify(program)


COPIED = {
    "a constant": "c: float64[3] = constant([1.0, 2.0, 3.0])\nz = np.add(c, x, into=c)\nreturn z",
    "an old version that leaves": "h = np.exp(x)\nz = np.add(h, 1.0, into=h)\nreturn (h, z)",
    "an old version that is stored": "h = np.exp(x)\nz = np.add(h, 1.0, into=h)\nreturn z\nstore(w, h)",
    "what is read turned": "z = np.add(w_T, y)\nreturn x\nstore(v, z)",
}


@pytest.mark.parametrize("what", COPIED)
def test_what_somebody_still_needs_is_not_written_over(what):
    text = "x: float64[3] = input()\ny: float64[3, 3] = input()\nv: float64[3, 3] = state()\nw_T = attribute.T(v)\n"
    program, _ = places(f"{text}w: float64[3] = state()\n{COPIED[what]}")
    assert any(op.function in ("copy", "np.copyto") for op in program.ops)


def test_a_version_that_is_read_late_or_as_a_whole_is_not_computed_over():
    text = """
w: float64[2, 2] = state()
v = np.copyto(1.0, into=w[0:1])
u = np.matmul(v, v)
z = np.add(v, u)
return z
store(w, u)
"""
    program, layout = places(text)
    assert program.ops[-1].function == "np.copyto"
    product = next(op for op in program.ops if op.function == "np.matmul")
    assert layout.storage(product.result).kind != "state"


def test_a_parameter_that_is_copied_onto_itself_stays():
    text = """
w: float64[3] = state()
v = np.copyto(1.0, into=w[0:1])
u = copy(v)
z = np.add(v, 1.0)
return z
store(w, u)
"""
    places(text)


def _cut(text):
    """The functions that are left when passages of any length run in blocks."""
    with patch.multiple(blocks, BLOCK=64, _WORTH=1):
        return left(blocks.cut_into_blocks, text)


BESIDE = """
x: float64[8, 8] = input()
i: int64[2] = input()
w: float64[8, 8] = state()
a: float64[8, 8] = np.multiply(x, 2.0)
{}
b: float64[8, 8] = np.add(w, a)
return a
store(w, b)
"""


def test_a_parameter_is_not_written_in_blocks_before_a_check_that_comes_first():
    assert _cut(BESIDE.format("routine.rows_within(i, 4)")) == ["np.multiply", "routine.rows_within", "np.add"]


def test_a_draw_moves_behind_a_passage_in_blocks():
    assert _cut(BESIDE.format("r: float64[1] = generator.standard_normal(1)")) == ["loop", "call"]


@pytest.mark.parametrize("odd", ["x", "a", "none"])
def test_what_is_not_laid_out_in_c_order_does_not_run_in_blocks(odd):
    text = """
x: float64[8, 8]{x} = input()
a: float64[8, 8]{a} = np.multiply(x, 2.0)
b: float64[8, 8] = np.exp(x)
return a, b
"""
    order = {"x": "", "a": ""} | {odd: ".strides(8, 64)"}
    assert _cut(text.format(**order)) == (["loop"] if odd == "none" else ["np.multiply", "np.exp"])


def test_a_gradient_that_lies_in_a_common_vector_is_not_computed_over():
    program = parse("""
x: float64[4] = input()
y: float64[4] = input()
g: float64[4] = np.negative(x)
h: float64[4] = np.negative(y)
k: float64[4] = np.exp(g)
v: float64[12] = pack(g, h, ((0, 4), (8, 12)))
return k, v
""")
    layout = plan(program)
    assert layout.storage(program.ops[2].result) is not layout.storage(program.ops[0].result)

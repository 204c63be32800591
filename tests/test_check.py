"""Finite differences judge rightly: what is right passes, and whatever is wrong is caught and shown."""

import pickle
import re

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.core.domains import MASK, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops import reduce, transcendental
from micrograd_np.ops.elementwise import divide_or_zero

X = np.array([0.5, -1.0, 2.0])


def op(kernel=lambda xp, out, x: xp.multiply(x, x, out=out), rule=lambda g, z, x: 2 * g * x, label="{x}²", **told):
    """A primitive of one input, right unless told otherwise."""

    def squared(xp, out, x):
        """The square."""
        return kernel(xp, out, x)

    made = primitive(label, domain=(REALS,), **told)(squared)
    return made.vjp(x=rule) if rule else made


class TestNumericGradient:
    def test_of_a_cubic_is_its_derivative(self):
        np.testing.assert_allclose(mg.numeric_gradient(lambda x: (x**3).sum(), X), 3 * X**2, rtol=1e-9)

    def test_comes_as_one_array_for_each_input(self, rng):
        x, y = rng.normal(size=(2, 3)), rng.normal(size=())
        by_x, by_y = mg.numeric_gradient(lambda x, y: (x * y).sum(), x, y)
        np.testing.assert_allclose(by_x, np.full((2, 3), y), rtol=1e-8)
        np.testing.assert_allclose(by_y, x.sum(), rtol=1e-8)
        assert by_y.shape == ()

    def test_gives_a_function_what_the_user_gave(self):
        kinds = []
        mg.numeric_gradient(lambda x, y: kinds.append((type(x), type(y))) or (x * y).sum(), X, mg.Tensor(X))
        assert set(kinds) == {(np.ndarray, mg.Tensor)}

    def test_by_the_forward_method_is_half_a_step_of_curvature_too_high(self):
        found = mg.numeric_gradient(lambda x: (x * x).sum(), X, method="forward", step=1e-4)
        np.testing.assert_allclose(found, 2 * X + 1e-4, atol=1e-9)

    def test_by_the_forward_method_gives_the_first_gradient_of_the_tutorial(self):
        x, y = np.array([1.0, 3, 4, 8, 10]), np.array([3.0, 9, 12, 24, 30])
        loss = lambda a, b: ((a * x + b - y) ** 2).mean()
        found = mg.numeric_gradient(loss, 2.269, 1.01, method="forward", step=1e-4)
        np.testing.assert_allclose(found, [-45.0520 + 38e-4, -5.5824 + 1e-4], atol=5e-5)  # exact, and half a step

    @pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-9), (np.float32, 1e-3)])
    def test_takes_a_step_that_suits_the_dtype(self, dtype, rtol):
        found = mg.numeric_gradient(lambda x: np.sin(x).sum(), X.astype(dtype))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, np.cos(X), rtol=rtol)

    def test_leaves_the_inputs_alone(self):
        x = X.copy()
        x.flags.writeable = False
        mg.numeric_gradient(lambda x: (x * x).sum(), x)

    @pytest.mark.parametrize("kind", [np.asfortranarray, lambda x: mg.Tensor(x.T.copy()).T])
    def test_perturbs_transposed_memory(self, kind):
        x = X.reshape(3, 1) + X
        np.testing.assert_allclose(mg.numeric_gradient(lambda x: (x * x).sum(), kind(x)), 2 * x, rtol=1e-6, atol=1e-9)

    def test_of_nothing_is_nothing(self):
        assert mg.numeric_gradient(lambda x: (x * x).sum(), np.ones((0, 3))).shape == (0, 3)

    def test_refuses_what_is_not_scalar(self):
        with pytest.raises(ValueError, match=r"shape \(3,\).*scalar.*sum"):
            mg.numeric_gradient(lambda x: x * x, X)

    def test_refuses_integers(self):
        with pytest.raises(TypeError, match=r"input 1 is int64.*floats"):
            mg.numeric_gradient(lambda x, y: (x * y).sum(), X, np.arange(3))

    def test_refuses_an_unknown_method(self):
        with pytest.raises(ValueError, match=r"'central' or 'forward'; found 'backward'"):
            mg.numeric_gradient(lambda x: x.sum(), X, method="backward")

    def test_refuses_a_function_that_changes_its_input(self):
        def f(x):
            x += 1
            return x.sum()

        with pytest.raises(ValueError, match="changes its input 0 in place"):
            mg.numeric_gradient(f, X)


class TestGradcheck:
    def test_passes_what_is_right(self):
        assert mg.gradcheck(lambda x, y: transcendental.tanh(x * y), X, 2 * X)
        assert mg.gradgradcheck(lambda x, y: transcendental.tanh(x * y), X, 2 * X)

    def test_takes_the_spelling_of_pytorch(self):
        assert mg.gradcheck(lambda x, y: x * y, (mg.Tensor(X), mg.Tensor(X)), eps=1e-6, atol=1e-5, rtol=1e-3)
        assert mg.gradgradcheck(lambda x, y: x * y, (X, X), eps=1e-6, atol=1e-5, rtol=1e-3)

    @pytest.mark.parametrize(
        "rule",
        [
            lambda g, z, x: g * x,
            lambda g, z, x: -2 * g * x,
            lambda g, z, x: 2 * g * x * 1.0001,
            lambda g, z, x: 2 * g * x + 1e-4,
            lambda g, z, x: 2 * x,
            lambda g, z, x: g * 0,
            lambda g, z, x: 2 * g[::-1] * x[::-1],
            lambda g, z, x: 2 * g * x / x * reduce.mean(x),
        ],
        ids=["half", "sign", "slightly", "shifted", "ignores g", "zero", "reversed", "averaged"],
    )
    def test_catches_a_wrong_rule(self, rule):
        with pytest.raises(mg.GradcheckError, match="disagrees"):
            mg.gradcheck(op(rule=rule), X)

    def test_catches_a_wrong_rule_where_the_gradient_is_tiny(self):
        wrong = op(rule=lambda g, z, x: g * x)
        with pytest.raises(mg.GradcheckError, match="disagrees"):
            mg.gradcheck(wrong, X * 1e-8)

    def test_catches_one_wrong_entry_of_many(self):
        spoilt = np.ones(500)
        spoilt[321] = 1.001
        with pytest.raises(mg.GradcheckError, match=r"\[321\]"):
            mg.gradcheck(op(rule=lambda g, z, x: 2 * g * x * spoilt), np.linspace(1, 2, 500))

    def test_catches_a_rule_that_is_right_once_but_not_twice(self):
        frozen = op(rule=lambda g, z, x: 2 * g * np.asarray(getattr(x, "data", x)))
        assert mg.gradcheck(frozen, X)
        with pytest.raises(mg.GradcheckError, match=r"x .*disagrees"):
            mg.gradgradcheck(frozen, X)

    def test_catches_a_rule_that_loses_the_gradient_arriving(self):
        frozen = op(rule=lambda g, z, x: 2 * np.asarray(getattr(g, "data", g)) * x)
        with pytest.raises(mg.GradcheckError, match=r"g .*disagrees"):
            mg.gradgradcheck(frozen, X)

    def test_can_answer_instead_of_raising(self):
        assert mg.gradcheck(op(rule=lambda g, z, x: g), X, raise_exception=False) is False

    def test_judges_every_output_and_only_what_requires_a_gradient(self):
        x, y = mg.Tensor(X, requires_grad=True), mg.Tensor(X)
        assert mg.gradcheck(lambda x, y: {"a": x * y, "b": [x, (x > y) * 1]}, x, y)
        report = mg.check_gradients(lambda x, y: (x * y, y), x, y)
        assert [row.name for row in report] == ["x"]

    def test_leaves_no_gradient_behind(self):
        x = mg.Tensor(X, requires_grad=True)
        mg.gradcheck(lambda x: x * x, x)
        assert x.grad is None

    def test_error_carries_the_report_also_through_pickle(self):
        with pytest.raises(mg.GradcheckError) as caught:
            mg.gradcheck(op(rule=lambda g, z, x: g), X)
        assert caught.value.report["x"].verdict == "disagrees"
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


class TestVerdicts:
    def verdict(self, f, x, **how):
        return mg.check_gradients(f, np.atleast_1d(np.asarray(x, float)), **how).rows[0].verdict

    def test_a_kink_is_called_one(self):
        assert self.verdict(mg.relu, [0.0, 1.0]) == "kink"
        assert self.verdict(lambda x: mg.maximum(x, x[::-1]), [1.0, 1.0]) == "agrees"  # half each: both sides
        assert self.verdict(lambda x: mg.maximum(x, 1.0), [1.0]) == "agrees"  # half is the central difference

    def test_an_infinite_gradient_agrees_with_nothing(self):
        endless = op(rule=lambda g, z, x: g * np.inf)
        assert self.verdict(endless, [0.5, 1.0]) == "disagrees"

    def test_a_gradient_outside_the_kinks_two_slopes_disagrees(self):
        wrong = op(kernel=lambda xp, out, x: xp.maximum(x, 0, out=out), rule=lambda g, z, x: g * 3)
        assert self.verdict(wrong, [0.0]) == "disagrees"

    def test_near_a_kink_smaller_steps_decide(self):
        assert self.verdict(lambda x: mg.relu(x - 1e-6), [0.0, 2e-6]) == "agrees"

    def test_what_drowns_in_rounding_is_too_coarse(self):
        assert self.verdict(lambda x: x * 1e-12 + 1e6, [1.0]) == "too coarse to tell"
        assert self.verdict(lambda x: (x * 1e-6 + 1).astype("float32"), [1.0]) == "too coarse to tell"

    def test_a_gradient_of_zero_but_for_rounding_agrees(self):
        softmax = lambda x, y: mg.softmax(x) * y
        report = mg.check_gradients(lambda b, w: softmax(b * np.ones(3) + w, np.arange(3)), np.array([0.3]), X)
        assert 0 < abs(report["b"].analytic[0]) < 1e-15
        assert report

    def test_a_float32_function_is_judged_at_its_resolution(self):
        assert self.verdict(lambda x: (x * x).astype("float32"), X) == "agrees"
        assert self.verdict(lambda x: op(rule=lambda g, z, x: g * x)(x).astype("float32"), X) == "disagrees"

    def test_strong_curvature_is_no_disagreement(self):
        assert self.verdict(lambda x: transcendental.exp(20 * x), [1.0, -1.0, 0.3]) == "agrees"

    def test_an_infinite_gradient_does_not_agree(self):
        assert self.verdict(transcendental.sqrt, [0.0]) != "agrees"

    def test_a_lost_gradient_is_explained(self):
        report = mg.check_gradients(lambda x: mg.Tensor(x.data * 2), X)
        assert report.rows[0].verdict == "disagrees"
        assert "detach" in repr(report)

    def test_forward_differences_are_allowed_their_own_error(self):
        assert self.verdict(lambda x: x * x, X, method="forward", step=1e-4) == "agrees"
        assert self.verdict(op(rule=lambda g, z, x: 2.1 * g * x), X, method="forward", step=1e-4) == "disagrees"


class TestReport:
    def net(self):
        net = nn.Sequential(nn.Linear(30, 20), nn.Sigmoid(), nn.Linear(20, 1))
        for p in net.parameters():
            p.data = p.data.astype(np.float32)
        return net

    def report(self, **how):
        x = np.random.default_rng(0).normal(size=(5, 30)).astype(np.float32)
        return mg.check_gradients(self.net(), x, loss=nn.MSELoss(), target=x[:, :1], **how)

    def test_names_every_parameter(self):
        assert [row.name for row in self.report()] == ["0.weight", "0.bias", "2.weight", "2.bias"]

    def test_is_true_when_all_agree_even_for_a_float32_model(self):
        assert self.report()

    def test_says_how_many_entries_of_a_large_parameter_were_sampled(self):
        report = self.report(entries=7)
        assert "7 of 600" in repr(report)
        assert report["0.weight"].checked == 7
        assert np.isnan(report["0.weight"].numeric).sum() == 593

    def test_shows_both_derivatives_where_they_differ_most(self):
        slopes = np.array([1.0, 1.0, 1.5])
        report = mg.check_gradients(op(rule=lambda g, z, x: 2 * g * x * slopes), X, loss=reduce.sum)
        row = report["x"]
        assert row.at == (2,)
        assert row.analytic[2] == 6.0
        np.testing.assert_allclose([row.numeric[2], row.absolute, row.relative], [4, 2, 1 / 3], rtol=1e-6)
        assert re.search(r"x +\(3,\) +all +6 +4(\.0+\d*)? +2\.0e\+00 +3\.3e-01 +\[2\] +disagrees", repr(report))

    def test_shows_itself_in_a_notebook(self):
        html = mg.check_gradients(lambda x: x * 2, X)._repr_html_()
        assert html.startswith("<table>")
        assert html.count("<tr>") == 2
        assert "agrees" in html

    def test_leaves_the_model_as_it_was(self):
        net = self.net()
        before = [(p.data, p.data.copy()) for p in net.parameters()]
        mg.check_gradients(net, np.ones((2, 30), np.float32))
        for p, (memory, values) in zip(net.parameters(), before, strict=True):
            assert p.data is memory
            assert p.grad is None
            np.testing.assert_array_equal(p.data, values)

    def test_leaves_the_model_as_it_was_also_after_an_error(self):
        net = self.net()
        with pytest.raises(ValueError, match="linear"):
            mg.check_gradients(net, np.ones((2, 31)))
        assert {p.dtype for p in net.parameters()} == {np.dtype(np.float32)}

    def test_leaves_running_means_as_they_were(self, rng):
        net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Tanh())
        before = net.state_dict()
        assert mg.check_gradients(net, rng.normal(size=(6, 4)))
        for name, array in net.state_dict().items():
            np.testing.assert_array_equal(array, before[name])

    def test_dropout_has_to_be_switched_off(self, rng):
        net = nn.Sequential(nn.Linear(4, 30), nn.Dropout(0.5))
        with pytest.raises(RuntimeError, match=r"eval\(\)"):
            mg.check_gradients(net, rng.normal(size=(6, 4)))
        assert mg.check_gradients(net.eval(), rng.normal(size=(6, 4)))

    def test_skips_what_is_frozen(self):
        net = self.net()
        net[0].requires_grad_(False)
        assert [row.name for row in mg.check_gradients(net, np.ones((2, 30)))] == ["2.weight", "2.bias"]

    def test_refuses_a_function_that_is_not_the_same_twice(self, rng):
        with pytest.raises(RuntimeError, match=r"not the same function twice.*eval\(\)"):
            mg.check_gradients(lambda x: x * rng.normal(), X)

    def test_refuses_to_check_nothing(self):
        with pytest.raises(ValueError, match="nothing to check"):
            mg.check_gradients(lambda x: x * 2, np.arange(3))

    def test_has_no_row_of_another_name(self):
        with pytest.raises(KeyError, match=r"no row 'w'; its rows are x"):
            mg.check_gradients(lambda x: x * 2, X)["w"]


class TestCheckPrimitive:
    def test_passes_a_right_one(self):
        report = mg.check_primitive(op())
        assert report
        assert "holds" in repr(report)
        assert "FAILS" not in repr(report)

    @pytest.mark.parametrize(
        ("claim", "wrong"),
        [
            ("declaration_is_complete", {"rule": None}),
            ("declaration_is_complete", {"examples": ({"nonesuch": 1},)}),
            ("label_formats", {"label": "{y}²"}),
            ("label_formats", {"label": " "}),
            ("contract_holds", {"shape": "(n,m)->(n)"}),
            ("gives_arrays", {"kernel": lambda xp, out, x: xp.multiply(x, x)}),
            ("gradient_agrees", {"rule": lambda g, z, x: g * x}),
            ("gradient_agrees_with_forward_differences", {"rule": lambda g, z, x: g * x}),
            ("second_derivative_agrees", {"rule": lambda g, z, x: 2 * g * np.asarray(getattr(x, "data", x))}),
            ("second_derivative_agrees", {"rule": lambda g, z, x: 2 * g * divide_or_zero(x * x, x)}),  # at 0 it is 0
            (
                "rules_agree_on_arrays_and_tensors",
                {"rule": lambda g, z, x: 2 * g * x * (1 + 1e-15 * isinstance(x, mg.Tensor))},
            ),
            ("dtype_is_kept", {"kernel": lambda xp, out, x: xp.multiply(x, xp.array(1.0)) * x + 0 * xp.ones(1)[0]}),
            ("dtype_is_kept", {"rule": lambda g, z, x: 2 * g * x * mg.equal(x, x) * np.ones(1)[0]}),
            (
                "layout_does_not_matter",
                {"kernel": lambda xp, out, x: xp.multiply(x, x, out=out) + (0 if x.flags.c_contiguous else 1)},
            ),
            ("inputs_stay_as_they_are", {"kernel": lambda xp, out, x: xp.multiply(x, x, out=x)}),
            ("inputs_stay_as_they_are", {"kernel": lambda xp, out, x: x, "rule": lambda g, z, x: g}),
            (
                "destination_does_not_matter",
                {
                    "kernel": lambda xp, out, x: (
                        xp.multiply(x, x, out=out) if out is ... else xp.add(out, x * x, out=out)
                    )
                },
            ),
            (
                "domain_is_silent",
                {"kernel": lambda xp, out, x: xp.sqrt(x, out=out), "rule": lambda g, z, x: 0.5 * g / z},
            ),
            ("compiled_is_eager", {"kernel": lambda xp, out, x: xp.multiply(np.asarray(x), x, out=out)}),
            ("compiled_is_eager", {"kernel": lambda xp, out, x: xp.multiply(x, float(x.sum() * 0 + 1) * x, out=out)}),
        ],
    )
    def test_catches_each_broken_promise(self, claim, wrong):
        with np.errstate(all="ignore"):
            report = mg.check_primitive(op(**wrong), raise_exception=False)
        assert claim in report.failures

    def test_raises_with_the_report(self):
        with pytest.raises(mg.GradcheckError, match=r"squared: \d+ of 14 claims do not hold"):
            mg.check_primitive(op(rule=lambda g, z, x: g * x))

    def test_shows_itself_in_a_notebook(self):
        html = mg.check_primitive(op(rule=lambda g, z, x: g * x), raise_exception=False)._repr_html_()
        assert "<b>fails</b>" in html

    def test_takes_a_random_draw(self):
        @primitive("U(0, 1)", domain=(), examples=({"generator": np.random.default_rng(3)},))
        def draw(xp, out, *, generator):
            """Three numbers between 0 and 1."""
            return xp.multiply(generator.random(3), 1.0, out=out)

        assert mg.check_primitive(draw)

    def test_takes_inputs_that_have_no_derivative(self):
        @primitive("{x} where {keep}", domain=(REALS, MASK), not_differentiable=("keep",))
        def kept(xp, out, x, keep):
            """x where keep is true, else 0."""
            return xp.multiply(x, keep, out=out)

        kept.vjp(x=lambda g, z, x, keep: g * keep)
        assert mg.check_primitive(kept)


def test_functions_that_take_gradients_themselves_can_be_checked():
    def steepness(x):
        (g,) = mg.autograd.grad((x**3).sum(), x, create_graph=True)
        return (g**2).sum()

    x = np.array([1.0, 2.0])
    assert mg.gradcheck(steepness, x)
    assert mg.gradgradcheck(steepness, x)
    assert mg.check_gradients(steepness, x)
    found = mg.numeric_gradient(steepness, mg.Tensor(x, requires_grad=True))
    np.testing.assert_allclose(found, 36 * x**3, rtol=1e-6)
    with mg.no_grad():
        assert mg.gradcheck(steepness, x)

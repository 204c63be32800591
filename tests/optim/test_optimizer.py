"""Groups, states, errors, clipping and averaging: what all optimisers share."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import optim
from micrograd_np.optim.optimizer import Slot


def leaf(*values):
    return mg.Tensor(np.array(values), requires_grad=True)


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="no parameters to train"):
        optim.SGD([])


def test_a_model_in_place_of_its_parameters_is_told_what_to_pass():
    with pytest.raises(TypeError, match=r"Pass model\.parameters\(\)"):
        optim.SGD(mg.nn.Linear(1, 1))


def test_the_same_parameter_twice_is_refused_and_nothing_is_added():
    p, q = leaf(1.0), leaf(2.0)
    optimizer = optim.SGD([p])
    with pytest.raises(ValueError, match="there twice"):
        optimizer.add_param_group({"params": [q, p]})
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": [q]})


def test_a_computed_tensor_is_refused():
    with pytest.raises(ValueError, match="only leaves"):
        optim.Adam([leaf(1.0) * 2])


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        (optim.SGD, {"lr": -1.0}, "lr must not be negative"),
        (optim.SGD, {"nesterov": True}, "nesterov needs momentum"),
        (optim.Adam, {"betas": (1.0, 0.9)}, r"betas must be in \[0, 1\)"),
        (optim.Adam, {"eps": -1.0}, "eps must not be negative"),
        (optim.Adadelta, {"rho": 2.0}, "rho"),
        (optim.Rprop, {"etas": (1.1, 1.2)}, "etas"),
        (optim.Muon, {}, "matrices only"),
        (optim.LBFGS, {"line_search_fn": "wolfe"}, "strong_wolfe"),
        (optim.RMSprop, {"momentum": float("nan")}, "momentum"),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind, settings, words):
    with pytest.raises(ValueError, match=words):
        kind([leaf(1.0)], **settings)


def test_a_setting_that_does_not_exist_is_named():
    with pytest.raises(TypeError, match="has no setting learning_rate; it has lr, momentum"):
        optim.SGD([{"params": [leaf(1.0)], "learning_rate": 1.0}])


def test_a_gradient_of_another_shape_is_refused_not_broadcast():
    p = leaf(1.0, 2.0)
    p.grad = mg.Tensor([1.0, 1.0])
    p.data = np.array([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"is \(1, 2\) and its grad \(2,\)"):
        optim.SGD([p], lr=0.1).step()
    assert p.data.tolist() == [[1.0, 2.0]]


def test_a_parameter_without_a_gradient_stays():
    p, q = leaf(1.0), leaf(1.0)
    optimizer = optim.Adam([p, q])
    (2 * p).sum().backward()
    optimizer.step()
    assert p.data != 1.0
    assert q.data == 1.0


def test_a_step_after_the_forward_pass_makes_backward_refuse():
    p = leaf(1.0)
    (2 * p).sum().backward()
    loss = (p * p).sum()
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_step_returns_what_the_closure_returns_and_records_inside_no_grad():
    p = leaf(3.0)
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        assert optimizer.step(closure).item() == 9.0
    np.testing.assert_allclose(p.data, [2.4])


def test_zero_grad_forgets_or_fills():
    p = leaf(1.0)
    optimizer = optim.SGD([p])
    (2 * p).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.data.tolist() == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_the_state_dict_has_pytorchs_layout():
    p, q = leaf(1.0), leaf(1.0)
    optimizer = optim.Adam([{"params": [p]}, {"params": [q], "lr": 0.5}])
    (p + q).sum().backward()
    optimizer.step()
    found = optimizer.state_dict()
    assert set(found) == {"state", "param_groups"}
    assert [g["params"] for g in found["param_groups"]] == [[0], [1]]
    assert [g["lr"] for g in found["param_groups"]] == [1e-3, 0.5]
    assert set(found["state"][1]) == {"step", "exp_avg", "exp_avg_sq"}


def test_a_state_dict_is_a_copy():
    p = leaf(1.0)
    optimizer = optim.SGD([p], momentum=0.9)
    (2 * p).sum().backward()
    optimizer.step()
    saved = optimizer.state_dict()
    optimizer.step()
    assert saved["state"][0]["momentum_buffer"].tolist() == [2.0]
    assert saved["state"][0]["step"] == 1


def test_a_state_that_does_not_fit_is_refused_and_nothing_changes():
    p, q = leaf(1.0, 2.0), leaf(1.0)
    optimizer, other = optim.Adam([p], lr=0.1), optim.Adam([q], lr=0.2)
    for x, o in ((p, optimizer), (q, other)):
        (2 * x).sum().backward()
        o.step()
    with pytest.raises(ValueError, match=r"exp_avg of shape \(1,\); it must be \(2,\)"):
        optimizer.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match="lacks exp_avg"):
        optimizer.load_state_dict({**other.state_dict(), "state": {0: {"step": 3, "square_avg": np.zeros(2)}}})
    with pytest.raises(ValueError, match=r"groups have \[1\] parameters, those of the state \[2\]"):
        optimizer.load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.state[p]["step"] == 1


def test_loading_a_state_writes_into_the_arrays_that_exist():
    p = leaf(1.0)
    optimizer = optim.Adam([p])
    (2 * p).sum().backward()
    optimizer.step()
    array = optimizer.state[p]["exp_avg"]
    saved = optimizer.state_dict()
    saved["state"][0]["exp_avg"][...] = 7.0
    optimizer.load_state_dict(saved)
    assert optimizer.state[p]["exp_avg"] is array
    assert array.tolist() == [7.0]


def test_lbfgs_goes_on_from_its_state():
    def run(p, optimizer, steps):
        def closure():
            optimizer.zero_grad()
            loss = ((p[1:] - p[:-1] ** 2) ** 2).sum() + ((1 - p) ** 2).sum()
            loss.backward()
            return loss

        for _ in range(steps):
            optimizer.step(closure)

    whole, part = leaf(-1.2, 1.0, 0.3), leaf(-1.2, 1.0, 0.3)
    run(whole, optim.LBFGS([whole], lr=0.1, max_iter=3), 4)
    first = optim.LBFGS([part], lr=0.1, max_iter=3)
    run(part, first, 2)
    second = optim.LBFGS([part], lr=0.1, max_iter=3)
    second.load_state_dict(first.state_dict())
    run(part, second, 2)
    assert whole.data.tolist() == part.data.tolist()


def test_lbfgs_without_a_closure_says_that_it_needs_one():
    with pytest.raises(TypeError, match="needs a closure"):
        optim.LBFGS([leaf(1.0)]).step()


def test_clipping_scales_in_place_and_returns_the_norm_before():
    p, q = leaf(0.0), leaf(0.0)
    (3 * p + 4 * q).sum().backward()
    array = p.grad.data
    assert optim.clip_grad_norm_([p, q], 1.0).item() == 5.0
    assert p.grad.data is array
    np.testing.assert_allclose([p.grad.item(), q.grad.item()], np.array([3, 4]) / (5 + 1e-6))


def test_clipping_leaves_small_gradients_as_they_are():
    p = leaf(0.0)
    (0.3 * p).sum().backward()
    optim.clip_grad_norm_(p, 1.0)
    assert p.grad.data.tolist() == [0.3]


def test_a_norm_that_is_not_finite_is_an_error_where_asked():
    p = leaf(1.0)
    p.grad = mg.Tensor(np.array([np.inf]))
    with pytest.raises(RuntimeError, match="norm of the gradients is inf"):
        optim.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)


def test_clipping_by_value_bounds_every_element():
    p = leaf(0.0, 0.0, 0.0)
    (p * np.array([-3.0, 0.2, 5.0])).sum().backward()
    optim.clip_grad_value_([p], 1.0)
    assert p.grad.data.tolist() == [-1.0, 0.2, 1.0]


def test_parameters_go_into_a_vector_and_back():
    p, q = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True), leaf(7.0)
    vector = optim.parameters_to_vector([p, q])
    assert vector.data.tolist() == [0, 1, 2, 3, 4, 5, 7]
    optim.vector_to_parameters(2 * vector.data, [p, q])
    assert p.data.tolist() == [[0, 2, 4], [6, 8, 10]]
    with pytest.raises(ValueError, match="have 7 elements"):
        optim.vector_to_parameters(np.zeros(6), [p, q])


def test_averages_lag_behind_and_are_lent_only_inside_the_block():
    p = leaf(0.0)
    average = optim.ExponentialMovingAverage([p], decay=0.5)
    for value in (1.0, 2.0):
        p.data[...] = value
        average.update()
    with average.applied():
        assert p.data.tolist() == [0.5 * 0.5 * 1.0 + 0.5 * 2.0]
    assert p.data.tolist() == [2.0]
    with pytest.raises(ZeroDivisionError), average.applied():
        1 / 0  # noqa: B018  an error inside
    assert p.data.tolist() == [2.0]
    other = optim.ExponentialMovingAverage([leaf(9.0)])
    other.load_state_dict(average.state_dict())
    assert other.decay == 0.5
    assert other.averages[0].data.tolist() == [1.25]


def test_one_tensor_is_no_list_of_parameters():
    with pytest.raises(TypeError, match=r"SGD: params is one tensor of shape \(2,\); pass a list of it"):
        optim.SGD(mg.Tensor([1.0, 2.0], requires_grad=True))


def test_a_dict_of_tensors_is_no_group():
    with pytest.raises(ValueError, match=r"a group is a dict with the key 'params', found 'a'.*list\(d.values\(\)\)"):
        optim.SGD({"a": mg.Tensor([1.0], requires_grad=True)})


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.RMSprop])
def test_a_read_only_parameter_is_named(make):
    p = mg.nn.Parameter(np.broadcast_to(1.0, (2,)), name="scale")
    optimizer = make([p], lr=0.1)
    p.sum().backward()
    with pytest.raises(ValueError, match=r"scale of shape \(2,\) lies in read-only memory"):
        optimizer.step()


def grads(*arrays):
    parameters = [mg.Tensor(np.zeros_like(a), requires_grad=True) for a in arrays]
    for p, a in zip(parameters, arrays, strict=True):
        p.grad = mg.Tensor(np.array(a))
    return parameters


@pytest.mark.parametrize(
    ("p", "norm"), [(np.inf, 4), (-np.inf, 0), (0, 2), (1, 7), (2, 5), (0.5, 7 + 2 * 12**0.5), (3, 91 ** (1 / 3))]
)
def test_clipping_by_any_norm_of_all_gradients(p, norm):
    parameters = grads(np.array([3.0, 0.0]), np.zeros((0, 2)), np.array(-4.0))
    assert optim.clip_grad_norm_(parameters, 1.0, norm_type=p).item() == pytest.approx(norm)
    assert parameters[2].grad.item() == pytest.approx(-4 * min(1, 1 / (norm + 1e-6)))


def test_clipping_large_gradients_does_not_overflow():
    parameters = grads(np.array([3e19, 4e19], "float32"), np.array([0.0], "float32"))
    assert optim.clip_grad_norm_(parameters, 1.0).item() == pytest.approx(5e19, rel=1e-6)
    np.testing.assert_allclose(parameters[0].grad.data, [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_grad_value_])
def test_clipping_an_iterator_that_is_used_up_warns(clip):
    parameters = mg.nn.Linear(1, 1).parameters()
    list(parameters)
    with pytest.warns(UserWarning, match="used up, so nothing is clipped"):
        clip(parameters, 1.0)


@together
@pytest.mark.parametrize(
    ("dtype", "values", "p", "norm", "clipped"),
    [
        ("float64", [1e200] * 3, -2, 1e200 / 3**0.5, [3**0.5] * 3),
        ("float64", [1e-200, 1e200], -2, 1e-200, [1e-200, 1e200]),
        ("float64", [5e-324, 1.0], -1, 5e-324, [5e-324, 1.0]),
        ("float64", [0.0, 1.0], -2, 0.0, [0.0, 1.0]),
        ("float64", [1e200] * 4, 0.5, 1.6e201, [0.0625] * 4),
        ("float64", [1e200, 1e200], 3, 2 ** (1 / 3) * 1e200, [2 ** (-1 / 3)] * 2),
        ("float64", [1.7e308, 1.7e308], 2, np.inf, [0.5**0.5] * 2),  # the norm is beyond float64, the gradients are not
        ("float32", [3e38, 3e38], 0.5, 1.2e39, [0.25, 0.25]),
        ("float32", [3e38, 3e38], 2, 3e38 * 2**0.5, [0.5**0.5] * 2),
        ("float32", [3e38, 3e38], 1, 6e38, [0.5, 0.5]),
        ("float16", [300.0] * 16, 0.5, 76800.0, [300 / 76800] * 16),
        ("float16", [60000.0] * 5000, 2, 60000 * 5000**0.5, [5000**-0.5] * 5000),
        ("float16", [60000.0] * 70000, 1, 4.2e9, [1 / 70000] * 70000),
    ],
)
def test_finite_gradients_are_scaled_by_a_finite_factor(dtype, values, p, norm, clipped):
    parameters = grads(*np.array_split(np.array(values, dtype), 2))
    assert optim.clip_grad_norm_(parameters, 1.0, norm_type=p).item() == pytest.approx(norm, rel=1e-3)
    found = np.concatenate([q.grad.data for q in parameters])
    assert found.dtype == dtype
    np.testing.assert_allclose(found, clipped, rtol={"float16": 4e-3, "float32": 1e-6, "float64": 1e-12}[dtype])


def test_a_loss_given_to_a_schedule_is_no_lost_gradient():
    p = mg.Tensor([1.0, 2.0], requires_grad=True)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optim.SGD([p], lr=1.0), patience=0)
    for _ in range(3):
        schedule.step((p * p).sum())  # warnings are errors here
    assert schedule.get_last_lr() == pytest.approx([0.01])


class Lion(optim.Optimizer):
    """The sign of an interpolated momentum, with decoupled weight decay. Source: Chen et al. (2023)."""

    slots = ("exp_avg",)

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, locals())

    @staticmethod
    def scalars(group, t):
        (beta1, beta2), lr = group["betas"], group["lr"]
        shares = {"share1": 1 - beta1, "share2": 1 - beta2}
        return {"beta1": beta1, "beta2": beta2, **shares, "shrink": 1 - lr * group["weight_decay"]}

    @staticmethod
    def update(p, g, state, *, lr, beta1, share1, beta2, share2, shrink):
        m = state["exp_avg"]
        p *= shrink
        p -= lr * np.sign(beta1 * m + share1 * g)
        m *= beta2
        m += share2 * g


def descended(make, *, compiled):
    weights = [mg.Tensor(np.linspace(-1, 1, n), requires_grad=True, name=f"w{n}") for n in (3, 4)]
    optimizer = make(weights)

    def step(x):
        optimizer.zero_grad()
        loss = sum((w * w * x).sum() for w in weights)
        loss.backward()
        optimizer.step()
        return loss

    run = mg.compile(step) if compiled else step
    for i, x in enumerate((1.0, 0.5, 2.0, 3.0)):
        optimizer.param_groups[0]["lr"] *= 0.5 if i == 2 else 1
        run(np.array(x) if compiled else mg.Tensor(x))
    return weights, optimizer


def test_an_optimiser_of_ones_own_is_settings_slots_and_a_rule():
    (w, *_), optimizer = descended(lambda weights: Lion(weights, lr=0.1), compiled=False)
    assert optimizer.defaults == {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.0}
    assert set(optimizer.state[w]) == {"step", "exp_avg"}
    np.testing.assert_allclose(w.data, [-0.7, 0.0, 0.7])  # by hand: 0.1 twice and 0.05 twice, against the sign
    others, other = descended(lambda weights: Lion(weights, lr=0.1), compiled=True)
    assert all(np.array_equal(p.data, q.data) for p, q in zip(optimizer.state, others, strict=True))
    other.load_state_dict(optimizer.state_dict())


def test_a_rule_takes_settings_and_scalars_by_name_and_scalars_win():
    class Plain(optim.Optimizer):
        def __init__(self, params, lr=0.5, weight_decay=0.25, unused="x"):
            super().__init__(params, locals())

        @staticmethod
        def scalars(group, t):
            return {"weight_decay": 2 * group["weight_decay"]}

        @staticmethod
        def update(p, g, state, *, lr, weight_decay):
            p -= lr * weight_decay * g

    p = leaf(1.0)
    optimizer = Plain([p])
    assert optimizer.numbers(optimizer.param_groups[0], 1) == {"lr": 0.5, "weight_decay": 0.5}
    p.sum().backward()
    optimizer.step()
    assert p.data.tolist() == [1 - 0.5 * 0.5]


def test_a_rule_that_passes_numbers_on_gets_those_of_the_rule_it_overrides():
    class Louder(optim.SGD):
        def update(self, p, g, state, *, lr, **numbers):
            super().update(p, 2 * g, state, lr=lr, **numbers)

    p, q = leaf(1.0), leaf(1.0)
    for x, kind, times in ((p, Louder, 1), (q, optim.SGD, 2)):
        (times * x).sum().backward()
        kind([x], lr=0.1, momentum=0.9).step()
    assert p.data == q.data


def test_slots_start_where_they_say_and_exist_while_their_setting_is_on():
    p = leaf(1.0, 2.0)

    class Kept(optim.Optimizer):
        slots = ("zeros", Slot("filled", start="lr"), Slot("single", start=2.0, shape=()), Slot("extra", when="more"))

        def __init__(self, params, lr=0.5, more=False):
            super().__init__(params, locals())

        @staticmethod
        def update(p, g, state):
            p -= 0 * g

    optimizer = Kept([p])
    p.sum().backward()
    optimizer.step()
    state = optimizer.state[p]
    assert {name: np.asarray(x).tolist() for name, x in state.items()} == {
        "step": 1, "zeros": [0.0, 0.0], "filled": [0.5, 0.5], "single": 2.0,
    }  # fmt: skip
    optimizer.param_groups[0]["more"] = True
    optimizer.step()
    assert optimizer.state[p]["extra"].tolist() == [0.0, 0.0]
    assert optimizer.state[p]["step"] == 2


@pytest.mark.parametrize("kind", [optim.Adagrad, optim.RMSprop])
def test_a_group_lists_its_settings_in_pytorchs_order(kind):
    torch = pytest.importorskip("torch")
    theirs = list(getattr(torch.optim, kind.__name__)([torch.zeros(1, requires_grad=True)]).defaults)
    mine = list(kind([leaf(1.0)]).defaults)
    assert mine == [name for name in theirs if name in mine]


def test_each_parameter_has_the_numbers_of_its_own_step():
    first, late = (mg.Tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.Adam([first, late], lr=0.1)
    for _ in range(3):
        first.grad = mg.Tensor([1.0])
        optimizer.step()
    late.grad = mg.Tensor([5.0])
    optimizer.step()
    np.testing.assert_allclose(late.data, [0.9])  # the first step is lr long, whatever the gradient


def test_what_was_updated_before_an_error_counts_as_written():
    p, frozen = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    frozen.data.flags.writeable = False
    z = (p * p).sum()
    p.grad = frozen.grad = mg.Tensor([1.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        optim.SGD([p, frozen], lr=0.1).step()
    with pytest.raises(RuntimeError, match="changed in place"):
        z.backward()

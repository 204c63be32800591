"""What somebody who begins does wrong is answered: what was asked for, what was found, what to write."""

import importlib
import inspect

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import data, nn, optim

PARTS = (
    "", "autograd", "check", "compiler", "data", "debug", "distributed", "exercises", "functional", "linalg", "nn",
    "nn.init", "onnx", "optim", "optim.lr_scheduler", "pictures", "random", "sklearn", "special", "storage", "training",
)  # fmt: skip
FOR_LAYERS = ("micrograd_np.ops", "micrograd_np.numpy_api")  # whose calls cost nothing more than they must
X = np.random.default_rng(0).standard_normal((6, 2))


def part(name):
    """A part of the package."""
    if name in {"onnx", "sklearn"}:
        pytest.importorskip(name)
    return importlib.import_module(f"micrograd_np.{name}".rstrip("."))


@together
@pytest.mark.parametrize("name", PARTS)
def test_every_part_says_what_may_be_meant_by_a_name_that_it_does_not_have(name):
    module = part(name)
    known = max(module.__all__, key=len)
    for wrong, says in ((known + "x", f"Did you mean {known}?"), ("zzzzzz", "dir(")):
        with pytest.raises(AttributeError) as caught:
            getattr(module, wrong)
        assert f"has no {wrong!r}. {says}" in str(caught.value)


@together
@pytest.mark.parametrize("name", [name for name in PARTS if name not in {"functional", "linalg", "special"}])
def test_every_function_shows_its_arguments_where_a_keyword_is_unknown(name):
    module = part(name)
    for key in module.__all__:
        function = getattr(module, key)
        if not inspect.isfunction(function) or function.__module__.startswith(FOR_LAYERS):
            continue
        parameters = inspect.signature(function).parameters.values()
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            continue
        needed = [None for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        with pytest.raises(TypeError, match="zzzz") as caught:
            function(*needed, zzzz=1)
        assert all(p.name in str(caught.value) for p in parameters)


@together
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mg.compile(abs, options={"a": 1}), "mode and backend are what can be chosen"),
        (lambda: mg.compile(abs, disable=True), "call the function itself, without compile"),
        (lambda: nn.Hardtanh(min_value=-2.0), "PyTorch's min_value is min_val here"),
        (lambda: mg.functional.hardtanh(X, max_value=2.0), "PyTorch's max_value is max_val here"),
        (lambda: mg.split(X, split_size_or_sections=2), r"mg.split\(x, range\(n, len\(x\), n\)\) gives parts of n"),
        (lambda: mg.functional.mse_loss(X, X, weight=X), r"\(weight \* losses\).sum\(\) / weight.sum\(\)"),
        (lambda: nn.MSELoss(size_average=False), 'Of False, write reduction="sum"'),
        (lambda: mg.from_dlpack(X, copy=True), r"write .clone\(\) of the result"),
        (lambda: mg.set_default_dtype(d="float32"), "PyTorch's d is dtype here"),
        (lambda: optim.SGD(nn.Linear(2, 1).parameters(), learning_rate=0.1), "Keras's learning_rate is lr here"),
        (lambda: data.DataLoader(data.TensorDataset(X), batchsize=2), "Did you mean batch_size="),
        (lambda: mg.fit(None, None, None, None, validation_data=None), "Keras's validation_data is validation here"),
        (lambda: mg.grad(abs, argnum=1), "Did you mean argnums="),
        (lambda: mg.draw_network(nn.Linear(2, 1), backwards=True), "draw_network: does not take backwards="),
        (lambda: mg.no_grad(abs), r"As a decorator, write @no_grad\(\)"),
        (lambda: mg.no_grad(True), r"Write set_grad_enabled\(flag\)"),
    ],
)
def test_a_keyword_of_another_name_is_answered_with_the_one_here(call, says):
    with pytest.raises((TypeError, ValueError), match=says):
        call()


def test_parts_of_a_given_length_are_what_the_advice_says():
    parts = mg.split(np.arange(7), range(3, 7, 3))
    assert [len(p) for p in parts] == [3, 3, 1]


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (lambda: mg.training.EarlyStopping, r"mg.fit\(..., patience=5\)"),
        (lambda: part("sklearn").MLPClassifier, "NeuralClassifier"),
        (lambda: mg.custom_vjp, "@primitive"),
        (lambda: nn.Linear(2, 1).fit, r"mg.fit\(model, loss, optimizer, batches\)"),
        (lambda: nn.Linear(2, 1).save, r"mg.save\(model.state_dict\(\), path\)"),
    ],
)
def test_what_other_libraries_call_so_is_told_where_it_is(read, says):
    with pytest.raises(AttributeError, match=says):
        read()


NET = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


@together
@pytest.mark.parametrize("wrong", [lambda: NET, lambda: NET.parameters, lambda: [NET], lambda: [NET.parameters()]])
@pytest.mark.parametrize(
    "take",
    [
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.Adam([{"params": p}]),
        optim.ExponentialMovingAverage,
        lambda p: nn.utils.clip_grad_norm_(p, 1.0),
        lambda p: nn.utils.clip_grad_value_(p, 1.0),
        nn.utils.parameters_to_vector,
        lambda p: nn.utils.vector_to_parameters(np.zeros(13), p),
    ],
)
def test_a_model_in_the_place_of_its_parameters_is_told_from_them(take, wrong):
    with pytest.raises(TypeError, match=r"parameters must be tensors; found .*\. Pass model.parameters\(\)\.$"):
        take(wrong())


@pytest.mark.parametrize("set_up", [nn.init.xavier_uniform_, nn.init.normal_, nn.init.kaiming_normal_, nn.init.zeros_])
def test_a_layer_in_the_place_of_its_weight_is_told_from_it(set_up):
    with pytest.raises((AttributeError, TypeError), match=r"module\.weight"):
        set_up(nn.Linear(2, 3))


def test_a_parameter_of_pytorch_is_called_pytorchs():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="found PyTorch's Parameter"):
        optim.SGD(torch.nn.Linear(2, 1).parameters(), lr=0.1)
    with pytest.raises(TypeError, match="found PyTorch's ReLU"):
        nn.Sequential(nn.Linear(2, 1), torch.nn.ReLU())


def test_a_setting_is_not_changed_by_an_attribute_of_its_name():
    optimizer = optim.SGD(NET.parameters(), lr=0.1)
    with pytest.raises(AttributeError, match=r'SGD has no .lr.\. Write optimizer.param_groups\[0\]\["lr"\]'):
        _ = optimizer.lr
    with pytest.warns(UserWarning, match=r'for group in optimizer.param_groups: group\["lr"\] = 0.5'):
        optimizer.lr = 0.5
    with pytest.raises(AttributeError, match="no attribute 'lrr'"):
        _ = optimizer.lrr


def test_a_step_without_any_gradient_says_so():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loss = model(X).square().mean()
    _ = loss.backward  # without its brackets
    with pytest.warns(UserWarning, match=r"step: no parameter has a gradient.* Call loss.backward\(\) before it"):
        optimizer.step()
    model(X).square().mean().backward()
    optimizer.zero_grad()  # at the wrong place
    with pytest.warns(UserWarning, match=r"and zero_grad\(\) before that"):
        optimizer.step()


def test_a_schedule_may_be_looked_at_without_a_gradient():
    optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr() == [0.125]


@pytest.mark.parametrize("loss", ["MSELoss", "L1Loss", "CrossEntropyLoss", "BCELoss", "BCEWithLogitsLoss", "NLLLoss"])
def test_a_loss_that_is_called_before_it_is_made_says_so(loss):
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(nn, loss)(mg.Tensor(X), mg.Tensor(X))
    assert caught.value.__notes__ == [f"To apply it, make it first: {loss}()(input, target)."]


def test_a_forward_that_does_not_fit_its_call_says_what_it_takes():
    class NoSelf(nn.Module):
        def forward(x):  # noqa: N805
            return x

    with pytest.raises(TypeError) as caught:
        NoSelf()(X)
    assert caught.value.__notes__ == ["NoSelf: the first parameter of forward must be self: def forward(self, x)."]
    with pytest.raises(TypeError) as caught:
        nn.Sequential(nn.Linear(2, 1))(X, X)
    assert caught.value.__notes__ == ["Sequential: forward takes input."]


def test_an_error_inside_of_a_forward_is_left_as_it_is():
    class Wrong(nn.Module):
        def forward(self, x):
            return len(5)

    with pytest.raises(TypeError, match="int") as caught:
        Wrong()(X)
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("relu", r"found 'relu'. Write nn.ReLU\(\)"),
        (mg.sigmoid, r"found the function sigmoid. Write nn.Sigmoid\(\)"),
        (mg.functional.log_softmax, r"found the function log_softmax. Write nn.LogSoftmax\(\)"),
        ([nn.ReLU()], r"found a list. Write Sequential\(\*modules\)"),
        (lambda x: x, r"Write a class with a forward of its own"),
        (nn.ReLU, r"found the class ReLU; make one of it: ReLU\(...\)\.$"),
    ],
)
def test_what_is_no_layer_in_a_network_is_told_from_one(wrong, says):
    with pytest.raises(TypeError, match=says):
        nn.Sequential(nn.Linear(2, 1), wrong)


LOGITS = mg.Tensor([[1.0, 2.0], [0.5, 0.0]])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nn.CrossEntropyLoss()(LOGITS, [1.0, 0.0]), r"Write target.astype\(int\)"),
        (lambda: nn.CrossEntropyLoss()([1, 0], LOGITS), "Is it the other way round"),
        (lambda: nn.CrossEntropyLoss()(LOGITS, [[1], [0]]), r"Of a column of labels, write target\[:, 0\]"),
        (lambda: nn.CrossEntropyLoss()(LOGITS, [[1, 0], [0, 1]]), r"write target.argmax\(1\)"),
        (lambda: nn.BCELoss()([0.5], [2.0]), r"target must be probabilities in \[0, 1\], .* Write labels as 0 and 1"),
        (lambda: nn.LSTM(2, 3)(X[:, None], np.zeros((1, 1, 3))), r"a pair of states, \(h, c\); found an ndarray"),
        (lambda: nn.BatchNorm1d(2)(X[:1]), "drop_last=True"),
    ],
)
def test_labels_and_states_of_another_form_are_answered_with_what_to_write(call, says):
    with pytest.raises((TypeError, ValueError), match=says):
        call()


@pytest.mark.parametrize("transform", [mg.grad, mg.value_and_grad, mg.jacobian, mg.hessian])
def test_a_list_in_the_place_of_an_array_is_told_where_it_does_not_fit(transform):
    for f in (lambda x: (x**2).sum(), lambda x: x.sum()):
        with pytest.raises((TypeError, AttributeError)) as caught:
            transform(f)([1.0, 2.0])
        assert "argument 0 is a list, and f gets a list of tensors" in caught.value.__notes__[0]
    assert mg.grad(lambda pair: pair[0] * pair[1])([2.0, 3.0]) == [3.0, 2.0]  # where it does, it is one


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mg.grad(np.sum, "x")(X), "argnums must be the position of an argument, or several of them; found 'x'"),
        (lambda: mg.jvp(np.sin, X, X), r"primals must be a tuple or list, .*; found an ndarray. .* write \(p,\)"),
        (lambda: mg.jvp(np.sin, (X,), 1.0), "jvp: tangents must be a tuple or list"),
        (lambda: mg.hvp(np.sum, X, X), "hvp: primals must be a tuple or list"),
        (lambda: mg.numeric_gradient(3.0, X), "numeric_gradient: f must be a function; found a float"),
        (lambda: mg.numeric_gradient(np.sum, X, step=0), "step must be other than 0; found 0"),
        (lambda: mg.check_gradients(np.sum, X, step=0.0), "step must be other than 0; found 0.0"),
        (lambda: mg.check_gradients(mg.Tensor(X)), "must be a model or a function; found a Tensor"),
    ],
)
def test_arguments_of_another_kind_are_told_before_a_derivative_is_taken(call, says):
    with pytest.raises((TypeError, ValueError), match=says):
        call()


def test_a_whole_number_is_checked_as_grad_takes_it():
    report = mg.check_gradients(lambda x: x**2, 3)
    assert bool(report)
    assert report["x"].analytic == mg.grad(lambda x: x**2)(3) == 6
    assert [row.name for row in mg.check_gradients(lambda x, n: x.reshape(n), X, 12).rows] == ["x"]


def step_of(**settings):
    """What `fit` needs of a small regression, with the settings of its own."""
    model = nn.Linear(2, 1)
    return model, nn.MSELoss(), optim.SGD(model.parameters(), **{"lr": 0.1, **settings})


def test_training_that_diverges_says_when():
    batches = [(1e3 * X, X[:, :1])]
    with (
        np.errstate(all="ignore"),
        pytest.warns(mg.training.LintWarning, match=r"the loss is (inf|nan) in epoch \d+\. Lower the learning rate"),
        pytest.warns(mg.training.LintWarning, match="times as long as the weights"),
    ):
        history = mg.fit(*step_of(lr=10.0), batches, epochs=80, progress=False)
    assert not np.isfinite(history["loss"][-1])


@together
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: data.DataLoader((X, X[:, 0]), batch_size=2), r"a tuple of arrays, .* Write DataLoader\(TensorDataset"),
        (lambda: mg.fit(*step_of(), [(X,)], progress=False), "a tuple of 1, without targets. Write TensorDataset"),
        (lambda: mg.lint(nn.Linear(2, 1), 3.0, None), "loss must be a Tensor, the value of the loss on a batch"),
        (lambda: mg.save("run.npz", nn.Linear(2, 1)), "f must be the name of a file; found a Linear. Write save"),
        (lambda: nn.Linear(2, 1).load_state_dict("w.npz"), r"found 'w.npz'. Write load_state_dict\(mg.load\(path\)\)"),
        (
            lambda: mg.draw_network(nn.Linear(2, 1), "net.svg"),
            r"a picture is saved by draw_network\(model\).save\(path",
        ),
        (lambda: mg.draw_boundary(nn.Linear(2, 1), X, X[:, 0]), r"a pair: draw_boundary\(model, \(x, y\)\)"),
        (lambda: mg.draw_network(nn.Linear(2, 1)).save("net"), "'net' has no suffix, and the suffix names the format"),
        (
            lambda: mg.Tensor([[1.0, 2.0], [3.0]]),
            "Tensor: cannot make an array of this list: .* Rows must have one len",
        ),
        (lambda: mg.Tensor(1.0, False, 3), "Tensor: dtype must be a dtype, such as 'float32' or int; found 3"),
        (lambda: mg.Tensor([1.0]).astype("float23"), "astype: dtype must be a dtype, .*; found 'float23'"),
        (lambda: mg.random.normal(size=2, dtype="float23"), "dtype must be a dtype, .*; found 'float23'"),
        (lambda: nn.Linear(2, 1, dtype="float23"), "dtype must be a dtype, .*; found 'float23'"),
        (lambda: mg.set_default_dtype("float23"), "dtype must be a dtype, .*; found 'float23'"),
        (lambda: mg.Tensor([1.0]) ^ 2, r"it needs integers or booleans. For a power, write x \*\* y"),
    ],
)
def test_arguments_in_another_order_or_of_another_kind_are_answered_with_what_to_write(call, says):
    with pytest.raises((TypeError, ValueError), match=says):
        call()


def test_inputs_of_an_export_come_before_its_path():
    pytest.importorskip("onnx")
    with pytest.raises(TypeError, match=r"args must be example inputs; found 'net.onnx'. Write export\(model, x, path"):
        mg.onnx.export(nn.Linear(2, 1), "net.onnx", X)


@pytest.mark.parametrize(
    ("name", "says"), [("loss", r"\['loss'\]"), ("val_loss", r"\['validation loss'\]"), ("history", r"\.rows")]
)
def test_a_history_says_how_its_numbers_are_read(name, says):
    history = mg.History()
    history.add({"loss": 1.0, "validation loss": 2.0})
    with pytest.raises(AttributeError, match=f"History has no '{name}'. Write history{says}"):
        getattr(history, name)


def test_a_function_of_pytorch_says_whose_tensor_it_has_got():
    torch = pytest.importorskip("torch")
    t = mg.Tensor([0.5, 1.0, 2.0])
    for call in (torch.exp, torch.nn.Linear(3, 1), lambda t: torch.stack([t])):
        with pytest.raises(TypeError, match=r"takes PyTorch's tensors; found a Tensor of micrograd_np\. .*from_numpy"):
            call(t)
    assert torch.as_tensor(t).tolist() == torch.tensor(t).tolist() == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("recorded", [False, True])
def test_data_that_was_set_to_a_tensor_is_its_array_at_the_next_step(recorded):
    w, by_hand = mg.Tensor([3.0, 1.0], requires_grad=True), np.array([3.0, 1.0])
    for _ in range(3):
        w.grad = None
        (w * w).sum().backward()
        assert type(w.data) is np.ndarray
        w.data = w - 0.1 * w.grad if recorded else w.data - 0.1 * w.grad
        by_hand = by_hand - 0.1 * 2 * by_hand
    np.testing.assert_array_equal(w.detach().numpy(), by_hand)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_an_optimiser_takes_weights_that_were_set_to_a_tensor(make):
    def course(value):
        layer = nn.Linear(2, 1, bias=False)
        layer.weight.data = value
        optimizer = make(layer.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            layer(X).square().mean().backward()
            optimizer.step()
        return layer.weight.detach().numpy()

    np.testing.assert_array_equal(course(mg.Tensor([[1.0, 2.0]])), course(np.array([[1.0, 2.0]])))


def test_an_update_that_makes_a_result_of_a_parameter_says_how_it_is_written():
    w = mg.Tensor([1.0], requires_grad=True)
    (w * w).sum().backward()
    w = w - 0.1 * w.grad
    with pytest.warns(UserWarning, match=r"updated by w = w - step, .*; write w -= step under no_grad\(\)"):
        assert w.grad is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nn.Linear(1, 1)(X[:, 0]), r"Of samples of one feature, write x\[:, None\]"),
        (lambda: nn.Linear(2, 1)(np.array([["1", "2"]])), r"dtype <U1 as x. Convert it: np.asarray\(x, dtype=float\)"),
        (lambda: mg.exp(mg.Tensor([1.0])) + np.array(["1"]), "needs numbers or booleans, found an array of dtype <U1"),
        (lambda: mg.exp(np.array([1.0], dtype=object)), "found an array of dtype object as x"),
        (lambda: mg.Tensor(2.0).backward(), r"without .data, .numpy\(\) or .detach\(\) on the way"),
    ],
)
def test_data_of_another_form_is_answered_with_what_to_write(call, says):
    with pytest.raises((TypeError, ValueError, RuntimeError), match=says):
        call()


@pytest.mark.parametrize("watch", [mg.detect_nonfinite, mg.detect_mutation, mg.trace_origins, mg.enable_grad])
def test_a_decorator_without_its_brackets_says_so(watch):
    with pytest.raises(TypeError, match=rf"takes no arguments; .* write @{watch.__name__}\(\)"):
        watch(abs)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"scheduler": optim.lr_scheduler.StepLR}, r"scheduler must be a schedule, .*; found the class StepLR"),
        ({"checkpoint": "no such folder/run.npz"}, "there is no directory"),
        ({"checkpoint": "run.pt"}, "the name must end in .npz or .safetensors"),
    ],
)
def test_what_fit_needs_after_an_epoch_is_told_before_the_first(settings, says):
    model, loss, optimizer = step_of()
    before = model.weight.data.copy()
    with pytest.raises((TypeError, ValueError, FileNotFoundError), match=says):
        mg.fit(model, loss, optimizer, [(X, X[:, :1])], progress=False, **settings)
    assert (model.weight.data == before).all()


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()])
def test_a_forward_without_return_is_told_by_the_loss(loss):
    class Silent(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 1)

        def forward(self, x):
            self.layer(x)

    with pytest.raises(TypeError, match=r"Does a function end without return\?"):
        loss(Silent()(X), X[:, :1])


def test_the_accuracy_of_one_column_of_scores_is_not_that_of_class_0():
    with pytest.raises(ValueError, match="for one score per sample use binary_accuracy"):
        mg.training.accuracy(nn.Linear(2, 1)(X), [0, 1, 0, 1, 0, 1])

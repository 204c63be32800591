"""What may surprise users of compiled steps. docs/surprises.md is made of these docstrings."""

import importlib.util
import pickle
import random
import signal
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.c.toolchain import find_compiler

DOCS = Path(__file__).parents[2] / "docs"
X = np.random.default_rng(0).standard_normal((4, 3))
Y = np.random.default_rng(1).standard_normal((4, 2))
Z = np.random.default_rng(2).standard_normal((4, 3))


@pytest.fixture
def in_c():
    """`compile` with C."""
    compiler = find_compiler()
    if isinstance(compiler, str) or not hasattr(signal, "setitimer"):
        pytest.skip(f"needs a C compiler: {compiler}")
    return mg.compile(backend="c", wait=True)


class Training:
    """A small net with its optimiser and steps."""

    def __init__(self, *layers, **settings):
        self.model = nn.Sequential(nn.Linear(3, 5), *(make() for make in layers), nn.Linear(5, 2))
        self.optimizer = optim.SGD(self.model.parameters(), **{"lr": 0.1, **settings})
        self.compiled = mg.compile(self.step)

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = (self.model(x) - y).square().mean()
        loss.backward()
        self.optimizer.step()
        return loss


def twins(*layers, **settings):
    """Two trainings that are alike."""
    mg.random.manual_seed(0)
    a = Training(*layers, **settings)
    mg.random.manual_seed(0)
    b = Training(*layers, **settings)
    mg.random.manual_seed(1)
    return a, b


def refused(step, *args):
    """What the error says with which compile refuses."""
    with pytest.raises(mg.CompileError) as caught:
        mg.compile(step)(*args)
    return str(caught.value)


# what is refused


def test_arrays_that_numpy_makes_inside_the_step_are_refused():
    """Examples are a dropout mask drawn by NumPy, one-hot labels from `np.eye`, or a table from `np.arange`. A program
    would repeat their values for ever, so an array that is not an argument, not state, and not computed from those
    raises an error that names your line. Pass the array as an argument, draw it with `mg.random`, or write
    `mg.constant(array)` if it is the same in every call."""

    def step(x):
        return x * (np.random.default_rng().random(x.shape) < 0.5)  # by hand

    message = refused(step, X)
    assert "# by hand" in message
    assert "test_surprises.py:" in message
    assert "mg.constant(array)" in message
    assert "mg.random" in message

    def made(x):
        table = mg.Tensor(np.arange(3.0))  # made here
        return x + table  # used here

    message = refused(made, X)
    assert "# made here" in message
    assert "# used here" in message

    fixed = mg.compile(lambda x: x + mg.constant(np.arange(3.0)))
    assert all(np.array_equal(fixed(x).data, x + np.arange(3.0)) for x in (X, X * 2))


def test_the_value_of_a_tensor_cannot_decide_anything():
    """`if loss > 3`, `float(loss)`, `loss.item()` and `x.numpy()` ask for a value while the step is traced, and the
    program could not repeat what Python then does with it. Return the tensor and look at it outside the step, or choose
    with `mg.where`."""
    asked = [
        lambda x: x if x.sum() > 3 else -x,
        lambda x: x * float(x.sum()),
        lambda x: x * x.sum().item(),
        lambda x: x * np.asarray(x),
        lambda x: [x, x.tolist()],
    ]
    for step in asked:
        message = refused(step, X)
        assert "asks for the value" in message
        assert "lambda x" in message
        assert "mg.where" in message


def test_boolean_masks_that_select_elements_are_refused():
    """`x[mask]` has as many elements as the mask has True, which depends on values, and a program for one count is
    wrong for another. Choose with `mg.where`, or multiply by the mask and divide by its sum. Write `mg.constant(mask)`
    if the mask is the same in every call."""
    message = refused(lambda x: x[x > 0].sum(), X)
    assert "a mask of shape (4, 3)" in message
    assert "mg.where" in message
    mask = X[:, 0] > np.median(X[:, 0])
    chosen = mg.compile(lambda x: x[mg.constant(mask)] * 2)
    for x in (X, X * 2):
        assert np.array_equal(chosen(x).data, x[mask] * 2)


def test_catching_a_refusal_inside_the_step_does_not_help():
    """If the step catches the error, the first call raises it again at its end. What comes before the refusal has run
    by then: a step that is refused after its update has updated its parameters."""
    w = mg.Tensor(np.ones(3), requires_grad=True)

    def step(x):
        with mg.no_grad():
            w.copy_(w - x)
        try:
            return x * float(x.sum())
        except RuntimeError:
            return x

    assert "asks for the value" in refused(step, np.ones(3))
    assert w.tolist() == [0.0, 0.0, 0.0]


def test_rebinding_a_tensor_that_the_step_also_reads_is_refused():
    """`self.hidden = new` or `state["h"] = new` would happen only while the step is traced, and the program would read
    the old tensor for ever. Write into the existing tensor, `state["h"].copy_(new)` inside `no_grad()`, or take it as
    an argument and return the new one."""
    state = {"h": mg.Tensor(np.zeros(3))}

    def exchanged(x):
        state["h"] = 0.9 * state["h"] + x.mean(axis=0)
        return state["h"] * 1

    assert "another tensor in the place of state['h']" in refused(exchanged, X)
    state["h"] = mg.Tensor(np.zeros(3))

    @mg.compile
    def written(x):
        with mg.no_grad():
            state["h"].copy_(0.9 * state["h"] + x.mean(axis=0))
        return state["h"] * 1

    wanted = np.zeros(3)
    for x in (X, Z, X):
        wanted = 0.9 * wanted + x.mean(axis=0)
        assert np.allclose(written(x).data, wanted)


def test_numpy_cannot_write_into_tensors():
    """`w.data -= 0.1 * w.grad.data` inside the step is arithmetic of NumPy's own, which a program cannot contain; it is
    refused, as are writes into gradients and activations: for NumPy they are read-only while the step is traced. Write
    with tensors: `w -= 0.1 * w.grad` inside `no_grad()`. Assigning another array, `w.data = ...`, is refused as well.
    Writes into the arrays of an optimiser's state are not noticed."""
    w = mg.Tensor(np.ones((3, 2)), requires_grad=True)

    def step(x, y, update):
        w.grad = None
        loss = (x @ w - y).square().mean()
        loss.backward()
        update()
        return loss

    def by_numpy():
        w.data -= 0.1 * w.grad.data

    def replaced():
        w.data = w.data - 0.1 * w.grad.data

    def by_tensors():
        with mg.no_grad():
            w.copy_(w - 0.1 * w.grad)

    assert "w.data -= 0.1 * w.grad.data, by arithmetic of NumPy's own" in refused(step, X, Y, by_numpy)
    assert "puts another array into" in refused(step, X, Y, replaced)
    compiled = mg.compile(step)
    losses = [compiled(X, Y, by_tensors).item() for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 4


def test_a_scheduler_steps_outside_the_compiled_step():
    """`scheduler.step()` inside a compiled step is Python code, which would run only while the step is traced; it is an
    error. Call it between steps: the new learning rate takes effect at once, because learning rates are inputs of the
    program."""
    training = Training()
    scheduler = optim.lr_scheduler.StepLR(training.optimizer, step_size=1, gamma=0.5)

    def step(x, y):
        loss = training.step(x, y)
        scheduler.step()
        return loss

    assert "changes lr" in refused(step, X, Y)


def test_a_compiled_gradient_is_not_differentiated_again():
    """A result of a compiled function can be used in eager code, and `backward()` then runs the compiled backward pass,
    which has no derivative of its own. Take second derivatives inside the compiled function, or without compiling."""
    square = mg.compile(lambda x: (x * x * x).sum())
    x = mg.Tensor(X, requires_grad=True)
    square(x)
    square(x).backward()
    assert np.allclose(x.grad.data, 3 * X * X)
    with pytest.raises(RuntimeError, match="inside the compiled function"):
        square(x).backward(create_graph=True)

    def penalty(x):
        (g,) = mg.autograd.grad((x * x * x).sum(), [x], create_graph=True)
        return g.square().sum()

    inside = mg.compile(penalty)
    for _ in range(2):
        x.grad = None
        inside(x).backward()
        assert np.allclose(x.grad.data, 36 * X**3)


def test_results_of_one_call_share_a_backward_pass():
    """`backward()` on one of several results of a compiled function frees the graph of all that depend on the same
    leaves. Keep it with `retain_graph=True`, or call `backward()` on their sum. Results that are left out count as
    zeros, so that a gradient of -0 may become 0. Leaves that only these depend on get no gradient, as eagerly."""
    w = mg.Tensor(X.copy(), requires_grad=True)
    both = mg.compile(lambda x: (x * w, x + w))
    both(X)
    product, total = both(X)
    product.sum().backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        total.sum().backward()
    w.grad = None
    product, total = both(-X * 0)
    product.sum().backward(retain_graph=True)
    assert not np.signbit(w.grad.data).any()
    total.sum().backward()
    assert (w.grad.data == 1).all()


def test_lbfgs_is_not_compiled():
    """The number of iterations of LBFGS depends on values, so its step refuses to be traced."""
    model = nn.Linear(3, 1)
    optimizer = optim.LBFGS(model.parameters())
    with pytest.raises(RuntimeError, match="cannot be compiled"):
        mg.compile(lambda x: optimizer.step(lambda: model(x).sum()))(X)


# what the first call fixes


def test_pythons_own_numbers_belong_to_the_program():
    """Numbers, strings and other plain objects that a step reads from its surroundings become part of the program, as
    shapes do. They are compared in every call, as arguments are, and other values are traced as another program: a
    number that changes in every call is best passed as an array. A number taken from `.data` keeps its value of the
    first call: `x.data.max()` is Python's own, and `x.max()` is computed in every call."""
    around = {"scale": 2.0}
    f = mg.compile(lambda x: x * around["scale"])
    for scale in (2.0, 3.0, 2.0):
        around["scale"] = scale
        assert np.array_equal(f(X).data, X * scale)
    assert f.cache_info() == (1, 2, 2)

    taken, computed = mg.compile(lambda x: x * x.data.max()), mg.compile(lambda x: x * x.max())
    for h, factor in ((taken, X.max()), (computed, Z.max())):
        h(X)
        assert np.array_equal(h(Z).data, Z * factor)

    net = nn.LeakyReLU(0.5)
    h = mg.compile(net)
    for slope in (0.5, 0.25, 0.5):
        net.negative_slope = slope
        assert np.array_equal(h(-X).data, net(-mg.Tensor(X)).data)
    assert h.cache_info() == (1, 2, 2)

    g = mg.compile(lambda x, scale: x * scale)
    assert all(np.array_equal(g(X, s).data, X * s) for s in (2.0, 3.0, 2.0))
    assert g.cache_info() == (1, 2, 2)


def test_what_a_step_asks_of_the_world_is_asked_once():
    """What is not found by the names in the code belongs to the first call for ever: the clock, files, environment
    variables, the next element of an iterator, numbers that are found by a name put together at run time
    (`getattr(self, f"scale{i}")`) or that lie in objects of other packages. Of a container or an array of more than a
    thousand numbers only the length, or whether it is the same, is compared. After a change there, call
    `step.clear()`."""

    class Scales:
        scale1 = 2.0

    scales, many, each = Scales(), [2.0] * 2000, iter([2.0, 3.0])
    f = mg.compile(lambda x: x * getattr(scales, f"scale{1}") * many[0])
    assert np.array_equal(f(X).data, X * 4)
    Scales.scale1 = many[0] = 3.0
    assert np.array_equal(f(X).data, X * 4)
    f.clear()
    assert np.array_equal(f(X).data, X * 3 * 3)
    g = mg.compile(lambda x: x * next(each))
    assert all(np.array_equal(g(X).data, X * 2) for _ in range(3))


def test_random_numbers_of_python_and_numpy_are_drawn_once():
    """`random.random()` and `np.random.rand()` return plain numbers, which a program repeats for ever; a warning says
    so, for generators of your own as well. Draw with `mg.random`, or pass the numbers as arguments."""
    for draw in (random.random, np.random.rand):
        f = mg.compile(lambda x, draw=draw: x * draw())
        with pytest.warns(RuntimeWarning, match="drew from Python's or NumPy's global generator"):
            first = f(X)
        assert np.array_equal(f(X).data, first.data)


def test_printing_and_appending_happen_only_while_the_step_is_traced():
    """Only arithmetic on tensors becomes part of the program. `print`, `losses.append(loss)` and counters run while the
    step is traced: in the first call of each kind (in the first two, if the first has changed what the step reads, as
    appending does), and never again. Return what you want to keep, and print and append outside the step."""
    seen = []
    f = mg.compile(lambda x: seen.append(1) or x * 2)
    for _ in range(4):
        f(X)
    assert len(seen) == 2


def test_gradients_keep_their_memory_from_call_to_call():
    """Results are copies: a loss that you keep does not change. Gradients are not copies: after a compiled step,
    `p.grad` is memory of the program, which the next call overwrites. To keep a gradient, copy it:
    `p.grad.data.copy()`."""
    training = Training()
    losses = [training.compiled(X * i, Y) for i in (1, 2, 3)]
    assert len({loss.item() for loss in losses}) == 3
    grad = training.model[0].weight.grad
    before = grad.data.copy()
    training.compiled(X * 5, Y)
    assert training.model[0].weight.grad is grad
    assert not np.array_equal(grad.data, before)


def test_warnings_are_silenced_for_the_whole_program():
    """Some ops silence a floating-point warning that they handle themselves, as sigmoid does for overflow in exp, and
    your step may with `np.errstate`. A program with such an op or block silences warnings of that kind in all its
    lines. This is set once, when the program is made, and keeps what `np.seterr` says of other warnings at that time. A
    program that silences nothing runs under the settings of its caller. To look for nan and inf, use
    `mg.debug.detect_nonfinite()`, inside which a compiled function runs eagerly."""
    f = mg.compile(lambda x: (x.sigmoid(), (x * 1000).exp()))
    with np.errstate(over="ignore"):
        f(X)
    assert "quiet.run(np.seterr, over='ignore')" in f.source
    with np.errstate(all="raise"):
        assert np.isinf(f(X)[1].data).any()
    g = mg.compile(lambda x: (x * 1000).exp())
    with np.errstate(over="ignore"):
        g(X)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        g(X)

    def logs(x, kept):
        with np.errstate(divide="ignore"):
            y = x.log()
            with mg.no_grad():
                kept.copy_((x * 0).log())
            return y

    h = mg.compile(logs)
    for _ in range(3):
        with np.errstate(all="raise"):
            assert np.isneginf(h(mg.Tensor([0.0, 1.0]), mg.Tensor([1.0, 1.0])).data[0])
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        mg.compile(logs)(mg.Tensor([-1.0, 1.0]), mg.Tensor([1.0, 1.0]))


# what works, though one might doubt it


def test_learning_rates_and_counters_are_inputs():
    """Learning rates, momenta and step counters are inputs of the program: schedules and changes by hand take effect at
    once."""
    a, b = twins(momentum=0.9)
    for i in range(6):
        for training in (a, b):
            training.optimizer.param_groups[0]["lr"] = 0.1 / (1 + i)
            training.optimizer.param_groups[0]["momentum"] = 0.9 - 0.1 * i
        assert a.step(X * i, Y).data == b.compiled(X * i, Y).data
    assert b.compiled.cache_info().misses == 1


def test_random_numbers_are_drawn_anew_in_every_call():
    """Dropout and `mg.random` draw new numbers in every call, from the same generator and in the same order as eager
    mode. `manual_seed` restarts compiled steps, too."""
    a, b = twins(lambda: nn.Dropout(0.5), lambda: nn.Dropout(0.2))
    losses = []
    for training, step in ((a, a.step), (b, b.compiled)):
        mg.random.manual_seed(7)
        losses.append([step(X, Y).item() for _ in range(3)])
        mg.random.manual_seed(7)
        losses.append([step(X, Y).item() for _ in range(3)])
        assert training.model.training
    assert losses[0] == losses[2]
    assert losses[1] == losses[3]


def test_each_kind_of_call_gets_a_program_of_its_own():
    """After `eval()` or `requires_grad_(False)`, inside `no_grad()`, or with another shape, dtype or memory order of an
    argument, the step is traced once more, and later calls use the program that fits. A shorter last batch costs one
    more trace, and nothing else."""
    a, b = twins(lambda: nn.Dropout(0.5), lambda: nn.BatchNorm1d(5))

    def course(training, step):
        losses = []
        for i in range(12):
            n = 3 if i % 4 == 3 else 4
            training.model.train(i % 3 != 2)
            training.model[0].weight.requires_grad_(i % 5 != 4)
            x = np.asarray(X[:n] * i, order="F" if i == 6 else "C")
            losses.append(step(x, Y[:n]).item())
        return losses

    mg.random.manual_seed(0)
    wanted = course(a, a.step)
    mg.random.manual_seed(0)
    assert course(b, b.compiled) == wanted
    assert b.compiled.cache_info().hits > 0


def test_what_you_replace_between_calls_is_used():
    """You may put another parameter, layer, model, optimiser or function in the place of one, or another tensor into a
    dict, fill a list that was empty, add or remove a hook, set a flag or a number, or empty an optimiser's state: the
    step is traced again. It checks variables, attributes and containers, nested to any depth, and what the code refers
    to by name: methods, `F.relu`, `module.loss`, and the defaults and the code of functions. Attributes that no code of
    the step reads may change as they like."""
    a, b = twins(momentum=0.9)
    for i in range(10):
        for training in (a, b):
            mg.random.manual_seed(i)
            if i == 2:
                training.model[0] = nn.Linear(3, 5)
            if i in (2, 4):
                training.optimizer = optim.Adam(training.model.parameters())
            if i == 6:
                training.optimizer.state.clear()
            if i == 8:
                training.model.append(nn.Tanh())
        assert a.step(X * i, Y).item() == b.compiled(X * i, Y).item()
    assert b.compiled.cache_info().misses == 5


def test_checkpoints_load_into_models_whose_step_is_compiled():
    """`load_state_dict` of a model or an optimiser writes into the memory that programs use. After `assign=True`,
    `model.to()` or another array in `p.data`, the step is traced again."""
    a, b = twins(momentum=0.9)
    wanted, found = [], []
    for training, step, losses in ((a, a.step, wanted), (b, b.compiled, found)):
        for i in range(9):
            if i == 2:
                saved = training.model.state_dict(), training.optimizer.state_dict()
            if i in (4, 6):
                training.model.load_state_dict(saved[0], assign=i == 6)
                training.optimizer.load_state_dict(saved[1])
            losses.append(step(X * i, Y).item())
    assert wanted == found


def test_gradients_accumulate_within_and_across_calls():
    """With several `backward()` in one step, or without `zero_grad()`, gradients are added up as in eager mode. A call
    that begins with a gradient and one that begins without have programs of their own."""
    a, b = twins()

    def accumulated(training):
        def step(x, y):
            for k in (0, 2):
                loss = (training.model(x[k : k + 2]) - y[k : k + 2]).square().mean()
                loss.backward()
            return loss

        return step

    eager, compiled = accumulated(a), mg.compile(accumulated(b))
    for i in range(7):
        for training, step in ((a, eager), (b, compiled)):
            if i % 3 == 0:
                training.optimizer.zero_grad()
            step(X * i, Y)
        for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
            assert np.array_equal(p.grad.data, q.grad.data)


def test_an_error_in_the_middle_says_what_has_changed():
    """When a line of the program fails, the traceback shows it. Notes name the line of your code that it belongs to,
    and say whether parameters had begun to change. Before the update, only running statistics can have changed. The
    next call starts afresh."""
    model = nn.Linear(3, 4)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()

    @mg.compile
    def step(x, labels):
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    step(X, np.array([0, 1, 2, 3]))
    before = model.weight.data.copy()
    with pytest.raises(IndexError) as caught:
        step(X, np.array([0, 1, 2, 99]))
    told = "".join(traceback.format_exception(caught.value))
    assert 'File "<micrograd_np step' in told
    assert "loss = criterion(model(x), labels)" in told
    assert "had changed no parameter" in told
    assert np.array_equal(model.weight.data, before)
    step(X, np.array([3, 2, 1, 0]))


def test_an_error_in_the_update_says_that_parameters_may_be_half_updated():
    """If a step is stopped during the update (by a keyboard interrupt, say), a note says so, and advises you to load a
    checkpoint."""
    from micrograd_np.compiler.running.failure import explain

    training = Training()
    training.compiled(X, Y)
    entry = training.compiled.last
    number = min(n for n, op in entry.writer.rows.items() if entry.writer.changes_state(op))
    assert "lr" in entry.source.splitlines()[number - 2] or "weight" in entry.source.splitlines()[number - 1]
    with pytest.raises(KeyboardInterrupt) as caught:
        exec(compile("\n" * number + "raise KeyboardInterrupt", entry.filename, "exec"))
    explain(caught.value, entry)
    assert "half updated: load a checkpoint" in "".join(caught.value.__notes__)


def test_threads_take_turns():
    """A program has one set of buffers, so calls from several threads wait for one another. Each caller gets its own
    results."""

    def eager(x):
        return (x.exp() * 2).sum(axis=0) + x

    f = mg.compile(eager)
    inputs = [np.full((50, 40), float(i)) for i in range(8)]
    f(inputs[0])
    wrong = []

    def work(x):
        wanted = eager(mg.Tensor(x)).data
        wrong.extend(i for i in range(50) if not np.array_equal(f(x).data, wanted))

    threads = [threading.Thread(target=work, args=(x,)) for x in inputs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_compiled_function_pickles_by_tracing_again():
    """A compiled function is pickled as the function that it was made from. Where it is loaded, its programs are traced
    again."""
    predict = mg.compile(nn.Linear(3, 2).eval())
    wanted = predict(X)
    again = pickle.loads(pickle.dumps(predict))
    assert again.cache_info().currsize == 0
    assert np.array_equal(again(X).data, wanted.data)


def test_arrays_among_the_arguments_are_tensors_inside():
    """A compiled function makes a tensor of each array that it is given: `f(x)` is `f(mg.Tensor(x))`. This also holds
    where it runs uncompiled, as part of a larger step or under `detect_nonfinite`. Without `compile`, the same function
    works on the array itself, into which nothing that requires a gradient can be written."""
    w = mg.Tensor(np.ones(4), requires_grad=True)

    def step(x):
        y = mg.zeros_like(x)
        y[:, 0] = w
        return y.relu()

    compiled, outer = mg.compile(step), mg.compile(lambda x: mg.compile(step)(x.detach()))
    for f in (compiled, compiled, outer, outer):
        assert np.array_equal(f(X).data, step(mg.Tensor(X)).data)
    with mg.debug.detect_nonfinite():
        assert np.array_equal(compiled(X).data, step(mg.Tensor(X)).data)
    with pytest.raises(TypeError, match="requires a gradient, which an array does not carry"):
        step(X)


def test_lists_of_numbers_are_arrays_to_ops_and_lists_to_python():
    """A list of numbers among the arguments may hold other numbers in each call if an op takes it as an array, as a
    model or `mg.Tensor(x)` does. If the step itself looks at the numbers (`x[0]`, `for`, `in`), another list is traced
    as another program; another tuple always is. Nested lists of tensors, dataclasses, namespaces and dicts are taken
    apart, in arguments and in results."""
    model = nn.Linear(3, 2)
    f, g = mg.compile(model), mg.compile(lambda x, k: x * k[0])
    for i in range(3):
        x = [[float(i), 2.0, 3.0]]
        assert np.array_equal(f(x).data, model(x).data)
        assert np.array_equal(g(X, [i, 1]).data, X * i)
    assert (f.cache_info().currsize, g.cache_info().currsize) == (1, 3)


def test_a_compiled_function_inside_another_becomes_part_of_it():
    """A compiled function that is called while a step is traced runs as it was written, and is traced as part of the
    step."""
    inner = mg.compile(lambda x: x * 2)
    inner(X)
    outer = mg.compile(lambda x: inner(x) + 1)
    assert all(np.array_equal(outer(x).data, x * 2 + 1) for x in (X, X + 1))
    assert outer.cache_info().hits == 1


def test_a_step_that_is_traced_again_and_again_warns():
    """You are warned if a step is traced again on nearly every call because something that it depends on keeps
    changing."""
    p = mg.Tensor(X, requires_grad=True, name="p")
    f = mg.compile(lambda x: (x * p).sum())
    for _ in range(8):
        p.data = p.data.copy()
        f(X)
    p.data = p.data.copy()
    with pytest.warns(RuntimeWarning, match="keeps changing"):
        f(X)


# what differs with backend="c"


def test_the_first_native_call_takes_longer_and_needs_more_memory(in_c):
    """C is compiled in the background, in a second or less for most steps. The first call that finds it ready runs both
    programs, on copies of everything that the step changes, and compares the results. If they differ, a warning says
    what to report, and the NumPy program stays in use. `step.report()` says which of the two runs, and why."""
    step = in_c(lambda x: x.exp().sum())
    step(X)
    assert str(step.report()).endswith("backend  c: its bits are compared with NumPy's in the next call.")
    assert step(X).item() == np.exp(X).sum()
    assert str(step.report()).endswith("backend  c: its bits are those of NumPy's program.")


def test_the_sign_of_a_nan_is_not_compared(in_c):
    """All numbers keep their bits, and nan stays nan. Where two nans meet, the order of operands decides which of them
    results and with which sign, and no standard fixes that order. So the bits of nan are not compared."""
    step = in_c(lambda x, y: x * y + y)
    x, y = np.array([np.nan, 1.0]), np.array([-np.nan, 2.0])
    for _ in range(3):
        assert np.array_equal(step(x, y).data, x * y + y, equal_nan=True)
    assert step.report().backend == "c"


def test_an_interrupt_arrives_after_a_native_call(in_c):
    """The NumPy program can be interrupted between two lines, and C cannot: the interrupt arrives when the call is
    over. By then parameters and optimiser have been updated, and the result of the call is lost."""
    w = mg.Tensor(np.zeros(3_000_000))

    def step(x):
        w.copy_(w + x.exp().tanh())
        return x.sum()

    compiled = in_c(step)
    x = np.full(3_000_000, 0.5)
    for _ in range(3):
        compiled(x)
    before = w.data[0]

    def interrupt(number, frame):
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        with pytest.raises(KeyboardInterrupt) as e:
            compiled(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert "runs in C" in e.value.__notes__[0]
    assert len(set(w.data)) == 1  # all or nothing
    assert w.data[0] > before


def test_the_page_tells_what_is_tested():
    spec = importlib.util.spec_from_file_location("generate_surprises", DOCS / "generate_surprises.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    assert page.page() == page.PAGE.read_text(encoding="utf-8"), "run: python docs/generate_surprises.py"

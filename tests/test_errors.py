"""Bad input: each error says what was asked, what was found and what to do, in shapes and the user's own names."""

import re

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.core.domains import REALS
from micrograd_np.core.messages import count_of, with_article
from micrograd_np.core.primitive import primitive
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops import elementwise, linear, reduce, shape


def tensor(*lengths, **told):
    return Tensor(np.ones(lengths), **told)


@together
@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        # shapes
        (
            lambda: tensor(64, 32, name="x") @ tensor(64, 10, name="w"),
            ValueError,
            [
                "matmul",
                "x (x) is (64, 32)",
                "y (w) is (64, 10)",
                "last axis of x (32) must equal",
                "Did you mean x.T @ y?",
            ],
        ),
        (lambda: tensor(4, 3) @ tensor(2, 3), ValueError, ["(4, 3)", "(2, 3)", "Did you mean x @ y.T?"]),
        (lambda: tensor() @ tensor(3), ValueError, ["at least one axis", "multiply by a scalar with *"]),
        (lambda: tensor(3) + tensor(4, name="b"), ValueError, ["add", "x is (3,)", "y (b) is (4,)"]),
        (
            lambda: nn.Linear(3, 2)(tensor(5, 4)),
            ValueError,
            ["linear", "(5, 4)", "last axis of x (4)", "in_features (3)"],
        ),
        (lambda: tensor(2, 3).reshape(4, 2), ValueError, ["reshape", "(2, 3)", "shape=(4, 2)"]),
        (lambda: shape.concatenate(tensor(2, 3), tensor(2, 4)), ValueError, ["concatenate", "(2, 3)", "(2, 4)"]),
        (lambda: shape.stack([tensor(2), tensor(3)]), ValueError, ["stack", "(2,)", "(3,)"]),
        (lambda: tensor(2, 3).sum(axis=2), ValueError, ["sum", "(2, 3)", "axis=2"]),
        (lambda: tensor(0).max(), ValueError, ["max", "(0,)"]),
        (lambda: tensor(3)[5], IndexError, ["(3,)", "5"]),
        # backward
        (
            (tensor(64, 10, requires_grad=True) * 2).backward,
            RuntimeError,
            ["backward", "(64, 10)", "scalar", ".mean().backward()", "gradient of that shape"],
        ),
        (
            lambda: (tensor(3, requires_grad=True) * 2).backward(np.ones(4)),
            ValueError,
            ["backward", "gradient is (4,)", "(3,)"],
        ),
        (lambda: tensor(name="loss").backward(), RuntimeError, ["loss", "requires_grad=True", "no_grad()"]),
        # kinds
        (lambda: Tensor([1, 2], requires_grad=True), TypeError, ["floating", "int64", "[1.0, 2.0]"]),
        (lambda: Tensor([True], requires_grad=True), TypeError, ["floating", "bool"]),
        (lambda: Tensor("text"), TypeError, ["numbers", "str"]),
        (lambda: Tensor([1 + 2j]), TypeError, ["real numbers", "complex128"]),
        (lambda: Tensor([{}]), TypeError, ["numbers", "object"]),
        (lambda: Tensor(1.0) + "text", TypeError, ["add", "str"]),
        (lambda: Tensor(1.0) + None, TypeError, ["add", "NoneType"]),
        (lambda: tensor(2, requires_grad=True, name="w").numpy(), TypeError, ["w of shape (2,)", ".detach().numpy()"]),
        (lambda: Tensor(tensor(2, requires_grad=True)), TypeError, ["detach"]),
        (lambda: tensor(2, 3).item(), ValueError, ["item", "6 elements", "tolist()"]),
        (lambda: bool(tensor(2)), ValueError, ["ambiguous", ".any()", ".all()"]),
        (lambda: [1, 2][Tensor(1.0)], TypeError, ["integer", "float64"]),
        (lambda: len(tensor()), TypeError, ["0-d"]),
        (lambda: mg.set_default_dtype("int32"), TypeError, ["floating dtype", "int32"]),
        (lambda: (tensor(1, requires_grad=True) * 2).requires_grad_(False), RuntimeError, [".detach()"]),
        (lambda: tensor(2).retain_grad(), RuntimeError, ["does not require a gradient"]),
        # arguments
        (lambda: elementwise.add(1.0), TypeError, ["add", "missing"]),
        (lambda: reduce.sum(tensor(2), axes=0), TypeError, ["sum", "axes"]),
        (lambda: shape.reshape(tensor(2)), TypeError, ["reshape", "shape"]),
        # losses
        (
            lambda: nn.MSELoss()(tensor(64, 1), np.ones(64)),
            ValueError,
            ["mse_loss", "(64, 1)", "(64,)", "would broadcast to (64, 64)", "target[:, None]"],
        ),
        (lambda: nn.BCELoss()(tensor(3, 1), np.ones(3)), ValueError, ["(3, 1)", "(3,)"]),
        (lambda: nn.CrossEntropyLoss()(tensor(2, 3), [0, 3]), IndexError, ["3 is out of bounds", "0 to 2"]),
        (lambda: nn.CrossEntropyLoss()(tensor(2, 3), [0, 1, 2]), ValueError, ["(2, 3)", "(3,)"]),
    ],
)
def test_it_says_what_was_asked_what_was_found_and_what_to_do(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert [part for part in says if part not in message] == [], message
    assert "\n" not in message
    assert message.rstrip()[-1] in ".?"


def test_a_second_backward_says_the_graph_is_gone():
    z = tensor(3, requires_grad=True).sum()
    z.backward()
    with pytest.raises(RuntimeError, match=re.escape("retain_graph=True")):
        z.backward()


class TestDeclarations:
    def test_a_misspelt_input_fails_at_once(self):
        @primitive("{x}", domain=(REALS,))
        def same(xp, out, x):
            """x."""
            return xp.positive(x, out=out)

        with pytest.raises(TypeError, match=r"same: there is no input 'y'; its inputs are x"):
            same.vjp(y=lambda g, z, x: g)

    def test_a_misspelt_input_that_is_not_differentiable_fails_at_once(self):
        with pytest.raises(TypeError, match="there is no input 'mask'"):

            @primitive("{x}", domain=(REALS,), not_differentiable=("mask",))
            def same(xp, out, x):
                """x."""

    def test_a_rule_for_what_has_none_fails_at_once(self):
        with pytest.raises(TypeError, match=r"'x' is declared not differentiable"):
            mg.equal.vjp(x=lambda g, z, x, y: g)

    def test_a_kernel_without_xp_and_out_fails_at_once(self):
        with pytest.raises(TypeError, match=r"a kernel takes \(xp, out"):

            @primitive("{x}", domain=(REALS,))
            def same(x):
                """x."""

    def test_a_missing_rule_is_asked_for_where_it_is_needed(self):
        @primitive("{x}", domain=(REALS,))
        def same(xp, out, x):
            """x."""
            return xp.positive(x, out=out)

        z = same(tensor(requires_grad=True))
        with pytest.raises(NotImplementedError, match=r"same.*vjp\(x=\.\.\.\).*not_differentiable"):
            z.backward()

    def test_the_kernels_own_error_is_kept_as_the_cause(self):
        with pytest.raises(ValueError, match="matmul") as caught:
            linear.matmul(np.ones((2, 3)), np.ones((2, 3)))
        assert isinstance(caught.value.__cause__, ValueError)


def test_integers_that_were_made_to_require_a_gradient_are_refused_by_the_walk():
    t = mg.Tensor([1, 2, 3])
    t.requires_grad = True
    with pytest.raises(TypeError, match=r"backward: a tensor of shape \(3,\) requires a gradient and is int64"):
        (t * 2.7).sum().backward()


def test_shapes_that_do_not_broadcast_name_the_axis():
    with pytest.raises(ValueError, match=r"add: x \(a\) is \(2, 3\) and y is \(4,\): axis −1 has .* 3 and 4"):
        mg.Tensor(np.ones((2, 3)), name="a") + np.ones(4)


def test_pytorchs_names_of_settings_are_translated():
    with pytest.raises(
        TypeError, match=r"sum\(x, \*, axis=None, keepdims=False\): .*'dim'. PyTorch's dim is axis here"
    ):
        mg.sum(np.ones((2, 3)), dim=0)


def picky(call, kind=TypeError):
    """The message of a call that is refused."""
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


class TestAnotherThing:
    """A class for an object of it, a word for a function, the data for batches of it: by name, and what to write."""

    X, Y = np.ones((4, 2)), np.ones((4, 1))

    def fit(self, **given):
        model = nn.Linear(2, 1)
        usual = {
            "loss": nn.MSELoss(),
            "optimizer": mg.optim.SGD(model.parameters(), lr=0.1),
            "train": [(self.X, self.Y)],
        }
        usual |= {"model": model, "epochs": 1, "progress": False, "lint": False}
        return mg.fit(**{**usual, **given})

    @together
    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"loss": "mse"}, r"fit: loss must be a function .*nn.MSELoss\(\); found 'mse'"),
            ({"loss": nn.MSELoss}, r"found the class MSELoss; make one of it: MSELoss\(...\)"),
            ({"optimizer": "sgd"}, "fit: optimizer must be an optimiser, .* found 'sgd'"),
            ({"optimizer": mg.optim.SGD}, r"found the class SGD; make one of it: SGD\(...\)"),
            ({"model": nn.Linear}, "fit: model must be a Module; found the class Linear"),
            ({"record": True}, "fit: record must be the name of a file; found True"),
            ({"checkpoint": 3}, "fit: checkpoint must be the name of a file; found an int"),
            ({"epochs": 2.5}, "fit: epochs must be a whole number of at least 0; found 2.5"),
            ({"epochs": "3"}, "fit: epochs must be a whole number"),
            ({"patience": 1.5}, "fit: patience must be a whole number"),
            ({"metrics": "accuracy"}, "fit: metrics must be functions .* found 'accuracy'"),
            ({"metrics": ["accuracy"]}, "fit: metrics must be functions .* found 'accuracy'"),
            ({"train": 3}, "fit: train must be batches, .* found an int"),
        ],
    )
    def test_fit_says_which_argument_and_what_it_must_be(self, given, says):
        assert re.search(says, picky(lambda: self.fit(**given)))

    @pytest.mark.parametrize("kind", [tuple, list])
    @pytest.mark.parametrize("wrap", [np.asarray, mg.Tensor])
    @pytest.mark.parametrize("name", ["train", "validation"])
    def test_a_pair_of_arrays_is_not_taken_as_two_batches(self, kind, wrap, name):
        pair = kind((wrap(self.X[:2]), wrap(self.Y[:2])))  # two rows: as batches they would have made sense
        message = picky(lambda: self.fit(**{name: pair}))
        assert message.startswith(f"fit: {name} must be batches")
        assert "Write [(x, y)] for one batch of all, or DataLoader(TensorDataset(x, y), batch_size=32)." in message
        assert len(self.fit(**{name: [tuple(pair)]})) == 1

    @pytest.mark.parametrize(
        "data",
        [
            mg.data.TensorDataset(X, Y),
            mg.data.Subset(mg.data.TensorDataset(X, Y), [0, 1]),
            np.ones((3, 2, 4, 1)),
            [np.ones((4, 2))],
        ],
    )
    def test_samples_are_not_taken_as_batches(self, data):
        assert "train must be" in picky(lambda: self.fit(train=data))

    @together
    @pytest.mark.parametrize(
        ("call", "says"),
        [
            (
                lambda: mg.summary(nn.Linear),
                r"summary: model must be a Module; found the class Linear; .* Linear\(...\)",
            ),
            (lambda: mg.summary(5), "summary: model must be a Module; found an int"),
            (lambda: mg.summary(np.sin), "summary: model must be a Module; found the function sin"),
            (lambda: mg.summary(mg.compile(abs)), "summary: model must be a Module"),
            (lambda: mg.draw(nn.Linear), "draw: needs .* a module, found the class Linear"),
            (lambda: mg.draw(5), "found an int"),
            (lambda: mg.draw_network(nn.Linear), "draw_network: needs a module, found the class Linear"),
            (lambda: mg.explain(5), "explain: tensor must be a Tensor, .* found an int"),
            (lambda: mg.grad(5), "grad: f must be a function; found an int"),
            (
                lambda: mg.grad(mg.Tensor(1.0)),
                r"autograd.grad\(outputs, inputs\) differentiates tensors; found a Tensor",
            ),
            (lambda: mg.jacobian("f"), "jacobian: f must be a function; found 'f'"),
            (lambda: mg.vjp(5, np.ones(2)), "vjp: f must be a function; found an int"),
            (lambda: mg.jvp(5, (np.ones(2),), (np.ones(2),)), "jvp: f must be a function; found an int"),
            (lambda: nn.Sequential(nn.Linear), "Sequential: holds modules, found the class Linear"),
            (lambda: nn.Module().add_module("a", nn.Tanh), "add_module: 'a' must be .* found the class Tanh"),
            (lambda: nn.Module().register_buffer("a", 3), "register_buffer: 'a' must be a Tensor, .* found an int"),
            (lambda: nn.Module().register_buffer("a", "b"), "register_buffer: 'a' must be a Tensor, .* found 'b'"),
        ],
    )
    def test_so_does_everything_that_takes_a_model_a_tensor_or_a_function(self, call, says):
        assert re.search(says, picky(call))

    def test_the_name_of_a_buffer_is_free(self):
        net = nn.Module()
        net.scale = 3.0
        assert "'scale' is the name of something else" in picky(lambda: net.register_buffer("scale", self.X), KeyError)
        net.register_buffer("mean", np.zeros(1))
        net.register_buffer("mean", np.ones(1))  # its own
        assert net.mean.tolist() == [1.0]

    def test_a_missing_directory_is_called_missing(self, tmp_path):
        for save in (
            lambda: mg.save(nn.Linear(1, 1), tmp_path / "no" / "x.npz"),
            lambda: mg.data.write_rows(tmp_path / "no" / "x.npy", [np.ones(3)]),
        ):
            message = picky(save, FileNotFoundError)
            assert "no directory" in message
            assert "partial" not in message

    @pytest.mark.parametrize("layer", [nn.LSTM(4, 5), nn.GRU(4, 5), nn.RNN(4, 5)])
    def test_a_layer_that_returns_a_state_too_does_not_go_into_a_sequential(self, layer):
        model = nn.Sequential(nn.Embedding(3, 4), layer, nn.Linear(5, 1))
        name = type(layer).__name__
        message = picky(lambda: model([[0, 1]]))
        assert f"Sequential: {name} returns (output, state), and Linear takes one tensor." in message
        assert f"x, _ = self.{name.lower()}(x)" in message

    def test_an_axis_that_is_not_there_is_not_taken_for_another(self):
        assert "(4, 4); it has no axis dim=5" in picky(lambda: nn.Unflatten(5, (2, 2))(tensor(4, 4)), ValueError)
        assert nn.Unflatten(-1, (2, 2))(tensor(4, 4)).shape == (4, 2, 2)


@pytest.mark.parametrize(("value", "found"), [(5.0, "a float"), ([[1.0, 2.0]], "a list"), (None, "None"), ("a", "'a'")])
def test_data_that_is_no_array_is_named_where_it_is_used(value, found):
    layer = nn.Linear(2, 1)
    optimizer = mg.optim.SGD(layer.parameters(), lr=0.1)
    layer(tensor(1, 2)).sum().backward()
    layer.weight.data = value
    for use in (lambda: layer(tensor(1, 2)), optimizer.step):
        message = picky(use)
        assert f"the data of weight must be an array, and was set to {found}; write into it, t.data[...]" in message


def test_an_index_of_another_kind_is_named():
    x = tensor(3)
    for index in ("a", 1.0, (0, "b"), [0.5]):
        with pytest.raises(IndexError, match=r"getitem: an index is made of integers, slices, None, \.\.\. and arrays"):
            x[index]
    assert x[[]].shape == (0,)


def test_a_question_ends_in_a_question_mark():
    assert picky(lambda: tensor(3, 2) @ tensor(3, 2), ValueError).endswith("Did you mean x.T @ y?")


def test_articles_and_plurals_are_english():
    for noun in ("int", "ndarray", "LSTM", "MSELoss", "Embedding", "object", "SGD", "RNN", "RMSNorm"):
        assert with_article(noun) == f"an {noun}"
    for noun in ("Tensor", "NoneType", "str", "GRU", "dict", "tuple", "Module"):
        assert with_article(noun) == f"a {noun}"
    assert [count_of(n, "node") for n in (0, 1, 2, 1200)] == ["0 nodes", "1 node", "2 nodes", "1,200 nodes"]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda y, x: y.backward(), "backward"),
        (lambda y, x: mg.explain(y), "explain"),
        (lambda y, x: mg.draw_steps(y), "draw_steps"),
        (mg.autograd.grad, "autograd.grad"),
    ],
)
def test_what_starts_from_a_scalar_is_called_by_its_name(call, name):
    x = tensor(3, requires_grad=True)
    with pytest.raises(
        RuntimeError, match=rf"^{name}: the tensor has shape \(3,\), and a gradient starts from a scalar; "
    ):
        call(x * 2, x)


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: nn.init.eye_(tensor(2)), ValueError, ["eye_", "is a matrix", "(2,)"]),
        (lambda: nn.init.sparse_(tensor(2), 0.5), ValueError, ["sparse_", "needs a matrix", "(2,)"]),
        (lambda: nn.LSTM(2, 3)(tensor(0, 1, 2)), ValueError, ["LSTM", "no steps", "(0, 1, 2)"]),
        (lambda: nn.GRU(2, 3)(tensor(4, 1, 2), tensor(1, 1, 5)), ValueError, ["GRU", "(1, 1, 5)", "(1, 1, 3)"]),
        (lambda: nn.utils.rnn.pack_padded_sequence(tensor(2), [2]), ValueError, ["pack_padded_sequence", "(2,)"]),
    ],
)
def test_layers_say_which_shape_they_need(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    assert [part for part in says if part not in str(caught.value)] == []

"""What PyTorch and NumPy call otherwise is answered with what to write here, and every such answer is right."""

import ast
import importlib
import inspect
import operator
import re
import traceback
import warnings
from functools import partial, reduce
from itertools import product

import numpy as np
import pytest
from together import together

import micrograd_np as mg
import micrograd_np.nn.functional as F  # noqa: N812  PyTorch's import line
from micrograd_np import data, nn, optim
from micrograd_np.core import spellings
from micrograd_np.numpy_api import torch_names


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch judges here: pip install 'micrograd_np[bench]'")


def named(hint):
    """What a hint names, in the package and in NumPy."""
    roots = {"mg": mg, "np": np, "nn": mg.nn, "t": mg.Tensor([[1.0]])}
    for root, path in re.findall(r"\b(mg|np|nn|t)((?:\.\w+)+)", hint):
        yield reduce(getattr, path[1:].split("."), roots[root])


@together
@pytest.mark.parametrize("name", spellings._METHODS)
def test_a_tensor_says_what_to_write_for_a_method_of_pytorchs(name):
    t = mg.Tensor([1.0])
    assert not hasattr(t, name)
    assert name not in dir(t)
    assert getattr(t, name, 3) == 3
    hint = spellings._METHODS[name]
    with pytest.raises(AttributeError, match=re.escape(f"Tensor has no '{name}'. Write {hint}.")):
        getattr(t, name)
    list(named(hint))


@together
@pytest.mark.parametrize("name", [*spellings._FUNCTIONS, *spellings._ARRAYS.split()])
def test_the_package_says_what_to_write_for_a_function(name):
    assert not hasattr(mg, name)
    with pytest.raises(AttributeError, match=f"micrograd_np has no '{name}'. Write ") as caught:
        getattr(mg, name)
    list(named(str(caught.value)))


PARTS = {
    "torch": mg, "Tensor": mg.Tensor([1.0]), "linalg": mg.linalg, "random": mg.random, "autograd": mg.autograd,
    "nn": nn, "nn.Module": nn.ReLU(), "nn.functional": F, "nn.utils": nn.utils, "nn.utils.rnn": nn.utils.rnn,
    "optim": optim, "optim.Optimizer": optim.SGD([nn.Parameter([1.0])]), "optim.lr_scheduler": optim.lr_scheduler,
    "utils.data": data,
}  # fmt: skip
ANSWER = r"\. (Write .*|There are no .* here|PyTorch's has no counterpart here; docs/pytorch-names\.md .*)\.$"


@pytest.mark.parametrize("part", spellings.pytorchs_names())
def test_every_name_that_pytorch_has_and_no_table_is_answered_with_a_sentence(part):
    for name in spellings.pytorchs_names()[part]:
        with pytest.raises(AttributeError, match=f"has no '{name}'{ANSWER}") as caught:
            getattr(PARTS[part], name)
        list(named(str(caught.value)))


def test_what_only_the_names_of_pytorch_have_is_written_in_them():
    with pytest.raises(AttributeError, match=r"^Tensor has no 'cummax'. Write mg.torch.cummax\(t, ...\).$"):
        mg.Tensor([1.0]).cummax  # noqa: B018
    t = mg.Tensor([3.0, 1.0, 4.0], requires_grad=True)
    mg.torch.cummax(t, 0).values.sum().backward()
    assert t.grad.tolist() == [2.0, 0.0, 1.0]
    u = mg.Tensor([0.5, 1.75])
    mg.torch.Tensor.frac_(u)
    assert u.tolist() == [0.5, 0.75]


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (lambda: mg.stft, "micrograd_np has no 'stft'. There are no complex numbers here."),
        (lambda: mg.nn.Linear(1, 1).ipu, "Linear has no 'ipu'. There are no other devices and processes here."),
        (lambda: nn.LazyInstanceNorm1d, "Write mg.nn.InstanceNorm1d, which takes its sizes at once."),
        (lambda: F.upsample, "micrograd_np.functional has no 'upsample'. Write mg.functional.interpolate(t, size)."),
        (lambda: F.elu_, "Write t = mg.functional.elu(t, ...)."),
        (lambda: mg.segment_reduce, "PyTorch's has no counterpart here; docs/pytorch-names.md says where the others"),
        (lambda: mg.Tensor([1.0]).resize, "The nearest name is size."),
    ],
)
def test_what_is_not_here_is_answered_with_the_reason_or_the_nearest(read, says):
    with pytest.raises(AttributeError, match=re.escape(says)):
        read()


@pytest.mark.parametrize("name", spellings._NUMPYS.split())
def test_numpys_functions_that_a_message_names_take_tensors(name):
    t = mg.Tensor([1.0, 0.0], requires_grad=True)
    arguments = {"isclose": (t, t), "bincount": (mg.tensor([0, 1]),)}.get(name, (t,))
    assert getattr(np, name)(*arguments) is not None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Linear", "Write mg.nn.Linear."),
        ("cross_entropy", "Write mg.functional.cross_entropy."),
        ("SGD", "Write mg.optim.SGD."),
        ("StepLR", "Write mg.optim.lr_scheduler.StepLR."),
        ("DataLoader", "Write mg.data.DataLoader."),
        ("view", r"Write t\.reshape\(\.\.\.\)\."),
        ("add_", r"Write t \+= other\."),
        ("conatenate", "Did you mean concatenate?"),
        ("xyzzy", r"dir\(micrograd_np\) lists"),
    ],
)
def test_it_knows_where_things_are(name, says):
    with pytest.raises(AttributeError, match=says):
        getattr(mg, name)


@together
@pytest.mark.parametrize(
    ("module", "name", "says"),
    [
        (nn, "DataParallel", "Write the module itself: there is one device; leave it out"),
        (nn, "relu", "Write mg.relu"),
        (nn, "Linaer", r"Did you mean Linear\?"),
        (nn, "clip_grad_norm_", "Write mg.optim.clip_grad_norm_"),
        (F, "Linear", "Write mg.nn.Linear"),
        (optim, "swa_utils", "Write mg.optim.ExponentialMovingAverage"),
        (optim, "StepLR", "Write mg.optim.lr_scheduler.StepLR"),
        (data, "Adam", "Write mg.optim.Adam"),
        (optim.lr_scheduler, "SGD", "Write mg.optim.SGD"),
        (nn.init, "xavier_uniform", "Write mg.nn.init.xavier_uniform_"),
        (mg.random, "get_rng_state", r"Write mg.random.get_state\(\)"),
        (mg.autograd, "Function", "Write @primitive of micrograd_np.core.primitive"),
        (mg.autograd, "no_grad", "Write mg.no_grad"),
        (mg.linalg, "eig", r"Write np.linalg.eig\(t.numpy\(\)\)"),
        (mg.linalg, "xyzzy", r"dir\(micrograd_np.linalg\) lists what it has"),
    ],
)
def test_a_part_says_what_to_write_for_a_name_that_it_does_not_have(module, name, says):
    assert not hasattr(module, name)
    with pytest.raises(AttributeError, match=f"{module.__name__} has no '{name}'. {says}"):
        getattr(module, name)


@pytest.mark.parametrize("read", [lambda: mg.randn, lambda: nn.relu, lambda: mg.Tensor([1.0]).dim, lambda: F.Linear])
def test_python_adds_no_other_suggestion(read):
    try:
        read()
    except AttributeError as error:
        shown = "".join(traceback.format_exception(error))
    assert "Write " in shown
    assert "Did you mean" not in shown


def test_a_type_checker_knows_the_methods_of_one_meaning():
    body = ast.parse(inspect.getsource(mg.Tensor)).body[0].body
    (block,) = [node for node in body if isinstance(node, ast.If)]
    declared = {target.id for assignment in block.body for target in assignment.targets}
    assert declared == {*torch_names.METHODS.split()}


@together
@pytest.mark.parametrize("name", spellings._OF_MODULES)
def test_a_module_says_what_to_write_for_a_method_of_pytorchs(name):
    layer = nn.Linear(1, 1)
    with pytest.raises(
        AttributeError, match=re.escape(f"Linear has no '{name}'. Write {spellings._OF_MODULES[name]}.")
    ):
        getattr(layer, name)
    setattr(layer, name, 3)
    assert getattr(layer, name) == 3


@together
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("from micrograd_np.utils.data import DataLoader", "micrograd_np has no 'utils'. Write mg.data for utils.data"),
        ("import micrograd_np.cuda", "micrograd_np has no 'cuda'. Write nothing: there is one device; leave it out."),
        ("from micrograd_np import randn", "micrograd_np has no 'randn'. Write mg.random.randn(2, 3)."),
        ("from micrograd_np import nn, Linear", "micrograd_np has no 'Linear'. Write mg.nn.Linear."),
        ("from micrograd_np.nn import Linaer", "micrograd_np.nn has no 'Linaer'. Did you mean Linear?"),
        ("from micrograd_np.optim import StepLR", "Write mg.optim.lr_scheduler.StepLR."),
        ("import micrograd_np.xyzzy", "micrograd_np has no 'xyzzy'. dir(micrograd_np) lists what it has."),
        (
            "from micrograd_np.nn.functional import elu_",
            "micrograd_np.functional has no 'elu_'. Write t = mg.functional",
        ),
        ("from micrograd_np.nn.utils import clip_grad_norm", "Write mg.nn.utils.clip_grad_norm_."),
        ("import micrograd_np.nn.utils.prune", "Write weight * mask, in a forward of your own"),
        ("from micrograd_np.nn.utils.parametrizations import weight_norm", "in a forward of your own"),
        ("import micrograd_np.nn.utils.fusion", "PyTorch's has no counterpart here"),
        ("from micrograd_np.linalg import eig", "micrograd_np.linalg has no 'eig'. Write np.linalg.eig(t.numpy())"),
        ("import micrograd_np._xyzzy", "No module named 'micrograd_np._xyzzy'"),
        ("import micrograd_np.zeros", "No module named 'micrograd_np.zeros'"),
    ],
)
def test_an_import_line_says_what_to_import(line, says):
    with pytest.raises(ModuleNotFoundError, match=re.escape(says)):
        exec(line, {})


def test_pytorchs_import_lines_work():
    assert F is mg.functional
    assert importlib.import_module("micrograd_np.nn.utils").clip_grad_norm_ is optim.clip_grad_norm_
    assert importlib.import_module("micrograd_np.optim.lr_scheduler").StepLR


@pytest.mark.parametrize("name", ["cat", *torch_names.METHODS.split()])
def test_a_name_of_one_meaning_is_a_function_and_a_method(name, torch):
    assert hasattr(torch, name) or hasattr(torch.Tensor, name)
    function = getattr(mg, name)
    assert name == "cat" or getattr(mg.Tensor, name).__doc__.startswith(getattr(function, "kernel", function).__doc__)
    assert name in mg.__all__


X = np.arange(6.0).reshape(2, 3)


def test_methods_of_pytorchs_names_do_what_they_do_there(torch):
    ours, theirs = mg.Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    for f in (
        lambda t: t.unsqueeze(1),
        lambda t: t.clamp(0.5, 4.5),
        lambda t: t.clamp(min=2.5),
        lambda t: t.permute(1, 0),
        lambda t: t.permute((1, 0)),
        lambda t: t.expand(4, 2, 3),
        lambda t: t.masked_fill(t > 2, -1.0),
        lambda t: t.chunk(2, 1)[1],
        lambda t: t.mT,
        lambda t: t.T,
    ):
        a, b = f(ours), f(theirs)
        np.testing.assert_array_equal(a.data, b.detach().numpy())
        (ga,), (gb,) = mg.autograd.grad((a * a).sum(), [ours]), torch.autograd.grad((b * b).sum(), [theirs])
        np.testing.assert_array_equal(ga.data, gb.numpy())
    assert ours.numel() == theirs.numel() == mg.numel(ours) == 6
    assert ours.copy() is not ours


def test_a_method_of_one_meaning_is_compiled_as_its_function_is():
    x = mg.Tensor(X, requires_grad=True)
    step = mg.compile(lambda x: x.sin().softmax(-1).multiply(2.0).sum())
    np.testing.assert_array_equal(step(x).data, (mg.softmax(mg.sin(x)) * 2.0).sum().data)


def test_what_a_name_of_one_meaning_cannot_do_is_said():
    t = mg.Tensor(X)
    with pytest.raises(TypeError, match=r"expand_dims|unsqueeze: does not take dim=.* PyTorch's dim is axis here"):
        t.unsqueeze(dim=1)
    with pytest.raises(TypeError, match=r"permute: does not take dims=; its arguments are x, \*axes"):
        t.permute(dims=(1, 0))
    with pytest.raises(
        ValueError, match=r"expand: x is \(2, 3\); the shape \(-1, 2, 3\) keeps the length of a new axis"
    ):
        t.expand(-1, 2, 3)
    with pytest.raises(ValueError, match=r"expand: x is \(2, 3\); the shape \(3,\) has fewer than 2 axes"):
        t.expand(3)
    with pytest.raises(ValueError, match=r"^mT: x is \(1,\); it must have at least 2 axes"):
        mg.Tensor([1.0]).mT  # noqa: B018


REDUCING = [
    (owner, name)
    for owner in (mg, mg.Tensor, mg.linalg)
    for name in dir(owner)
    if name[0] != "_"
    and callable(f := inspect.getattr_static(owner, name) if owner is mg.Tensor else getattr(owner, name))
    and not inspect.isclass(f)
    and {"axis", "keepdims", "ddof"} & set(inspect.signature(f).parameters)
]


@together
@pytest.mark.parametrize(("owner", "name"), REDUCING, ids=lambda x: getattr(x, "__name__", x))
def test_pytorchs_keywords_are_answered_with_ours_everywhere(owner, name):
    f = getattr(owner, name)
    x = mg.Tensor(X)
    for ours, theirs in (("axis", "dim"), ("axis", "dims"), ("keepdims", "keepdim"), ("ddof", "unbiased")):
        if ours in inspect.signature(f).parameters:
            with pytest.raises(TypeError, match=rf"PyTorch's {theirs} is {ours} here\."):
                f(x, **{theirs: 1})


@together
@pytest.mark.parametrize(
    "make",
    [
        lambda **x: nn.Linear(2, 3, **x),
        lambda **x: nn.BatchNorm2d(3, **x),
        lambda **x: nn.LSTM(2, 3, batch_first=True, **x),
        lambda **x: mg.zeros(2, 3, **x),
        lambda **x: mg.tensor([1.0], **x),
        lambda **x: mg.arange(3, **x),
        lambda **x: mg.random.randn(2, **x),
        lambda **x: mg.random.permutation(2, **x),
        lambda **x: mg.random.normal(size=2, **x),
        mg.random.Generator,
        lambda **x: mg.Tensor([1.0], **x),
        lambda **x: mg.exp(mg.Tensor([1.0]), **x),
        lambda **x: data.DataLoader([1, 2], **x),
        nn.ReLU,
    ],
)
def test_the_one_device_may_be_named(make):
    for device in (None, False, "cpu"):
        make(device=device)
    with pytest.raises(ValueError, match=r": device='cuda': there is one device; leave it out\."):
        make(device="cuda")


@together
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda **x: data.DataLoader([1, 2], batch_size=2, **x), "pin_memory"),
        (lambda **x: data.DataLoader([1, 2], **x), "persistent_workers"),
        (lambda **x: optim.SGD([nn.Parameter(X)], lr=0.1, **x), "foreach"),
        (lambda **x: optim.Adam([nn.Parameter(X)], **x), "fused"),
        (lambda **x: F.relu(X, **x), "inplace"),
        (lambda **x: F.leaky_relu(X, 0.1, **x), "inplace"),
        (lambda **x: F.relu6(X, **x), "inplace"),
        (lambda **x: F.selu(X, **x), "inplace"),
        (lambda **x: F.hardsigmoid(X, **x), "inplace"),
        (lambda **x: F.celu(X, **x), "inplace"),
        (lambda **x: F.hardtanh(X, **x), "inplace"),
        (lambda **x: F.elu(X, 1.0, **x), "inplace"),
        (lambda **x: F.mish(X, **x), "inplace"),
        (lambda **x: F.silu(X, **x), "inplace"),
        (lambda **x: F.hardswish(X, **x), "inplace"),
        (lambda **x: F.dropout(X, **x), "inplace"),
        (lambda **x: F.dropout2d(X[None, None], **x), "inplace"),
        (lambda **x: F.threshold(X, 0.0, 1.0, **x), "inplace"),
        (lambda **x: nn.utils.clip_grad_norm_([nn.Parameter(X)], 1.0, **x), "foreach"),
        (lambda **x: nn.utils.clip_grad_value_([nn.Parameter(X)], 1.0, **x), "foreach"),
        (lambda **x: optim.Adam([nn.Parameter(X)], **x), "capturable"),
        (lambda **x: optim.Adam([nn.Parameter(X)], **x), "differentiable"),
        (lambda **x: mg.Tensor(X).clone(**x), "memory_format"),
        (lambda **x: mg.Tensor(X).copy_(X, **x), "non_blocking"),
        (lambda **x: nn.Linear(1, 1).to("cpu", **x), "non_blocking"),
        (lambda **x: mg.zeros_like(mg.Tensor(X), **x), "memory_format"),
        (lambda **x: mg.empty(2, **x), "pin_memory"),
        (lambda **x: data.DataLoader([1, 2], **x), "pin_memory_device"),
        (lambda **x: nn.Embedding(3, 2, **x), "sparse"),
        (lambda **x: F.embedding(mg.tensor([0]), X, **x), "sparse"),
        (lambda **x: F.interpolate(X[None, None], scale_factor=2, **x), "antialias"),
        (lambda **x: mg.compile(mg.exp, fullgraph=True, **x), "dynamic"),
        (lambda **x: data.DataLoader([1, 2], in_order=True, **x), "timeout"),
    ],
)
def test_an_argument_that_chooses_nothing_here_takes_what_asks_for_nothing(make, name):
    make(**{name: False})
    with pytest.raises(ValueError, match=f": {name}=True: .*; (leave it out|use the result)\\."):
        make(**{name: True})
    with pytest.raises(TypeError, match="qwerty"):
        make(**{name: False, "qwerty": 1})


def test_a_file_is_loaded_wherever_it_is_said_to_go(tmp_path):
    path = mg.save({"a": 1}, tmp_path / "a.npz")
    for weights_only in (True, False):
        assert mg.load(path, map_location="cpu", weights_only=weights_only) == {"a": 1}
    with pytest.raises(ValueError, match="load: map_location='cuda': there is one device; leave it out"):
        mg.load(path, map_location="cuda")


def test_a_file_is_saved_without_a_pickle_whatever_the_protocol_and_says_so(tmp_path):
    mg.save({"a": 1}, tmp_path / "a.npz", pickle_protocol=None)
    for name in ("pickle_protocol", "pickle_module"):
        with pytest.raises(ValueError, match=rf"save: {name}=2: nothing is pickled; leave it out\."):
            mg.save({"a": 1}, tmp_path / "a.npz", **{name: 2})
    assert len([*data.DataLoader([1, 2], timeout=0)]) == 2


LOSSES = [
    loss
    for loss in (*vars(F).values(), *vars(nn).values())
    if callable(loss) and getattr(loss, "__name__", "_")[0] != "_" and "reduction" in inspect.signature(loss).parameters
]


@together
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_says_what_reduction_to_write_for_pytorchs_older_arguments(loss):
    for older, write in (("size_average", 'Of False, write reduction="sum"'), ("reduce", 'is reduction="none" here')):
        with pytest.raises(TypeError, match=rf"PyTorch's {older} is reduction here\..* {write}"):
            loss(**{older: False})


def test_the_parts_under_another_name_say_it():
    with pytest.raises(AttributeError, match=r"^micrograd_np.nn.utils has no 'clip_grad_nrm'. Did you mean"):
        nn.utils.clip_grad_nrm  # noqa: B018


def test_initial_values_are_written_into_the_array_of_a_parameter_too():
    layer = nn.Linear(3, 2)
    nn.init.constant_(layer.weight.data, 0.5)
    nn.init.xavier_uniform_(layer.weight.data[:1])
    assert (layer.weight.data[1] == 0.5).all()
    assert (layer.weight.data[0] != 0.5).any()


def test_a_keyword_of_several_names_is_answered_with_ours():
    x = mg.Tensor(X)
    for call, says in (
        (lambda: x.permute(dims=(1, 0)), "PyTorch's dims is axes here"),
        (lambda: mg.tril(x, diagonal=1), "PyTorch's diagonal is k here"),
        (lambda: x.triu(diagonal=1), "PyTorch's diagonal is k here"),
        (lambda: x.roll(shifts=1), "PyTorch's shifts is shift here"),
        (lambda: mg.tile(x, dims=(2, 2)), "PyTorch's dims is reps here"),
        (lambda: mg.full(size=(2,), fill_value=1), "PyTorch's size is shape here"),
        (lambda: x.softmax(dim=1), "PyTorch's dim is axis here"),
        (lambda: x.norm(p=2), "PyTorch's p is ord here"),
        (lambda: x.add(x, alpha=2), r"Write x \+ alpha \* y"),
        (lambda: mg.divide(x, x, rounding_mode="floor"), r"Write x // y, or mg.trunc\(x / y\)"),
        (lambda: x.repeat(2, 1, 1), r"write mg.tile\(t, \(2, 3, 4\)\)"),
        (lambda: mg.random.randn(size=(2, 3)), r"its arguments are \*size, dtype, requires_grad, generator\.$"),
        (lambda: x.topk(1, dim=1), "PyTorch's dim is axis here"),
        (
            lambda: F.relu(x, True),
            r"relu\(x\): too many positional arguments\. If inplace was meant: .*use the result",
        ),
        (lambda: F.leaky_relu(x, 0.1, True), r"leaky_relu\(.*\): too many positional arguments\. If inplace was meant"),
        (lambda: nn.MSELoss(size_average=True), "PyTorch's size_average is reduction here"),
        (lambda: mg.sort(x, descending=True), r"Write mg.flip\(mg.sort\(t, axis\), axis\)"),
        (lambda: F.softmax(x, dim=1, dtype=mg.float32), r"Write t.astype\(dtype\)"),
        (lambda: mg.max(x, x), r"(?s)max: .*Of two tensors, write mg.maximum\(x, y\)\."),
        (lambda: x.min(x), r"(?s)min: .*Of two tensors, write mg.minimum\(x, y\)\."),
        (
            lambda: x.max(dim=1),
            r"dim is axis here\. The values only are returned; the positions are t.argmax\(axis\)\.",
        ),
        (
            lambda: mg.min(x, dim=1),
            r"dim is axis here\. The values only are returned; the positions are t.argmin\(axis\)",
        ),
        (
            lambda: mg.sort(x, dim=1),
            r"dim is axis here\. The values only are returned; the positions are t.argsort\(axis\)",
        ),
        (lambda: F.softmax(x, 1, 3), r"softmax\(input, dim=-1\): too many positional arguments"),
        (lambda: data.DataLoader([1], prefetch_factor=2), "PyTorch's prefetch_factor is prefetch here"),
        (lambda: mg.set_grad_enabled(mode=False), "PyTorch's mode is enabled here"),
    ):
        with pytest.raises(TypeError, match=says):
            call()


IN_PLACE = [
    name
    for name in nn.__all__
    if inspect.isclass(getattr(nn, name)) and "inplace" in inspect.signature(getattr(nn, name)).parameters
]
NEEDED = {"Threshold": {"threshold": 0.1, "value": 20.0}}


@together
@pytest.mark.parametrize("name", IN_PLACE)
def test_a_layer_with_inplace_returns_a_new_tensor_and_says_so(name):
    shape = (1, 3, *[2] * int(name[-2])) if name.endswith("d") and name[-2].isdigit() else (2, 3)
    values = np.linspace(-4.0, 4.0, np.prod(shape)).reshape(shape)
    layer = getattr(nn, name)(inplace=True, **NEEDED.get(name, {}))
    x, w = mg.Tensor(values.copy()), mg.Tensor(values.copy(), requires_grad=True)
    for t in (x, w, w * 1):  # a leaf that requires a gradient, too
        z = layer(t)
        assert z is not t
        assert not np.shares_memory(z.data, t.data)
        np.testing.assert_array_equal(t.data, values)
    z.sum().backward()
    assert "`inplace` is PyTorch's: here the result is in a new tensor" in getattr(nn, name).__doc__


def test_the_layers_with_inplace_are_pytorchs(torch):
    theirs = {
        name for name in vars(torch.nn)
        if inspect.isclass(x := getattr(torch.nn, name)) and "inplace" in inspect.signature(x).parameters
    }  # fmt: skip
    assert theirs == {*IN_PLACE}


def test_every_function_with_inplace_takes_false_and_says_what_to_use_instead_of_true(torch):
    theirs = [
        name for name, f in vars(torch.nn.functional).items()
        if name[0] != "_" and inspect.isfunction(f) and "inplace" in inspect.signature(f).parameters
    ]  # fmt: skip
    assert len(theirs) >= 18
    for name in theirs:
        shape = (1, 3, *[2] * int(name[-2])) if name.endswith("d") and name[-2].isdigit() else (1, 2, 3)
        call = partial(getattr(F, name), np.ones(shape), **NEEDED.get(name.title(), {}))
        assert call(inplace=False).shape == shape
        with pytest.raises(ValueError, match=f"^{name}: inplace=True: a new tensor is returned; use the result."):
            call(inplace=True)
        accepted = inspect.signature(getattr(torch.nn.functional, name)).parameters.items()
        settings = [p.default for key, p in accepted if key not in ("input", "inplace", *call.keywords)]
        with pytest.raises((TypeError, ValueError), match="a new tensor is returned; use the result"):
            getattr(F, name)(np.ones(shape), *call.keywords.values(), *settings, True)


def test_a_module_moves_to_the_one_device():
    net = nn.Linear(2, 3)
    assert net.to("cpu") is net.to(device="cpu") is net.to(None) is net
    assert net.to("cpu", mg.float32).weight.dtype == mg.float32
    assert net.to(dtype="float64").weight.dtype == mg.float64
    with pytest.raises(TypeError, match="to: 'cuda' is no dtype, and there is one device; leave it out"):
        net.to("cuda")


def test_a_tensor_moves_to_the_one_device():
    t = mg.Tensor(X, requires_grad=True)
    assert t.to("cpu") is t.to(device="cpu") is t.to(None) is t.to("cpu", non_blocking=False) is t.cpu() is t
    assert t.to("cpu", mg.float32).dtype == t.to(mg.float32).dtype == t.to(dtype="float32").dtype == np.float32
    assert t.to("float64") is t
    t.to(mg.float32).sum().backward()
    assert t.grad.dtype == np.float64
    with pytest.raises(TypeError, match="to: 'cuda:0' is no dtype, and there is one device; leave it out"):
        t.to("cuda:0")


def test_topk_names_what_it_returns():
    found = mg.Tensor(X).topk(2)
    assert found.values is found[0]
    assert found.indices is found[1]
    step = mg.compile(lambda x: mg.topk(x, 1).indices)
    assert step(mg.Tensor(X)).shape == (2, 1)


def test_the_hint_for_multinomial_draws_different_ones_with_these_probabilities():
    with pytest.raises(AttributeError) as caught:
        mg.multinomial  # noqa: B018
    write = re.search("Write (.+), which draws", str(caught.value))[1]
    mg.manual_seed(0)
    p = mg.Tensor([[0.5, 0.3, 0.2, 0.0]] * 20000)
    drawn = eval(write, {"mg": mg, "p": p, "n": 2}).numpy()  # a share of 0 makes no warning
    first = np.bincount(drawn[:, 0], minlength=4) / len(drawn)
    np.testing.assert_allclose(first, [0.5, 0.3, 0.2, 0.0], atol=0.015)
    pairs = (np.sort(drawn) == [0, 1]).all(1).mean()
    assert abs(pairs - (0.5 * 0.3 / 0.5 + 0.3 * 0.5 / 0.7)) < 0.015
    assert eval(write, {"mg": mg, "p": p[0], "n": 3}).shape == (3,)


def test_transpose_of_two_axes_of_a_matrix_warns_once_per_line():
    t = mg.Tensor(X)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            assert t.transpose(0, 1).shape == (2, 3)
        t.transpose(0, 1)
        t.transpose(1, 0), t.transpose(-1, -2), t.transpose((0, 1)), t.permute(0, 1)
        mg.Tensor(X[None]).transpose(0, 1, 2)
    assert [str(w.message)[:15] for w in caught] == ["transpose(0, 1)"] * 2
    assert {w.filename for w in caught} == {__file__}
    with pytest.raises(ValueError, match=r"axes must name all 3 axes; to exchange two of them, write swapaxes\(1, 2\)"):
        mg.Tensor(X[None]).transpose(1, 2)
    with pytest.raises(TypeError, match="To exchange two axes, write swapaxes"):
        mg.transpose(t, 0, 1)


@pytest.mark.parametrize("reduced", [lambda t: t.max(1), lambda t: t.min(1), mg.sort, lambda t: mg.median(t, 1)])
def test_values_and_positions_are_not_unpacked_from_values(reduced):
    t = mg.Tensor(np.arange(9.0).reshape(3, 3))
    with pytest.raises(ValueError, match=r"return the values only, as in NumPy. The positions are t.argmax\(axis\)"):
        _values, _positions = reduced(t)
    first, second = reduced(t[:2])  # two rows: NumPy's meaning
    assert first.shape == second.shape == reduced(t[0:1])[0].shape


@pytest.mark.parametrize("axes", [pair for pair in product(range(-2, 2), repeat=2) if (pair[0] - pair[1]) % 2])
def test_any_two_axes_of_a_matrix_are_exchanged_or_warn(torch, axes):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        same = mg.Tensor(X).transpose(*axes).shape == tuple(torch.tensor(X).transpose(*axes).shape)
    assert [str(w.message).startswith(f"transpose{axes} leaves a matrix") for w in caught] == [True] * (not same)


UNPACKED = """
_, p = t.max(1)
_, p = t.min(-1)
v, p = mg.max(t, 1)
v, p = mg.max(net(t, [1, 2]) * 2, 1)
v, p = mg.sort(t, 1)
v, p = mg.sort(t)
v, p = mg.median(t, 1)
v, p = t.detach().max(1 - 2)
_, p = mg.max(t.data, 1)
_, p = mg.min(t.detach().data, 1)
_, p = mg.sort(t.data, 1)
_, p = mg.median(t.data, 1)
"""
MEANT = """
low, high = t.max(axis=1)
low, high = mg.sort(t, axis=0)
low, high = np.max(t, 1)
low, high = np.sort(t)
low, high = mg.max(t.data, axis=1)
low, high = t
low, high = t * 2
low, high = t[0].max(), t.max(1)
low, high = net(t.max(1), [t.max(0)])
low, high = max([t, t], key=len)
v = t.max(1); low, high = v
(low, high), _ = mg.topk(t, 1)
for low, high in [t.max(1)]: pass
"""


@together
@pytest.mark.parametrize("line", UNPACKED.strip().splitlines())
@pytest.mark.parametrize("inside", [False, True])
def test_two_rows_unpacked_as_values_and_positions_warn_at_the_line(line, inside):
    code = f"def run(t):\n    {line}\nrun(t)" if inside else line
    with pytest.warns(UserWarning, match=r"returns the values only, as in NumPy.* name the axis") as caught:
        exec(compile(code, "line.py", "exec"), {"mg": mg, "t": mg.Tensor(X), "net": lambda x, _: x})
    assert [w.filename for w in caught] == ["line.py"]


@together
@pytest.mark.parametrize("line", MEANT.strip().splitlines())
@pytest.mark.parametrize("inside", [False, True])
def test_two_rows_that_can_be_meant_do_not_warn(line, inside):
    code = f"def run(t):\n    {line}\nrun(t)" if inside else line
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(code, {"mg": mg, "np": np, "t": mg.Tensor(X), "net": lambda x, _: x})


def test_tensors_are_unpacked_as_before():
    a, b = mg.Tensor(X)
    assert (a.tolist(), b.tolist()) == (X[0].tolist(), X[1].tolist())
    a, b, c = mg.Tensor(X.T, requires_grad=True)
    assert c.tolist() == [2.0, 5.0]
    for (p, q), r in zip(mg.Tensor(X.T), [*mg.Tensor(X.T)], strict=True):
        assert r.tolist() == [p.item(), q.item()]


def test_size_is_a_number_and_says_so_when_called():
    t = mg.Tensor(X)
    assert t.size == 6
    for call in (lambda: t.size(0), lambda: t.size() + 1, lambda: t.size(dim=1)):
        with pytest.raises(TypeError, match=r"size is a number here.* t.shape\[0\] for t.size\(0\)"):
            call()
    assert [getattr(t, "size"), np.size(t), operator.attrgetter("size")(t)] == [6, 6, 6]  # noqa: B009
    assert abs(t.size) == len(range(t.size)) == 6


def test_a_shape_is_no_data():
    for call in (lambda: mg.Tensor(2, 3), lambda: mg.Tensor(2.0, 3), lambda: mg.Tensor([1.0], "float32")):
        with pytest.raises(TypeError, match=r"Tensor: requires_grad is .*; of a shape, write mg.empty\(2, 3\)"):
            call()
    assert mg.Tensor([1.0], np.bool_(True)).requires_grad
    assert (mg.Tensor(5).shape, mg.Tensor(5).item()) == ((), 5)  # which can be meant


@pytest.mark.parametrize(
    ("function", "first"),
    [(mg.Tensor.std, "ddof=1"), (mg.Tensor.var, "ddof=1"), (mg.std, "ddof=1"), (mg.var, "ddof=1"),
     (mg.median, "PyTorch"), (mg.Tensor.repeat, "tile"), (mg.repeat, "tile"), (mg.split, "PyTorch"),
     (mg.Tensor.transpose, "as in NumPy"), (mg.Tensor, "made of data, never of a shape")],
)  # fmt: skip
def test_where_pytorchs_meaning_differs_the_docstring_says_it_first(function, first):
    assert first in function.__doc__.splitlines()[0]


def test_attributes_that_are_there_are_found_as_before():
    t = mg.Tensor([1.0, 2.0])
    assert t.sum().item() == 3.0
    assert {"sum", "reshape", "data", "grad"} <= set(dir(t))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        t.nothing_like_it  # noqa: B018

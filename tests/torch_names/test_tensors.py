"""PyTorch's tensors here: what they mean, what ops return them, and that the package's tools work on them."""

import ast
import builtins
import copy
import io
import pickle

import numpy as np
import pytest

import micrograd_np as mg
import micrograd_np.torch.nn.functional
from micrograd_np import torch
from micrograd_np.torch import dtypes, nn, table

KINDS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
PROMOTED = """
    bool uint8 int8 int16 int32 int64 float16 float32 float64
    uint8 uint8 int16 int16 int32 int64 float16 float32 float64
    int8 int16 int8 int16 int32 int64 float16 float32 float64
    int16 int16 int16 int16 int32 int64 float16 float32 float64
    int32 int32 int32 int32 int32 int64 float16 float32 float64
    int64 int64 int64 int64 int64 int64 float16 float32 float64
    float16 float16 float16 float16 float16 float16 float16 float32 float64
    float32 float32 float32 float32 float32 float32 float32 float32 float64
    float64 float64 float64 float64 float64 float64 float64 float64 float64
"""  # torch.promote_types(row, column) of PyTorch 2.13


def test_dtypes_promote_as_in_pytorch():
    table_of_pytorch = [row.split() for row in PROMOTED.strip().splitlines()]
    found = [[dtypes.promote(a, b).name for b in KINDS] for a in KINDS]
    assert found == table_of_pytorch


def test_numbers_and_0d_tensors_count_where_they_are_of_a_higher_kind():
    whole, half = torch.tensor([1, 2]), torch.tensor([0.5], dtype=torch.float16)
    double = torch.tensor(2.0, dtype=torch.float64)
    assert (whole + 1).dtype == torch.int64
    assert (whole + 1.5).dtype == torch.float32
    assert (half * double).dtype == torch.float16
    assert (whole * double).dtype == torch.float64
    assert (whole / 2).dtype == torch.float32
    assert (torch.tensor([True]) + 1).dtype == torch.int64
    assert torch.sin(whole).dtype == torch.float32
    assert whole.sum().dtype == torch.int64
    assert torch.tensor([True, True]).sum().item() == 2


def test_an_op_with_one_such_tensor_anywhere_among_its_inputs_returns_one():
    ours, theirs = mg.Tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    for z in (
        ours * theirs, theirs * ours, mg.add(ours, theirs), mg.where([True, False], ours, theirs),
        mg.stack([ours, theirs]),
        mg.concatenate([ours, theirs]), mg.matmul(ours, theirs), mg.nn.Linear(2, 1)(theirs), mg.softmax(theirs),
        mg.functional.mse_loss(ours, theirs), np.add(ours, theirs), np.exp(theirs),
    ):  # fmt: skip
        assert type(z) is torch.Tensor, z
    assert type(ours * ours) is mg.Tensor


def test_data_and_grad_are_tensors_and_p_data_can_be_written_to():
    p = nn.Parameter(torch.ones(2))
    (p * 3).sum().backward()
    assert type(p.data) is torch.Tensor
    assert type(p.grad) is torch.Tensor
    p.data.add_(p.grad.data, alpha=-0.5)
    assert p.tolist() == [-0.5, -0.5]
    p.data = torch.zeros(2)
    assert p.tolist() == [0.0, 0.0]
    assert p.requires_grad
    assert type(p.detach()) is type(p.clone()) is torch.Tensor


def test_names_of_two_meanings_mean_pytorchs_outside_the_package():
    x = torch.arange(6.0).view(2, 3)
    assert x.size() == (2, 3)
    assert x.size(1) == 3
    assert x.transpose(0, 1).shape == (3, 2)
    assert x.repeat(2, 1).shape == (4, 3)
    assert [part.shape for part in x.split(2, dim=1)] == [(2, 2), (2, 1)]
    values, indices = pickle.loads(pickle.dumps(x.max(1)))
    assert values.tolist() == [2.0, 5.0]
    assert indices.tolist() == [2, 2]
    assert x.std().item() == pytest.approx(np.std(np.arange(6), ddof=1))
    assert x.squeeze(0).shape == (2, 3)
    assert x.sum(dim=1, keepdim=True).shape == x.sum(axis=1, keepdims=True).shape == (2, 1)


def test_in_place_names_write_and_say_what_does_not_fit():
    x = torch.ones(3)
    assert x.add_(1).mul_(2).clamp_(max=3.0) is x
    assert x.tolist() == [3.0, 3.0, 3.0]
    with pytest.raises(RuntimeError, match=r"does not fit into torch\.int64"):
        torch.ones(2, dtype=torch.int64).mul_(0.5)
    assert x.unsqueeze_(0) is x
    assert x.shape == (1, 3)
    assert x.t_().shape == (3, 1)
    with pytest.raises(RuntimeError, match=r"a tensor in a graph keeps its shape.*t = t\.unsqueeze"):
        torch.ones(2, requires_grad=True).unsqueeze_(0)
    assert torch.sqrt_(x) is torch.nn.functional.threshold_(x, 0, 0) is x
    np.testing.assert_allclose(x.numpy(), np.sqrt([[3.0]] * 3), rtol=1e-6)


def test_functions_in_place_write_into_their_argument():
    F = torch.nn.functional
    for call in (
        lambda x: F.relu(x, inplace=True),
        lambda x: F.dropout(x, 1.0, True, True),
        lambda x: F.alpha_dropout(x, 1.0, training=True, inplace=True),
        lambda x: F.dropout1d(x[None, None], 1.0, True, True),
    ):
        x = torch.tensor([1.0, -2.0])
        call(x)
        assert x[1] == 0
    x = torch.tensor([1.0, -2.0])
    assert (F.dropout(x, 1.0, True, False) == 0).all()
    assert x.tolist() == [1.0, -2.0]


def test_random_draws_follow_the_seed_or_a_generator():
    torch.manual_seed(3)
    first = torch.randn(4)
    torch.manual_seed(3)
    assert torch.equal(first, torch.randn(4))
    g = torch.Generator().manual_seed(1)
    assert torch.equal(torch.rand(2, generator=g), torch.rand(2, generator=torch.Generator().manual_seed(1)))
    assert torch.randint(0, 5, (10,)).max() < 5
    assert sorted(torch.randperm(4).tolist()) == [0, 1, 2, 3]


def test_there_is_one_device():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert str(device) == "cpu"
    assert torch.ones(2, device=device).to(device).device == torch.device("cpu")
    assert nn.Linear(2, 2).to(device).weight.device.type == "cpu"
    with pytest.raises(RuntimeError, match="there is one device"):
        torch.ones(2).cuda()
    with pytest.raises(RuntimeError, match="there is one device"):
        nn.Linear(2, 2, device="cuda")


def test_layers_are_the_packages_with_pytorchs_parameters_in_float32():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.TransformerEncoderLayer(4, 2, 8))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {type(p) for p in model.parameters()} == {nn.Parameter}
    assert isinstance(model[0], nn.Linear)
    assert isinstance(model[0], mg.nn.Linear)
    assert isinstance(model[3].linear1, nn.Linear)
    assert not isinstance(model[2], nn.Linear)
    assert type(model[1].running_mean) is nn.Buffer
    assert mg.nn.Linear(2, 2).weight.dtype == np.float64
    assert repr(model[0]) == "Linear(in_features=3, out_features=4, bias=True)"
    state = model.state_dict()
    assert type(state["0.weight"]) is torch.Tensor
    assert nn.Linear(2, 2, dtype=torch.float64).weight.dtype == torch.float64


def test_what_is_saved_comes_back_as_tensors_and_a_pickle_is_refused(tmp_path):
    model = nn.Linear(3, 2)
    torch.save({"model": model.state_dict(), "epoch": 2}, tmp_path / "run.pt")
    content = torch.load(tmp_path / "run.pt", map_location="cpu", weights_only=True)
    assert content["epoch"] == 2
    other = nn.Linear(3, 2)
    other.load_state_dict(content["model"])
    assert torch.equal(other.weight, model.weight)
    buffer = io.BytesIO()
    torch.save(torch.ones(2), buffer)
    buffer.seek(0)
    assert torch.load(buffer).tolist() == [1.0, 1.0]
    import zipfile

    with zipfile.ZipFile(tmp_path / "theirs.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(ValueError, match="safetensors"):
        torch.load(tmp_path / "theirs.pt")


def test_compile_draw_and_check_work_on_them():
    model, loss_fn = nn.Linear(3, 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_fn(model(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
        return loss

    x, y = torch.randn(8, 3), torch.randn(8)
    start = copy.deepcopy(model.state_dict())
    eager = [step(x, y).item() for _ in range(3)]
    model.load_state_dict(start)
    compiled = mg.compile(step)
    results = [compiled(x, y) for _ in range(3)]
    assert [z.item() for z in results] == eager
    assert {type(z) for z in results} == {torch.Tensor}
    assert "weight" in mg.draw(loss_fn(model(x).squeeze(1), y)).source
    w = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: torch.sin(t).sum(), (w,))


def test_copies_and_pickles_keep_the_class():
    p = nn.Parameter(torch.ones(2))
    for z in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert type(z) is nn.Parameter
        assert torch.equal(z, p)
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    assert type(pickle.loads(pickle.dumps(model))[0]) is type(model[0])


def test_views_are_written_through():
    x = torch.zeros(2, 3)
    x.view(-1)[0] = 1.0
    x[1].fill_(2.0)
    x.t()[2, 0] = 5
    assert x.tolist() == [[1.0, 0.0, 5.0], [2.0, 2.0, 2.0]]
    y = torch.ones(3, requires_grad=True)
    z = y * 2
    z[0] = 0.0
    z.sum().backward()
    assert y.grad.tolist() == [0.0, 2.0, 2.0]


def test_tensors_print_as_in_pytorch():
    assert repr(torch.tensor([1.0, 2.5])) == "tensor([1.0000, 2.5000])"
    assert repr(torch.tensor([1, 2])) == "tensor([1, 2])"
    assert repr(torch.ones(2, requires_grad=True)) == "tensor([1., 1.], requires_grad=True)"
    assert repr(torch.ones(1, dtype=torch.float64)) == "tensor([1.], dtype=torch.float64)"
    assert repr(torch.tensor([1e-6, 1.0])) == "tensor([1.0000e-06, 1.0000e+00])"
    assert repr(torch.tensor(3)) == "tensor(3)"
    assert f"{torch.tensor(1.23456):.2f}" == "1.23"


def test_packed_sequences_go_through_recurrent_layers():
    rnn = nn.utils.rnn
    padded = rnn.pad_sequence([torch.ones(3, 2), torch.ones(1, 2)], batch_first=True)
    packed = rnn.pack_padded_sequence(padded, [3, 1], batch_first=True)
    outputs, _ = nn.GRU(2, 4, batch_first=True)(packed)
    unpacked, lengths = rnn.pad_packed_sequence(outputs, batch_first=True)
    assert unpacked.shape == (2, 3, 4)
    assert type(unpacked) is torch.Tensor
    assert lengths.tolist() == [3, 1]


def test_what_is_overwritten_at_strides_gets_no_gradient():
    x, source = torch.ones(3, requires_grad=True), torch.tensor([5.0, 6.0], requires_grad=True)
    z = torch.as_strided_scatter(x, source, (2,), (1,), 0)
    z.sum().backward()
    assert z.tolist() == [5.0, 6.0, 1.0]
    assert x.grad.tolist() == [0.0, 0.0, 1.0]  # PyTorch 2.13 says 1, 1, 0


def test_ldexp_reaches_what_two_to_the_exponent_does_not():
    x, n = mg.torch.tensor([1e-300, 1e300, 3.0], dtype=mg.torch.float64), mg.torch.tensor([1100, -1100, -2])
    np.testing.assert_array_equal(mg.torch.ldexp(x, n), np.ldexp(x.numpy(), n.numpy()))


def test_every_name_in_the_table_exists():
    namespace = {**table.namespace(), **vars(builtins)}
    for section, sources in table._sources(table.TABLE).items():
        for name, source in sources.items():
            tree = ast.parse(source, mode="eval")
            bound = {x.arg for x in ast.walk(tree) if isinstance(x, ast.arg)}
            bound |= {x.id for x in ast.walk(tree) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)}
            read = {x.id for x in ast.walk(tree) if isinstance(x, ast.Name)} - bound
            assert read <= set(namespace), f"{section}: {name}"


def test_a_wrong_argument_is_named_with_the_function():
    with pytest.raises(TypeError, match="addcmul: "):
        torch.addcmul(torch.ones(1), torch.ones(1))
    with pytest.raises(AttributeError, match=r"torch.nn.functional.handle_torch_function is not in micrograd_np.torch"):
        torch.nn.functional.handle_torch_function  # noqa: B018


def test_transforms_give_tensors():
    x = torch.tensor([1.0, 2.0])
    assert torch.func.grad(lambda t: (t**2).sum())(x).tolist() == [2.0, 4.0]
    assert torch.func.jacrev(lambda t: t**2)(x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    batched = torch.vmap(lambda a, b: (a * b).sum(), in_dims=(0, None))(torch.ones(3, 2), x)
    assert batched.tolist() == [3.0, 3.0, 3.0]
    _, pull = torch.func.vjp(lambda t: t * 3, x)
    assert pull(torch.ones(2))[0].tolist() == [3.0, 3.0]
    _, product = torch.autograd.functional.vjp(lambda t: (t**3).sum(), x)
    assert product.tolist() == [3.0, 12.0]


@pytest.mark.parametrize("kind", ["ReLU", "ReLU6", "SiLU", "LeakyReLU", "ELU", "Hardtanh", "Dropout"])
def test_a_layer_that_works_in_place_writes_into_its_input(kind):
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    layer = getattr(nn, kind)(inplace=True).eval()
    inside = x * 1
    z = layer(inside)
    assert z is inside
    np.testing.assert_array_equal(z.detach().numpy(), getattr(nn, kind)().eval()(x).detach().numpy())
    z.sum().backward()
    assert x.grad is not None
    with pytest.raises(RuntimeError, match=r"leaf|in place"):
        nn.ReLU(inplace=True)(x)


def test_layers_that_pad_do_so():
    assert nn.ZeroPad2d(1)(torch.ones(1, 1, 1)).shape == (1, 3, 3)
    assert nn.ReflectionPad1d(2)(torch.arange(4.0).view(1, 1, 4)).shape == (1, 1, 8)

    class Mine(mg.nn.ZeroPad1d):
        pass

    assert Mine(1)(mg.ones((1, 1, 2))).shape == (1, 1, 4)


def test_numbers_of_numpy_are_numbers():
    x = torch.tensor([1, 2])
    assert (x * np.float32(0.5)).dtype == torch.float32
    assert (x * np.float64(0.5)).dtype == torch.float32
    assert (torch.ones(2) * np.float64(0.5)).dtype == torch.float32
    assert (x + np.int8(1)).dtype == torch.int64
    assert torch.where(x > 1, x.float(), torch.finfo(torch.float32).min).dtype == torch.float32
    assert type(torch.finfo(torch.float16).max) is float


def test_tensors_of_a_type_are_made_known_and_cast_to():
    x = torch.FloatTensor([1, 2])
    assert isinstance(x, torch.FloatTensor)
    assert not isinstance(x, torch.LongTensor)
    assert x.type(torch.LongTensor).dtype == torch.int64
    assert x.type("torch.DoubleTensor").type() == "torch.DoubleTensor"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: torch.ones(2, 3) @ torch.ones(2, 3),
        lambda: torch.ones(2, 3) + torch.ones(2, 4),
        lambda: torch.ones(2, 3) > torch.ones(2, 4),
        lambda: torch.ones(2, 3).view(5),
        lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 2)]),
        lambda: torch.ones(2).item(),
        lambda: bool(torch.ones(2)),
        lambda: torch.ones(2, requires_grad=True).numpy(),
        lambda: nn.Linear(2, 3)(torch.ones(2, 4)),
        lambda: nn.Linear(2, 3).load_state_dict({}),
    ],
)
def test_wrong_shapes_and_values_are_runtime_errors_as_in_pytorch(wrong):
    with pytest.raises(RuntimeError) as error:
        wrong()
    assert isinstance(error.value, (TypeError, ValueError))  # and what they are here
    assert len(str(error.value)) > 20


def test_a_mask_is_made_in_the_default_dtype():
    mask = torch.nn.Transformer.generate_square_subsequent_mask(2, device="cpu")
    assert repr(mask) == "tensor([[0., -inf],\n        [0., 0.]])"


def test_a_loader_without_a_batch_size_gives_the_samples():
    samples = [{"x": np.ones(2, np.float32), "y": i} for i in range(3)]
    batches = list(torch.utils.data.DataLoader(samples, batch_size=None))
    assert [batch["y"] for batch in batches] == [0, 1, 2]
    assert batches[0]["x"].shape == (2,)
    assert list(torch.utils.data.DataLoader([1, 2], None, collate_fn=lambda x: x + 1)) == [2, 3]


def test_a_schedule_takes_a_step_size_that_is_a_float():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1.0, gamma=0.5)
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [0.5]
    with pytest.raises(TypeError, match="step_size must be a whole number"):
        torch.optim.lr_scheduler.StepLR(optimizer, 1.5)


def test_a_schedule_of_ones_own_says_the_rates_of_all_groups():
    class Halving(torch.optim.lr_scheduler._LRScheduler):
        def get_lr(self):
            return [group["lr"] / 2 if self.last_epoch else group["lr"] for group in self.optimizer.param_groups]

    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in (1.0, 3.0)]
    schedule = Halving(torch.optim.SGD(groups), -1, False)
    assert schedule.get_last_lr() == [1.0, 3.0]
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 1.5]
    kinds = torch.optim.lr_scheduler
    assert isinstance(schedule, kinds.LRScheduler)
    assert isinstance(kinds.ExponentialLR(schedule.optimizer, 0.9), kinds.LRScheduler)
    assert not isinstance(kinds.ExponentialLR(schedule.optimizer, 0.9), Halving)
    with pytest.raises(NotImplementedError, match="write get_lr"):
        kinds.LRScheduler(schedule.optimizer)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"model": x, "epoch": 1}, lambda x: [1, (x,)]])
def test_a_module_as_a_whole_is_not_saved_as_something_else(wrap, tmp_path):
    layer = nn.Linear(1, 1)
    for x in (layer, torch.optim.SGD(layer.parameters(), lr=1.0)):
        with pytest.raises(TypeError, match=r"torch\.save: a (Linear|SGD) is code as well .* state_dict\(\)"):
            torch.save(wrap(x), tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())


PLACES = {
    "argmax": lambda x: x.argmax(-1),
    "values": lambda x: x.max(1)[0],
    "places": lambda x: x.min(0, keepdim=True).indices,
    "sort": lambda x: x.sort(1, descending=True),
    "topk": lambda x: x.topk(2).indices,
    "argsort": lambda x: x.argsort(0),
    "accuracy": lambda x: (x.argmax(1) == torch.tensor([1, 0])).float().mean(),
    "any": lambda x: (x > 2).any(1),
    "all": lambda x: torch.all(x > 0),
}


@pytest.mark.parametrize("name", PLACES)
def test_where_the_largest_stands_is_compiled_too(name):
    x, y = torch.tensor([[1.0, 3.0, 2.0], [5.0, 4.0, 5.0]]), torch.tensor([[9.0, 1.0, 2.0], [0.0, 4.0, 6.0]])
    step = mg.compile(PLACES[name])
    step(x)
    found, expected = ([*z] if isinstance(z, tuple) else [z] for z in (step(y), PLACES[name](y)))
    for a, b in zip(found, expected, strict=True):
        assert type(a) is torch.Tensor
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_modules_of_pytorch_can_be_imported_by_their_longer_names():
    from micrograd_np.torch.utils.data.dataloader import DataLoader, default_collate
    from micrograd_np.torch.utils.data.dataset import Dataset
    from micrograd_np.torch.utils.data.sampler import Sampler

    for x in (DataLoader, default_collate, Dataset, Sampler):
        assert getattr(torch.utils.data, x.__name__) is x

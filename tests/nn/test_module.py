"""Modules: what is found, under which names, in which order; state dicts; what is refused."""

import copy
import pickle

import numpy as np
import pytest
from together import together
from trainable import LAYERS

import micrograd_np as mg
from micrograd_np import nn


class Net(nn.Module):
    def __init__(self):
        self.parts = [nn.Linear(2, 3), {"deep": (nn.Linear(3, 3), nn.Parameter([1.0, 2.0]))}]
        self.scale = nn.Parameter(np.ones(3))
        self.steps = nn.Buffer(np.array(0))
        self.scratch = nn.Buffer(np.zeros(2), persistent=False)
        self.plain = mg.Tensor([1.0], requires_grad=True)

    def forward(self, x):
        return self.parts[0](x) * self.scale


NAMES = [
    "parts.1.deep.1", "scale", "parts.0.weight", "parts.0.bias", "parts.1.deep.0.weight", "parts.1.deep.0.bias",
]  # fmt: skip


def test_parameters_are_found_in_lists_tuples_and_dicts_own_ones_first():
    assert [name for name, _ in Net().named_parameters()] == NAMES
    assert [name for name, _ in Net().named_parameters(recurse=False)] == NAMES[:2]


def test_a_plain_tensor_is_not_a_parameter():
    assert not any("plain" in name for name in Net().state_dict())


def test_a_parameter_made_of_a_tensor_shares_its_values_and_is_a_leaf():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    for t in (mg.Tensor([1.0, 2.0]), x, x * 2):
        p = nn.Parameter(t)
        assert p.is_leaf
        assert np.shares_memory(p.data, t.data)
        (p * 3).sum().backward()
        assert p.grad.tolist() == [3.0, 3.0]
    assert x.grad is None


def test_buffers_are_found_and_saved_only_if_persistent():
    net = Net()
    assert [name for name, _ in net.named_buffers()] == ["steps", "scratch"]
    assert "steps" in net.state_dict()
    assert "scratch" not in net.state_dict()


def test_parameters_learn_the_longest_name():
    net = nn.Sequential(nn.Linear(1, 1))
    inner = net[0]
    list(inner.named_parameters())
    assert inner.weight.name == "weight"
    list(net.named_parameters())
    assert inner.weight.name == "0.weight"


def test_a_shared_module_has_one_set_of_parameters_and_two_names():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.Tanh(), layer)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    both = ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [name for name, _ in net.named_parameters(remove_duplicate=False)] == both
    assert list(net.state_dict()) == both


def test_a_module_that_holds_itself_is_walked_once():
    net = nn.Sequential(nn.Linear(1, 1))
    net[0].parent = net
    net.things = [net]
    net.things.append(net.things)
    assert [name for name, _ in net.named_modules()] == ["", "0"]
    assert list(net.state_dict()) == ["0.weight", "0.bias"]


def test_ten_thousand_modules_deep():
    top = inner = nn.Module()
    for _ in range(10_000):
        inner.m = nn.Module()
        inner = inner.m
    inner.p = nn.Parameter([1.0])
    assert len(list(top.parameters())) == 1
    assert not top.eval().get_submodule("m.m").training


def test_apply_visits_a_shared_child_before_all_its_parents():
    shared = nn.Linear(1, 1)
    first, second = nn.Sequential(shared), nn.Sequential(shared)
    seen = []
    net = nn.Sequential(first, second).apply(seen.append)
    assert seen == [shared, first, second, net]


def test_apply_visits_children_before_parents_in_order():
    net = nn.Sequential(nn.Sequential(nn.Linear(1, 1), nn.Tanh()), nn.ReLU())
    seen = []
    net.apply(seen.append)
    assert seen == [net[0][0], net[0][1], net[0], net[1], net]


def test_train_and_eval_reach_all():
    net = Net()
    assert all(not m.training for m in net.eval().modules())
    assert all(m.training for m in net.train().modules())


def test_state_dict_holds_copies_and_keep_vars_the_parameters():
    net = Net()
    state = net.state_dict()
    state["scale"][:] = 7
    assert net.scale.data.max() == 1
    assert net.state_dict(keep_vars=True)["scale"] is net.scale
    assert list(net.state_dict(prefix="net."))[1] == "net.scale"


def test_loading_lists_all_that_is_wrong_and_changes_nothing():
    net = Net()
    before = net.state_dict()
    state = {**before, "scale": np.zeros(4), "more": np.zeros(1), "parts.0.bias": np.zeros(3)}
    del state["parts.0.weight"]
    with pytest.raises(
        ValueError, match=r"scale is \(3,\) here and \(4,\) there.*missing: parts.0.weight.*unexpected: more"
    ):
        net.load_state_dict(state)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_loading_leniently_returns_what_did_not_match():
    net = Net()
    state = net.state_dict()
    state["more"] = state.pop("scale")
    found = net.load_state_dict(state, strict=False)
    assert found.missing_keys == ["scale"]
    assert found.unexpected_keys == ["more"]
    with pytest.raises(ValueError, match="wrong shape"):
        net.load_state_dict({"scale": np.zeros(4)}, strict=False)


def test_loading_keeps_the_dtype_here_unless_assigned():
    layer = nn.Linear(2, 2)
    state = {name: value.astype("float32") for name, value in layer.state_dict().items()}
    layer.load_state_dict(state)
    assert layer.weight.dtype == np.float64
    layer.load_state_dict(state, assign=True)
    assert layer.weight.dtype == np.float32


def test_loading_counts_as_a_write():
    layer = nn.Linear(2, 2)
    loss = (layer(mg.Tensor(np.ones((1, 2)), requires_grad=True)) ** 2).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_parts_are_found_by_their_paths():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("parts.1.deep.0") is net.parts[1]["deep"][0]
    assert net.get_parameter("parts.0.bias") is net.parts[0].bias
    assert net.get_buffer("steps") is net.steps
    with pytest.raises(AttributeError, match=r"no parameter 'part.0.bias'\. Did you mean 'parts.0.bias'"):
        net.get_parameter("part.0.bias")


def test_registering_is_setting():
    net = nn.Module()
    net.register_buffer("b", np.zeros(2), persistent=False)
    net.register_buffer("none", None)
    net.register_parameter("p", nn.Parameter([1.0]))
    net.add_module("m", nn.Linear(1, 1))
    assert [n for n, _ in net.named_parameters()] == ["p", "m.weight", "m.bias"]
    assert isinstance(net.b, nn.Buffer)
    assert net.none is None
    for name in ("", "a.b", "forward"):
        with pytest.raises(KeyError):
            net.register_buffer(name, np.zeros(1))
    with pytest.raises(TypeError, match="must be a Module or None"):
        net.add_module("x", 3)
    with pytest.raises(TypeError, match="wrap it"):
        net.register_parameter("x", mg.Tensor([1.0]))


def test_to_changes_floating_ones_only():
    net = Net()
    (net(mg.Tensor(np.ones((1, 2))))).sum().backward()
    net.float()
    assert net.scale.dtype == net.scale.grad.dtype == np.float32
    assert net.steps.dtype.kind == "i"
    assert net.double().scale.dtype == np.float64
    with pytest.raises(TypeError, match="floating"):
        net.to("int32")


def test_freezing_and_forgetting():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].requires_grad_(False)
    net(mg.Tensor(np.ones((1, 2)))).sum().backward()
    assert net[0].weight.grad is None
    assert net[1].weight.grad is not None
    net.zero_grad(set_to_none=False)
    assert not net[1].weight.grad.data.any()
    net.zero_grad()
    assert net[1].weight.grad is None


def test_modules_copy_and_pickle_with_their_sharing():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.BatchNorm1d(2), layer)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other[0] is other[2]
        assert other[0].weight is not layer.weight
        assert isinstance(other[1].running_mean, nn.Buffer)
        x = mg.Tensor(np.ones((3, 2)))
        np.testing.assert_array_equal(other.eval()(x).data, copy.deepcopy(net).eval()(x).data)


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="write a method forward"):
        nn.Module()(1)


def test_repr_nests():
    class Outer(nn.Module):
        def __init__(self):
            self.act = nn.ReLU()
            self.seq = nn.Sequential(nn.Linear(1, 2))

        def extra_repr(self):
            return "size=3"

    assert repr(Outer()) == (
        "Outer(\n  size=3\n  (act): ReLU()\n  (seq): Sequential(\n"
        "    (0): Linear(in_features=1, out_features=2, bias=True)\n  )\n)"
    )


def test_a_parameter_is_not_replaced_by_an_array_unnoticed():
    layer = nn.Linear(2, 3)
    with pytest.raises(TypeError, match="weight is a parameter, and would no longer be one as an ndarray"):
        layer.weight = np.zeros((3, 2))
    layer.weight, layer.bias = nn.Parameter(np.zeros((3, 2))), None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_the_first_call_of_a_network_names_its_parameters():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    with pytest.raises(ValueError, match=r"weight \(0\.weight\) is \(3, 2\)"):
        net(np.ones((5, 4)))
    assert "2.weight" in mg.draw(net(np.ones((5, 2)))).source


class Running(nn.Module):
    """A running mean written as people write it: a new tensor takes the place of the old one."""

    def __init__(self, persistent=True):
        super().__init__()
        self.register_buffer("mean", mg.Tensor(np.zeros(2)), persistent)

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
        return x - self.mean


def test_a_buffer_stays_one_when_a_computed_tensor_takes_its_place():
    model = Running()
    mine = model.mean = mg.Tensor(np.zeros(2))
    model.register_buffer("same", mine)
    model(mg.Tensor(np.ones((3, 2))))
    assert model.same is mine
    assert [name for name, _ in model.named_buffers()] == list(model.state_dict()) == ["mean", "same"]
    np.testing.assert_allclose(model.state_dict()["mean"], 0.1)
    assert model.float().mean.dtype == np.float32
    assert not list(model.parameters())
    other = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    other.mean = mg.Tensor(np.ones(2))
    np.testing.assert_array_equal(other.state_dict()["mean"], 1)
    model.load_state_dict(other.state_dict())
    np.testing.assert_array_equal(model.mean.data, 1)


def test_a_buffer_in_anothers_place_keeps_the_graph_and_float_leaves_it_to_its_other_holders():
    model, w = Running(), mg.Tensor(np.ones((1, 2)), requires_grad=True)
    kept = (model(w), model.mean)[1]
    model.float()
    assert kept.dtype == np.float64
    model.mean.sum().backward()
    np.testing.assert_allclose(w.grad.data, 0.1)


def test_whether_a_buffer_is_saved_stays_with_its_name():
    model = Running(persistent=False)
    model(mg.Tensor(np.ones((3, 2))))
    assert not model.state_dict()
    assert [name for name, _ in model.named_buffers()] == ["mean"]
    model.mean = nn.Buffer(np.zeros(2))
    assert list(model.state_dict()) == ["mean"]


@pytest.mark.parametrize("value", [mg.Tensor([1.0], requires_grad=True), np.ones(1), 1.0, nn.Buffer([1.0]), nn.ReLU()])
def test_only_a_parameter_or_none_takes_the_place_of_a_parameter(value):
    layer = nn.Linear(2, 1)
    with pytest.raises(TypeError, match="Linear: bias is a parameter"):
        layer.bias = value
    layer.bias = None
    with pytest.raises(TypeError, match="bias is a parameter"):
        layer.bias = value
    assert list(layer.state_dict()) == ["weight"]
    layer.bias = nn.Parameter([2.0])
    assert list(layer.state_dict()) == ["weight", "bias"]
    del layer.bias
    layer.bias = value  # the name is free again


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(2, 1, bias=False), nn.Bilinear(1, 1, 1, bias=False), nn.Conv1d(1, 1, 1, bias=False),
        nn.BatchNorm1d(2, affine=False), nn.LayerNorm(2, bias=False), nn.GroupNorm(1, 2, affine=False),
        nn.GRUCell(2, 2, bias=False), nn.InstanceNorm1d(2),
    ],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_a_layer_without_bias_takes_no_tensor_for_one(layer):
    name = "bias_ih" if isinstance(layer, nn.GRUCell) else "bias"
    with pytest.raises(TypeError, match="is a parameter"):
        setattr(layer, name, mg.Tensor(np.ones(2), requires_grad=True))


def test_a_buffer_and_a_module_refuse_what_is_neither():
    model = nn.BatchNorm1d(2)
    with pytest.raises(TypeError, match="running_mean is a buffer, and would no longer be one as an ndarray"):
        model.running_mean = np.zeros(2)
    model.running_mean = None
    model.running_mean = mg.Tensor(np.ones(2))
    assert "running_mean" in model.state_dict()
    model.part = nn.ReLU()
    for value in (mg.Tensor([1.0]), [nn.ReLU()], nn.Buffer([1.0]), "relu"):
        with pytest.raises(TypeError, match="part is a module"):
            model.part = value
    model.part = None
    model.part = nn.Tanh()
    assert [name for name, _ in model.named_children()] == ["part"]


def test_a_parameter_or_a_module_may_take_another_place_and_comes_last():
    model = nn.Module()
    model.a, model.b, model.c = nn.Buffer([0.0]), nn.Parameter([1.0]), nn.ReLU()
    model.a, model.c = nn.Parameter([2.0]), nn.Parameter([3.0])
    assert [name for name, _ in model.named_parameters()] == ["b", "a", "c"]
    assert not list(model.buffers())
    assert not list(model.children())
    with pytest.raises(KeyError, match="'b' is a parameter already"):
        model.register_buffer("b", np.zeros(1))


def test_a_function_of_parameters_sees_them_where_the_module_looks_for_its_own():
    class Penalised(nn.Linear):
        def forward(self, input):
            return super().forward(input).sum() + sum((p * p).sum() for p in self.parameters())

    model = Penalised(1, 1)
    state = {"weight": mg.Tensor([[2.0]]), "bias": mg.Tensor([0.0])}
    assert mg.functional_call(model, state, mg.Tensor([[1.0]])).item() == 6
    assert isinstance(model.weight, nn.Parameter)


def test_summary_puts_back_a_buffer_that_the_pass_has_set_anew():
    model = Running()
    before = model.mean
    mg.summary(model, np.ones((3, 2)))
    assert model.mean is before


def test_an_old_state_dict_need_not_count_batches():
    model = nn.Sequential(nn.BatchNorm1d(2))
    model(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    state = model.state_dict()
    del state["0.num_batches_tracked"]
    assert model.load_state_dict(state).missing_keys == []
    assert model[0].num_batches_tracked.item() == 1


SIZES = {
    "Linear": (2, 3), "Bilinear": (2, 3, 4), "Conv1d": (2, 4, 2), "Conv2d": (2, 4, 2), "ConvTranspose1d": (2, 4, 2),
    "ConvTranspose2d": (2, 4, 2), "LayerNorm": (4,), "RMSNorm": (4,), "GroupNorm": (2, 4), "BatchNorm1d": (4,),
    "BatchNorm2d": (4,), "InstanceNorm1d": (4,), "Embedding": (5, 3), "PReLU": (3,),
    "MultiheadAttention": (4, 2), "LSTM": (2, 3), "GRU": (2, 3), "RNN": (2, 3), "TransformerEncoderLayer": (4, 2, 8),
}  # fmt: skip


@together
@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("odd", [1.5, "2", None, (1.5,), {}, -1, np.float64(2)], ids=repr)
def test_a_size_that_is_none_is_refused_under_the_name_of_the_layer(name, odd):
    for i in range(len(SIZES[name])):
        with pytest.raises((TypeError, ValueError), match=rf"^{name}: [a-z_0-9]+ (must|is a probability|\()"):
            getattr(nn, name)(*SIZES[name][:i], odd, *SIZES[name][i + 1 :])


@pytest.mark.parametrize("name", ["Linear", "Conv1d", "ConvTranspose2d", "BatchNorm1d", "Embedding"])
def test_a_layer_may_have_no_features(name):
    assert not next(iter(getattr(nn, name)(0, *SIZES[name][1:]).parameters())).size


@pytest.mark.parametrize("name", ["GroupNorm", "MultiheadAttention"])
def test_no_groups_are_refused(name):
    with pytest.raises(ValueError, match=rf"^{name}: [a-z_]+ must be a whole number of at least 1; found 0"):
        getattr(nn, name)(0, *SIZES[name][1:])


def test_a_probability_is_a_number():
    with pytest.raises(TypeError, match=r"^Dropout: p must be a number in \[0, 1\]; found 'a'"):
        nn.Dropout("a")


def test_sizes_may_be_numbers_of_numpy():
    assert nn.Linear(np.int64(2), np.array(3)).weight.shape == (3, 2)


@together
@pytest.mark.parametrize("name", LAYERS)
def test_parameters_and_buffers_of_a_layer_have_the_default_dtype(name):
    mg.set_default_dtype("float32")
    try:
        layer = LAYERS[name][0]()
    finally:
        mg.set_default_dtype("float64")
    assert {x.dtype for x in (*layer.parameters(), *layer.buffers()) if x.dtype.kind == "f"} <= {np.dtype("float32")}


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, lambda n: nn.InstanceNorm1d(n, track_running_stats=True)])
def test_reset_running_stats_forgets_all_batches(kind):
    norm = kind(3)
    fresh = {name: value.data.copy() for name, value in norm.named_buffers()}
    norm(np.random.default_rng(0).normal(2.0, 3.0, (4, 3, 5)))
    assert any((value.data != fresh[name]).any() for name, value in norm.named_buffers())
    norm.reset_running_stats()
    assert all((value.data == fresh[name]).all() for name, value in norm.named_buffers())


@pytest.mark.parametrize("layer", [nn.Embedding, nn.EmbeddingBag])
def test_a_pretrained_table_is_copied(layer):
    table = mg.Tensor(np.ones((3, 2)))
    made = layer.from_pretrained(table, freeze=False)
    with mg.no_grad():
        made.weight += 1
    np.testing.assert_array_equal(table.data, 1)

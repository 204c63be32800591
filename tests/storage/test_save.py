"""What is saved comes back, and what is no checkpoint is refused with everything left as it was."""

import json
import os
import subprocess
import sys
import zipfile
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from trainable import BATCH, LAYERS, MATRICES_ONLY, OPTIMIZERS

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.optim import lr_scheduler
from micrograd_np.storage import CheckpointError, load, save

ROOT = Path(mg.__file__).parents[1]
FORMATS = [".npz", ".safetensors"]


@pytest.fixture(params=FORMATS)
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"run{request.param}"


def trained(seed=0, steps=3):
    mg.random.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.1, amsgrad=True)
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for _ in range(steps):
        optimizer.zero_grad()
        model(mg.Tensor(mg.random.generator().standard_normal((5, 3)))).sum().backward()
        optimizer.step()
        schedule.step()
    return {"model": model, "optimizer": optimizer, "schedule": schedule, "random": mg.random.generator()}


def state_of(run):
    return [run["model"].state_dict(), run["optimizer"].state_dict(), run["schedule"].state_dict()]


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and (a == b or (isnan(a) and isnan(b)))


def test_a_tree_comes_back_as_it_was(path):
    tree = {
        "arrays": [np.arange(6.0).reshape(2, 3).T, np.zeros((0, 3), "f4"), np.array(7, "i2"), np.array([True, False])],
        "numbers": (1, 2.5, -0.1, float("inf"), float("nan"), True, None, 2**90),
        "text": "Grüße, «é»",
        "empty": {},
        3: {"a": {"b": np.ones(2)}, "a.b": np.zeros(2)},
        "half": np.array([1.5], "f2"),
    }
    assert same(load(save(tree, path)), tree)


def test_a_tensor_comes_back_as_a_tensor(path):
    found = load(save({"t": mg.Tensor([1.0, 2.0])}, path))["t"]
    assert isinstance(found, mg.Tensor)
    assert found.tolist() == [1.0, 2.0]


def test_views_are_saved_as_what_they_show(path):
    whole = np.arange(24.0).reshape(4, 6)
    views = {"T": whole.T, "part": whole[::2, 1::2], "back": whole[::-1], "wide": np.broadcast_to(whole[0], (3, 6))}
    assert same(load(save(views, path)), {k: np.array(v, order="C") for k, v in views.items()})


def test_everything_a_run_consists_of_is_restored(path):
    run = trained()
    save(run, path)
    wanted, drawn = state_of(run), run["random"].random(3)
    other = trained(seed=1, steps=1)
    other["random"] = np.random.default_rng(5)
    load(path, into=other)
    assert same(state_of(other), wanted)
    assert other["random"].random(3).tolist() == drawn.tolist()


def test_a_generator_of_another_kind_is_restored_too(path):
    rng = np.random.Generator(np.random.MT19937(3))
    save(rng, path)
    wanted = rng.random(3).tolist()
    other = np.random.Generator(np.random.MT19937(4))
    load(path, into=other)
    assert other.random(3).tolist() == wanted


def test_the_arrays_of_a_state_dict_have_their_own_names(tmp_path):
    model = nn.Linear(2, 3)
    with np.load(save(model, tmp_path / "w.npz")) as found:
        assert set(found.files) >= {"weight", "bias"}
        np.testing.assert_array_equal(found["weight"], model.weight.data)


def test_the_same_content_gives_the_same_file(tmp_path):
    run = trained()
    a, b = (save(run, tmp_path / name).read_bytes() for name in ("a.npz", "b.npz"))
    assert a == b


@pytest.mark.parametrize("size", [0, 1, 8, 9, 100, 0.3, 0.7, -1])
def test_a_file_cut_short_is_refused_and_the_model_left_alone(path, size):
    run = trained()
    save(run, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(size * len(content)) if isinstance(size, float) else size])
    other = trained(seed=1)
    before = state_of(other)
    with pytest.raises(CheckpointError, match=str(path)):
        load(path, into=other)
    assert same(state_of(other), before)


def test_a_flipped_bit_in_an_npz_is_found(tmp_path):
    path = save({"x": np.zeros(1000)}, tmp_path / "x.npz")
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"hello, this is text", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"empty|neither \.npz nor \.safetensors"):
        load(path)


def test_a_pickle_by_pytorch_is_told_apart(tmp_path):
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", b"")
    with pytest.raises(CheckpointError, match=r"safetensors\.torch\.save_file"):
        load(path)


def test_an_npz_with_pickled_objects_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(CheckpointError, match="Object arrays cannot be loaded"):
        load(path)


def test_an_npz_by_numpy_gives_its_arrays(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, weight=np.ones((1, 2)), bias=np.zeros(1))
    model = nn.Linear(2, 1)
    load(path, into=model)
    assert model.weight.data.tolist() == [[1, 1]]


def test_a_checkpoint_of_another_model_changes_nothing_at_all(path):
    run = trained()
    save(run, path)
    other = {**trained(seed=1), "model": nn.Linear(2, 2)}
    before = state_of(other)
    drawn = other["random"].bit_generator.state
    # the optimiser fits and is restored before the model is found not to
    with pytest.raises(CheckpointError, match="does not fit model"):
        load(path, into={k: other[k] for k in ("random", "optimizer", "schedule", "model")})
    assert same(state_of(other), before)
    assert other["random"].bit_generator.state == drawn


def test_a_name_that_is_not_in_the_file_is_an_error(path):
    save({"model": nn.Linear(1, 1)}, path)
    with pytest.raises(CheckpointError, match="has no network; it has model"):
        load(path, into={"network": nn.Linear(1, 1)})


def test_what_cannot_be_saved_is_named_and_no_file_is_left(path):
    with pytest.raises(TypeError, match=r"a\.0 is function"):
        save({"a": [lambda: 0]}, path)
    with pytest.raises(TypeError, match="x has dtype object"):
        save({"x": np.array([None])}, path)
    assert list(path.parent.iterdir()) == []


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.npz or \.safetensors"):
        save({}, tmp_path / "x.pt")


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.npz")


KILLED = """
import os, signal, sys
import numpy as np
import micrograd_np as mg
from micrograd_np.storage import save

path, moment = sys.argv[1:]
run = lambda i: {"a": np.full(10**5, float(i)), "b": np.full(10**5, float(i)), "i": i}
save(run(0), path)

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "between arrays":
    real, count = np.lib.format.write_array, iter(range(9))
    np.lib.format.write_array = lambda *a, **k: real(*a, **k) if next(count) == 0 else die()
elif moment == "before it is on disk":
    os.fsync = die
elif moment == "before it gets its name":
    import pathlib
    pathlib.Path.replace = die
else:
    print("ready", flush=True)
for i in range(1, 10**9):
    save(run(i), path)
"""


@pytest.mark.parametrize("moment", ["between arrays", "before it is on disk", "before it gets its name", *"abc"])
def test_a_kill_in_the_middle_of_a_save_leaves_a_whole_file(tmp_path, moment):
    path = tmp_path / "run.npz"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", KILLED, path, moment], env=env, stdout=subprocess.PIPE)
    if len(moment) == 1:  # at whatever moment it happens to be
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05 + 0.017 * (ord(moment) - ord("a")))
        process.kill()
    process.wait(60)
    process.stdout.close()
    found = load(path)
    assert (found["a"] == found["i"]).all()
    assert (found["b"] == found["i"]).all()
    if len(moment) > 1:
        assert found["i"] == 0
    save({"i": -1}, path)  # what the killed one has left behind is in nobody's way
    assert load(path) == {"i": -1}
    for left in tmp_path.glob(".run.npz.*"):
        os.utime(left, (0, 0))
    save({"i": -2}, path)
    assert [found.name for found in tmp_path.iterdir()] == ["run.npz"]  # and is cleared away in the end


def test_weights_saved_by_pytorch_load_here_and_back(tmp_path):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("safetensors.torch")
    other = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    theirs.save_file(other.state_dict(), tmp_path / "theirs.safetensors")
    model = nn.Sequential(nn.Linear(3, 4, dtype="f4"), nn.Tanh(), nn.Linear(4, 2, dtype="f4"))
    load(tmp_path / "theirs.safetensors", into=model)
    x = np.random.default_rng(0).standard_normal((5, 3)).astype("f4")
    np.testing.assert_allclose(model(mg.Tensor(x)).data, other(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6)

    model[0].weight.data[...] *= 2
    save(model.state_dict(), tmp_path / "ours.safetensors")
    other.load_state_dict(theirs.load_file(tmp_path / "ours.safetensors"))
    np.testing.assert_array_equal(other[0].weight.detach().numpy(), model[0].weight.data)


def test_bfloat16_weights_become_float32_exactly(tmp_path):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("safetensors.torch")
    weights = torch.randn(4, 3).to(torch.bfloat16)
    theirs.save_file({"w": weights, "n": torch.tensor(3)}, tmp_path / "w.safetensors")
    found = load(tmp_path / "w.safetensors")
    assert found["w"].dtype == np.float32
    np.testing.assert_array_equal(found["w"], weights.float().numpy())
    assert found["n"] == 3


def foreign(path, **parts):
    """A .safetensors file made elsewhere: each part is (dtype, shape, bytes), in this order."""
    header, body = {}, b""
    for name, (dtype, shape, content) in parts.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(content)]}
        body += content
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def test_an_array_named_metadata_is_refused_where_the_file_could_not_be_read(tmp_path):
    pytest.importorskip("safetensors")
    with pytest.raises(ValueError, match=r"^save: '__metadata__' is not a name for an array in \.safetensors.*\.npz"):
        save({"__metadata__": np.ones(2)}, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())
    tree = {"__metadata__": np.ones(2)}
    assert same(load(save(tree, tmp_path / "x.npz")), tree)
    inner = {"a": {"__metadata__": np.ones(2)}}
    assert same(load(save(inner, tmp_path / "x.safetensors")), inner)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="here a longdouble is a float64")
def test_a_dtype_that_safetensors_lacks_is_refused_by_name_and_the_old_file_stays(tmp_path):
    pytest.importorskip("safetensors")
    path = save({"w": np.ones(2)}, tmp_path / "x.safetensors")
    with pytest.raises(
        TypeError,
        match=rf"^save: a\.b has dtype {np.dtype(np.longdouble)}, which \.safetensors does not have\. Save as \.npz",
    ):
        save({"a": {"b": np.ones(2, np.longdouble)}}, path)
    assert same(load(path), {"w": np.ones(2)})
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("dtype", "size"), [("C64", 8), ("F8_E4M3", 1), ("F8_E5M2", 1), ("F8_E8M0", 1)])
def test_numbers_of_a_kind_that_numpy_lacks_are_called_unsupported_by_name(tmp_path, dtype, size):
    pytest.importorskip("safetensors")
    path = foreign(tmp_path / "x.safetensors", w=("F32", [1], bytes(4)), z=(dtype, [2], bytes(2 * size)))
    with pytest.raises(CheckpointError, match=rf"not supported here: 'z' is {dtype}\. Convert") as caught:
        load(path)
    assert "damaged" not in str(caught.value)


def test_a_file_gives_its_arrays_in_the_order_of_its_header(tmp_path):
    pytest.importorskip("safetensors")
    names = [f"layer{i}" for i in (7, 3, 11, 0, 5, 2, 9)]
    path = foreign(tmp_path / "x.safetensors", **{name: ("I64", [1], bytes(8)) for name in names})
    assert list(load(path)) == names


@pytest.mark.parametrize("code", ["?", "u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8", ">f4", ">i8"])
def test_every_real_dtype_comes_back(path, code):
    values = np.array([0, 1, 3]).astype(code)
    found = load(save({"v": values, "none": values[:0]}, path))
    np.testing.assert_array_equal(found["v"], values)
    assert found["v"].dtype.newbyteorder("=") == values.dtype.newbyteorder("=")
    assert found["none"].shape == (0,)


class Scaled(nn.Module):
    """A layer and a factor, so that there is something to train."""

    def __init__(self, layer):
        self.layer, self.factor = layer, nn.Parameter([1.0])

    def forward(self, *xs):
        return self.layer(*xs) * self.factor


def assert_a_file_changes_nothing(path, make_model, batches, kind=optim.SGD, **settings):
    """Half of the steps, then the other half, there from memory and here from a file."""

    def run():
        mg.random.manual_seed(0)
        model = make_model()
        return {"model": model, "optimizer": kind(model.parameters(), **settings)}

    def trained(model, optimizer, batches):
        mg.random.manual_seed(1)
        for batch in batches:
            optimizer.zero_grad()
            model(*batch).square().mean().backward()
            optimizer.step()
        return [x.data for x in (*model.parameters(), *model.buffers())]

    first, second = run(), run()
    trained(**first, batches=batches[: len(batches) // 2])
    save(first, path)
    load(path, into=second)
    rest = batches[len(batches) // 2 :]
    for a, b in zip(trained(**first, batches=rest), trained(**second, batches=rest), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_goes_on_from_a_file_as_from_memory(name, tmp_path):
    make, *draws = LAYERS[name]
    rng = np.random.default_rng(0)
    batches = [[draw(rng) for draw in draws] for _ in range(2)]
    assert_a_file_changes_nothing(tmp_path / "run.npz", lambda: Scaled(make()), batches, lr=0.1, momentum=0.9)


@pytest.mark.parametrize(("name", "settings"), [(name, x) for name, tried in OPTIMIZERS.items() for x in tried])
def test_every_optimizer_goes_on_from_a_file_as_from_memory(name, settings, tmp_path):
    batches = np.random.default_rng(0).standard_normal((4, 1, BATCH, 4))
    assert_a_file_changes_nothing(
        tmp_path / "run.npz",
        lambda: nn.Linear(4, 3, name not in MATRICES_ONLY),
        batches,
        getattr(optim, name),
        **settings,
    )

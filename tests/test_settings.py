"""Settings that make no sense are refused where they are given, in words that name them, not Python's."""

import inspect
import re

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import data, nn, optim
from micrograd_np.core.settings import rules_of
from micrograd_np.optim import lr_scheduler

REQUIRED = {
    "in_features": 4, "out_features": 4, "in1_features": 4, "in2_features": 4, "in_channels": 4, "out_channels": 4,
    "kernel_size": 2, "output_size": 2, "num_features": 4, "normalized_shape": 4, "num_groups": 2, "num_channels": 4,
    "input_size": 4, "hidden_size": 4, "num_layers": 2, "embed_dim": 4, "num_heads": 2, "d_model": 4, "nhead": 2,
    "num_embeddings": 4, "embedding_dim": 4, "dim": 0, "unflattened_size": (2, 2), "decay": 0.5, "step_size": 2,
    "milestones": [1], "gamma": 0.5, "T_max": 2, "T_0": 2, "base_lr": 0.1, "max_lr": 0.2, "total_steps": 5,
    "lr_lambda": lambda epoch: 1.0, "dataset": [0, 1, 2], "data": [1.0], "arrays": (np.arange(3),), "indices": [0],
    "lengths": [1, 2],
    "groups": 2, "padding": 1, "value": 0.5, "norm_type": 2.0, "size": 3, "upscale_factor": 2, "downscale_factor": 2,
    "threshold": 0.1, "decoder_layer": nn.TransformerDecoderLayer(4, 2), "sampler": [0, 1, 2], "batch_size": 2,
    "drop_last": False, "data_source": [0, 1, 2], "weights": [0.5, 0.5], "num_samples": 2, "datasets": [[0, 1], [2]],
}  # fmt: skip
SMALL = {"d_model": 8, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 4}
"""In place of a default that takes a second to make."""
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
ODD = (0, -1, 2.5, "3", None, [2], (1, 2, 3, 4), True, float("nan"))

CLASSES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": getattr(module, name)
    for module in (nn, optim, lr_scheduler, data)
    for name in module.__all__
    if callable(getattr(module, name))
    and name not in ("clip_grad_norm_", "clip_grad_value_", "memory_map", "write_rows", "collate")
}
SETTLED_ELSEWHERE = ("last_epoch", "sampler", "params", "parameters")  # they go with others


def given(function):
    """Arguments with which it can be called."""
    arguments = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "encoder_layer":
            arguments[name] = nn.TransformerEncoderLayer(4, 2)
        elif name in ("params", "parameters"):
            arguments[name] = [nn.Parameter([[1.0]])]
        elif name == "optimizer":
            arguments[name] = optim.SGD([nn.Parameter([1.0])], lr=0.1, momentum=0.9)
        elif name in SMALL:
            arguments[name] = SMALL[name]
        elif name == "total_steps" or (parameter.default is parameter.empty and parameter.kind not in VARIADIC):
            assert name in REQUIRED, f"say in REQUIRED what {name} may be"
            arguments[name] = REQUIRED[name]
    return arguments


def complaint_of(make, arguments):
    """What is said to these arguments, at once or, of a schedule or a loader, when it is used; None for nothing."""
    try:
        thing = make(**arguments)
        if isinstance(thing, lr_scheduler.LRScheduler):
            for _ in range(4):
                thing.step(*([0.0] if isinstance(thing, lr_scheduler.ReduceLROnPlateau) else []))
        elif isinstance(thing, data.DataLoader):
            list(thing)
    except (TypeError, ValueError) as error:
        return str(error)
    return None


def test_annotations_are_texts_because_size_and_count_are_read_by_name():
    objects = {
        name
        for name, make in CLASSES.items()
        for p in inspect.signature(make.__init__ if inspect.isclass(make) else make).parameters.values()
        if not isinstance(p.annotation, str) and p.annotation is not p.empty
    }
    assert objects == set(), "begin their files with: from __future__ import annotations"


CASES = [
    (name, make, setting)
    for name, make in CLASSES.items()
    for setting in rules_of(make.__init__ if inspect.isclass(make) else make)
    if setting not in SETTLED_ELSEWHERE and name != "lr_scheduler.SequentialLR"
]


@together
@pytest.mark.parametrize(("name", "make", "setting"), CASES, ids=[f"{name}({setting})" for name, _, setting in CASES])
def test_what_a_setting_cannot_be_is_refused_in_words_that_name_it(name, make, setting):
    make(**given(make))
    for value in ODD:
        complaint = complaint_of(make, {**given(make), setting: value})
        assert complaint is None or re.match(rf"{name.rpartition('.')[2]}: .*{setting}", complaint), (value, complaint)


@together
@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda: nn.Linear(-1, 3), ValueError, "Linear: in_features must be a whole number of at least 0; found -1."),
        (lambda: nn.Linear(2.0, 3), TypeError, "Linear: in_features must be a whole number of at least 0; found 2.0."),
        (lambda: nn.MultiheadAttention(0, 1), ValueError, "MultiheadAttention: embed_dim must be .* found 0."),
        (lambda: nn.Bilinear(0, 1, 1), ValueError, "Bilinear: in1_features must be .* found 0."),
        (lambda: nn.GroupNorm(0, 4), ValueError, "GroupNorm: num_groups must be .* found 0."),
        (lambda: nn.LSTM(3, 4, True), TypeError, "LSTM: num_layers must be .* found True."),  # meant as bias
        (lambda: nn.Conv2d(1, 2, (3, 0)), ValueError, r"Conv2d: kernel_size must be .* found \(3, 0\)."),
        (lambda: optim.SGD([nn.Parameter([1.0])], lr="a"), TypeError, "SGD: lr must be a number; found 'a'."),
        (
            lambda: optim.SGD([{"params": [nn.Parameter([1.0])], "lr": "a"}]),
            TypeError,
            "SGD: lr must be a number; found 'a'.",
        ),
        (
            lambda: optim.Adam([nn.Parameter([1.0])], betas=0.9),
            TypeError,
            "Adam: betas must be 2 values, each a number",
        ),
        (lambda: data.DataLoader([1, 2], batch_size=2.5), TypeError, "DataLoader: batch_size must be .* found 2.5."),
        (lambda: data.moons(-1), ValueError, "moons: n must be a whole number of at least 0; found -1."),
    ],
)
def test_the_words(make, kind, says):
    with pytest.raises(kind, match=says):
        make()


def test_numbers_of_numpys_are_numbers():
    assert nn.Linear(np.int64(2), np.uint8(3)).weight.shape == (3, 2)
    assert optim.SGD([nn.Parameter([1.0])], lr=np.float32(0.5)).param_groups[0]["lr"] == 0.5
    assert nn.Dropout(np.array(0.25)).p == 0.25


def test_a_class_of_ones_own_may_annotate_as_it_likes():
    class Mine(nn.Module):
        def __init__(self, width: "int" = 3):
            self.width = width

    assert Mine("wide").width == "wide"
    with pytest.raises(ValueError, match="Narrow: in_features must be"):
        type("Narrow", (nn.Linear,), {})(-1, 2)


def test_layers_without_inputs_are_built_as_pytorch_builds_them():
    assert nn.Conv1d(0, 2, 1).weight.shape == (2, 0, 1)
    assert nn.Linear(0, 2)(mg.Tensor(np.ones((3, 0)))).shape == (3, 2)


@pytest.mark.parametrize("mode", ["mirror", None, 3, ["zeros"], np.zeros(2)])
def test_a_word_that_is_none_of_those_of_the_annotation_is_refused(mode):
    with pytest.raises(ValueError, match=r"Conv1d: padding_mode must be 'zeros' or 'reflect' or .*; found "):
        nn.Conv1d(2, 2, 2, padding_mode=mode)
    with pytest.raises(ValueError, match="Muon: adjust_lr_fn must be None or 'original' or 'match_rms_adamw'; found "):
        optim.Muon([nn.Parameter(np.eye(2))], adjust_lr_fn="mirror" if mode is None else mode)


@together
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nn.Tanh(3), r"Tanh\(\): takes no settings\."),
        (lambda: nn.Sigmoid(inplace=True), r"Sigmoid\(\): takes no settings\."),
        (lambda: nn.ReLU(False, 2), r"ReLU\(inplace=False\): too many positional arguments\."),
        (lambda: nn.ELU(slope=2.0), r"ELU\(alpha=1\.0, inplace=False\): got an unexpected keyword argument 'slope'\."),
        (lambda: nn.Softmax(1, 2), r"Softmax\(dim=-1\): too many"),
        (lambda: nn.Softmax(axis=1), r"Softmax\(dim=-1\): .*'axis'\. NumPy's axis is dim here\."),
        (lambda: nn.MSELoss("mean", 3), r"MSELoss\(reduction='mean'\): too many"),
        (lambda: nn.Linear(2), r"Linear\(in_features, .*\): missing a required argument: 'out_features'\."),
        (lambda: nn.Sequential(first=nn.Tanh()), r"Sequential\(\*\w+\): got an unexpected keyword argument 'first'\."),
        (lambda: optim.SGD([nn.Parameter([1.0])], rate=1.0), r"SGD\(params, lr=0\.001, .*'rate'\."),
        (lr_scheduler.StepLR, r"StepLR\(optimizer, step_size, .*: missing a required argument: 'optimizer'"),
        (lambda: data.DataLoader([1], size=3), r"DataLoader\(dataset, .*'size'\."),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_refused_under_the_name_and_with_the_settings_of_the_class(make, says):
    with pytest.raises(TypeError, match=f"^{says}"):
        make()


def test_a_module_of_ones_own_without_a_constructor_takes_no_settings():
    class Net(nn.Module):
        pass

    with pytest.raises(TypeError, match=r"^Net\(\): takes no settings\.$"):
        Net(3)
    assert isinstance(Net(), Net)


def test_a_class_beside_module_may_take_the_settings():
    class Scaled:
        def __init__(self, scale):
            self.scale = scale

    class Net(nn.Module, Scaled):
        pass

    assert Net(3).scale == 3


def test_a_layer_of_ones_own_that_derives_from_another_passes_the_settings_on():
    class Scaled(nn.ELU, function=lambda x, alpha: alpha * x):
        pass

    assert Scaled(2.0)(mg.Tensor([3.0])).data == 6.0
    assert repr(Scaled(2.0)) == "Scaled(alpha=2.0)"

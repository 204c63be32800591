"""The linter: each mistake is found, said in one sentence with the fix, and a healthy step gives no finding."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.training import lint

RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((32, 4)), RNG.integers(0, 3, 32)


@pytest.fixture(autouse=True)
def _seeded():
    mg.random.manual_seed(0)


def network(*last, inner=nn.Tanh):
    return nn.Sequential(nn.Linear(4, 8), inner(), nn.Linear(8, 3), *last)


def look(model, value, optimizer=None):
    return lint(model, value, optimizer or optim.SGD(model.parameters(), lr=0.01))


def only(findings, *words):
    (finding,) = findings
    assert all(word in finding for word in words), finding
    assert finding.endswith(".")


def test_a_healthy_step_has_no_findings_and_is_left_as_it_was():
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)
        before = [p.data.copy() for p in model.parameters()], optimizer.state_dict()
        assert lint(model, loss, optimizer) == []
        assert all(p.grad is None for p in model.parameters())
        assert all((p.data == v).all() for p, v in zip(model.parameters(), before[0], strict=True))
        assert optimizer.state_dict()["state"].keys() == before[1]["state"].keys()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.1}, {"weight": [1.0, 2.0, 3.0]}])
def test_softmax_before_cross_entropy(settings):
    model = network(nn.Softmax(-1))
    only(
        look(model, nn.CrossEntropyLoss(**settings)(model(mg.Tensor(X)), LABELS)),
        "cross-entropy takes logits",
        "remove the softmax",
    )


def test_softmax_before_cross_entropy_is_seen_through_a_reshape():
    model = network(nn.Softmax(-1))
    value = nn.CrossEntropyLoss()(model(mg.Tensor(X)).reshape(2, 16, 3).reshape(-1, 3), LABELS)
    only(look(model, value), "remove the softmax")


def test_sigmoid_before_bce_with_logits():
    model = network(nn.Sigmoid())
    value = nn.BCEWithLogitsLoss()(model(mg.Tensor(X)), np.ones((32, 3)))
    only(look(model, value), "binary cross-entropy with logits", "remove the sigmoid")


def test_softmax_inside_the_network_is_nobodys_mistake():
    model = network()
    attention = mg.softmax(model(mg.Tensor(X)))
    assert look(model, nn.CrossEntropyLoss()(attention * 3.0 + 1.0, LABELS)) == []


def test_parameters_that_the_loss_does_not_reach():
    class Both(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, x):
            return self.used(x)

    model = Both()
    only(
        look(model, nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)), "does not depend on unused.weight, unused.bias"
    )


def test_parameters_that_the_optimiser_does_not_hold():
    model = network()
    value = nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)
    only(
        look(model, value, optim.SGD(model[0].parameters(), lr=0.01)),
        "does not hold 2.weight, 2.bias",
        "requires_grad_(False)",
    )


def test_tensors_that_only_the_optimiser_holds():
    model, old = network(), network()
    value = nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)
    optimizer = optim.SGD([*model.parameters(), old[0].bias], lr=0.01)
    only(look(model, value, optimizer), "which the model does not have")


def test_gradients_never_zeroed():
    model = network()
    for _ in range(2):
        loss = nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)
        found = look(model, loss)
        loss.backward()
    only(found, "gradient of an earlier backward()", "optimizer.zero_grad()")


def test_dropout_and_batch_norm_left_in_evaluation_mode():
    model = network(nn.BatchNorm1d(3), nn.Dropout(0.5)).eval()
    only(look(model, nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)), "3, 4 in evaluation mode", "model.train()")


@pytest.mark.parametrize(
    "layer", [nn.LSTM(4, 3, 2, dropout=0.5), nn.MultiheadAttention(4, 2, dropout=0.5)], ids=lambda m: type(m).__name__
)
def test_layers_that_drop_inside_left_in_evaluation_mode(layer):
    x = mg.Tensor(X[:, None])
    layer.eval()
    value = layer(x)[0] if isinstance(layer, nn.LSTM) else layer(x, x, x)[0]
    only(look(layer, (value * value).mean()), f"{type(layer).__name__} in evaluation mode")
    layer.train()
    value = layer(x)[0] if isinstance(layer, nn.LSTM) else layer(x, x, x)[0]
    assert look(layer, (value * value).mean()) == []


def test_a_frozen_norm_and_a_dropout_of_nothing_may_be_in_evaluation_mode():
    model = network(nn.BatchNorm1d(3), nn.Dropout(0.0))
    model[3].requires_grad_(False)
    model[3].eval()
    model[4].eval()
    assert look(model, nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)) == []


def test_dropout_left_in_training_mode_for_evaluation():
    model = network(nn.Dropout(0.5))
    with mg.no_grad():
        value = nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)
    found = look(model, value)
    assert any("model.eval()" in f for f in found)
    assert any("depends on no parameter" in f for f in found)


def test_a_hidden_state_that_carries_the_graph_into_the_next_step():
    model = nn.Linear(4, 4)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    state = mg.Tensor(np.zeros((1, 4)))
    for _ in range(2):
        optimizer.zero_grad()
        state = model(state + X[:1])
        loss = (state * state).sum()
        found = lint(model, loss, optimizer)
        if not found:
            loss.backward(retain_graph=True)
            optimizer.step()
    only(found, "earlier step", "detach()")


def test_a_running_total_of_losses_is_a_graph_kept_alive():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    total = 0.0
    for _ in range(2):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)
        total = total + loss
        found = lint(model, total, optimizer)
        loss.backward()
        optimizer.step()
    only(found, "add up losses with .item()")


@pytest.mark.parametrize("sign", [1, -1])
def test_a_column_minus_a_row_is_every_prediction_minus_every_target(sign):
    model, x, y = nn.Linear(2, 1), np.ones((4, 2)), np.arange(4.0)
    optimizer = optim.SGD(model.parameters(), lr=0.001)
    by_hand = lambda y: ((model(x) - y if sign > 0 else y - model(x)) ** 2).mean()
    (found,) = lint(model, by_hand(y), optimizer)
    assert "is (4, 4), each prediction minus every target; give both the same shape" in found
    assert lint(model, by_hand(y[:, None]), optimizer) == []
    column = model(x)
    assert lint(model, ((column - column.T) ** 2).mean() + column.mean(), optimizer) == []  # all pairs, on purpose


def test_float64_data_meets_float32_weights():
    model = nn.Sequential(nn.Linear(4, 8, dtype="f4"), nn.Tanh(), nn.Linear(8, 3, dtype="f4"))
    only(
        look(model, nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)),
        "float64 data meets float32 weights",
        "x.astype('float32')",
    )
    assert look(model, nn.CrossEntropyLoss()(model(mg.Tensor(X.astype("f4"))), LABELS)) == []


def test_float64_targets_meet_float32_predictions():
    model = nn.Linear(4, 3, dtype="f4")
    targets = RNG.standard_normal((32, 3))
    found = [look(model, nn.MSELoss()(model(mg.Tensor(X.astype("f4"))), mg.Tensor(targets.astype(k)))) for k in "df"]
    only(found[0], "float64 data meets float32 predictions")
    assert found[1] == []


def test_dead_units():
    model = network(inner=nn.ReLU)
    model[0].bias.data[:5] = -100
    only(look(model, nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)), "5 of 8 units", "LeakyReLU")


@pytest.mark.parametrize(("lr", "words"), [(1e3, "lower the learning rate"), (1e-9, "raise the learning rate")])
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_updates_out_of_proportion(kind, lr, words):
    model = network()
    loss = nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)
    only(look(model, loss, kind(model.parameters(), lr=lr)), "times as long as the weights", words)


def test_a_loss_of_nan_is_traced_to_the_weights_or_to_the_data():
    model = network()
    data = np.array(X)
    data[0, 0] = np.nan
    only(look(model, nn.CrossEntropyLoss()(model(mg.Tensor(data)), LABELS)), "the loss is nan: x of linear", "the data")
    model[2].bias.data[0] = np.nan
    loss = nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS)
    only(look(model, loss), "the loss is nan: bias of linear", "nan or infinity in 1 of", "lower learning rate")


def test_a_loss_of_nan_out_of_numbers_asks_for_detect_nonfinite():
    model = nn.Linear(2, 1)
    with np.errstate(all="ignore"):
        loss = mg.log(-model(np.ones((3, 2))).square()).sum()
    only(look(model, loss), "the loss is nan; mg.detect_nonfinite()")


def test_a_tensor_of_the_model_that_is_no_parameter_is_told():
    class Scaled(nn.Module):
        def __init__(self):
            self.layer, self.scale = nn.Linear(2, 1), mg.Tensor([1.0], requires_grad=True)

        def forward(self, x):
            return self.layer(x) * self.scale

    model = nn.Sequential(Scaled())
    loss = model(np.ones((3, 2))).square().mean()
    only(look(model, loss), "0.scale requires a gradient, but is no parameter", "self.scale = nn.Parameter")
    held = optim.SGD([*model.parameters(), model[0].scale], lr=1e-3)
    assert not any("no parameter" in finding for finding in mg.lint(model, loss, held))


def test_labels_beyond_0_and_1_are_told():
    model = nn.Linear(2, 1)
    loss = nn.BCEWithLogitsLoss()(model(np.ones((2, 2))), [[-1.0], [1.0]])
    only(look(model, loss), "takes targets from 0 to 1, but gets values from -1 to 1", "write labels as 0 and 1")


def test_lbfgs_is_looked_over_without_its_updates():
    model = network()
    assert look(model, nn.CrossEntropyLoss()(model(mg.Tensor(X)), LABELS), optim.LBFGS(model.parameters())) == []

"""A network predicts disease progression after one year, about as well as linear regression. Takes about five seconds.

It shows a continuous target, one output unit and the mean squared error, trained by `mg.fit` with validation, early
stopping and weight decay. The data, which come with scikit-learn, are 442 diabetes patients (Efron et al., 2004): age,
sex, body mass index, blood pressure, six blood serum measurements, and the progression of the disease a year later.
Real data are noisy: no method reaches an R² much above one half on held-out patients, so linear regression is printed
for comparison. It writes two pictures: `regression_graph.svg`, the graph of one loss, and `regression_curve.svg`, the
learning curve.
"""

# %%
import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold, train_test_split

import micrograd_np as mg


# %%
def network(inputs):
    """Two hidden layers; dropout between them, because 283 patients are few."""
    return mg.nn.Sequential(
        mg.nn.Linear(inputs, 32), mg.nn.Tanh(), mg.nn.Dropout(0.2),
        mg.nn.Linear(32, 16), mg.nn.Tanh(), mg.nn.Linear(16, 1),
    )  # fmt: skip


# %%
def trained(x, y, epochs, seed, *, compile):
    """A network trained on four fifths of the patients (n, 10), (n, 1); the others decide when to stop."""
    learn_x, check_x, learn_y, check_y = train_test_split(x, y, test_size=0.2, random_state=seed)
    batches = mg.data.DataLoader(mg.data.TensorDataset(learn_x, learn_y), batch_size=32, shuffle=True)
    check = mg.data.DataLoader(mg.data.TensorDataset(check_x, check_y), batch_size=len(check_x))
    model = network(x.shape[1])
    optimizer = mg.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    history = mg.fit(
        model, mg.nn.MSELoss(), optimizer, batches, epochs=epochs, patience=30, clip=1.0, compile=compile,
        validation=check, metrics={"R²": mg.training.r2_score}, progress=False,
    )  # fmt: skip
    return model.eval(), history


# %%
def least_squares(x, y):
    """The weights (11, 1) of linear regression."""
    return np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y)[0]


# %%
def main(epochs=300, seed=0, out=".", compile=True):
    """Predict each patient once, in a five-fold cross-validation; return R² and pictures."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    x, y = load_diabetes(return_X_y=True, scaled=False)
    y = y[:, None]
    mg.random.manual_seed(seed)

    predicted, linear = np.empty_like(y), np.empty_like(y)
    for learn, test in KFold(5, shuffle=True, random_state=seed).split(x):
        mean, deviation = x[learn].mean(0), x[learn].std(0)
        centre, spread = y[learn].mean(), y[learn].std()
        inputs = (x - mean) / deviation  # with the statistics of the training patients
        model, history = trained(inputs[learn], (y[learn] - centre) / spread, epochs, seed, compile=compile)
        with mg.no_grad():
            predicted[test] = model(mg.Tensor(inputs[test])).numpy() * spread + centre
        weights = least_squares(inputs[learn], y[learn])
        linear[test] = np.column_stack([inputs[test], np.ones(len(test))]) @ weights
        score = mg.training.r2_score(predicted[test], y[test])
        print(f"R² {score:.3f} on {len(test)} patients after {len(history)} epochs")

    scores = {"network": mg.training.r2_score(predicted, y), "linear regression": mg.training.r2_score(linear, y)}
    print(f"R² on 442 held-out patients: network {scores['network']:.3f}")
    print(f"                   linear regression {scores['linear regression']:.3f}")
    print(f"mean error {np.abs(predicted - y).mean():.1f} of a progression between {y.min():.0f} and {y.max():.0f}")

    loss = mg.nn.MSELoss()(model(mg.Tensor(inputs[test], name="patients")), (y[test] - centre) / spread)
    graph = mg.draw(loss).save(out / "regression_graph.svg")
    history.plot(curve := out / "regression_curve.svg")
    print(f"wrote the graph of one loss to {graph} and the last learning curve to {curve}")
    return scores | {"losses": history["loss"], "validation": history["validation R²"], "graph": graph, "curve": curve}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=300, help="passes over the patients, at most (300)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    parser.add_argument("--eager", dest="compile", action="store_false", help="do not compile the step")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))

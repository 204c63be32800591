"""A network in a scikit-learn pipeline, with its settings found by a grid search. Takes about five seconds.

It shows `micrograd_np.sklearn`: a scaler and a network in one estimator, a grid over widths and learning rates with
cross-validation, early stopping on held-out samples, and your own network in its place. The 178 wines, thirteen
measurements each, from three growers, come with scikit-learn. It writes `pipeline_network.svg`, the best network.
"""

# %%
import argparse
from pathlib import Path

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.sklearn import NeuralClassifier


# %%
def residual(features, classes):
    """Our own network: a hidden layer with a residual connection, then one score for each class."""

    class Residual(nn.Module):
        def __init__(self):
            self.change = nn.Sequential(nn.Linear(features, 16), nn.Tanh(), nn.Linear(16, features))
            self.scores = nn.Linear(features, classes)

        def forward(self, x):
            return self.scores(x + self.change(x))

    return Residual()


# %%
def main(epochs=60, seed=0, out="."):
    """Search, compare with logistic regression, and draw the best network; return the accuracies and the picture."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    x, y = load_wine(return_X_y=True)
    learn_x, test_x, learn_y, test_y = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)

    network = NeuralClassifier(epochs=epochs, batch_size=32, random_state=seed)
    grid = {"neuralclassifier__hidden_layer_sizes": [(4,), (16,)], "neuralclassifier__lr": [0.003, 0.03]}
    search = GridSearchCV(make_pipeline(StandardScaler(), network), grid, cv=3).fit(learn_x, learn_y)
    print(f"best of {len(search.cv_results_['params'])} settings: {search.best_params_}")

    own = NeuralClassifier(module=residual, lr=0.01, epochs=epochs, early_stopping=True, random_state=seed)
    estimators = {
        "a network from the grid": search,
        "our own network": make_pipeline(StandardScaler(), own).fit(learn_x, learn_y),
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()).fit(learn_x, learn_y),
    }
    scores = {name: estimator.score(test_x, test_y) for name, estimator in estimators.items()}
    for name, score in scores.items():
        print(f"{score:6.1%} of {len(test_y)} wines are classified correctly by {name}")

    best = search.best_estimator_[-1]
    picture = mg.draw_network(best.module_).save(out / "pipeline_network.svg")
    print(f"wrote the best network to {picture}")
    return {"scores": scores, "network": picture}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=60, help="passes over the wines (60)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the picture goes (here)")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))

"""`NeuralClassifier` and `NeuralRegressor` are what scikit-learn takes for an estimator, and train as `mg.fit` does."""

import importlib
import pickle
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.sklearn import NeuralClassifier, NeuralRegressor

IRIS = load_iris(return_X_y=True)
quick = partial(NeuralClassifier, (8,), epochs=5, random_state=0)


# The estimators' checks warn of what they do on purpose, such as few epochs.
@pytest.mark.filterwarnings("default")
@parametrize_with_checks([NeuralClassifier(epochs=100), NeuralRegressor(epochs=100)])
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


def test_it_trains_as_well_as_scikit_learn_s_own_network():
    X, y = make_classification(600, 20, n_informative=10, random_state=1)
    ours = NeuralClassifier((32,), epochs=60, random_state=0)
    theirs = MLPClassifier((32,), max_iter=60, tol=0, n_iter_no_change=61, random_state=0)
    with pytest.warns(Warning, match="Maximum iterations"):
        judge = cross_val_score(theirs, X, y, cv=3).mean()
    assert cross_val_score(ours, X, y, cv=3).mean() > judge - 0.03


def test_it_stands_in_a_pipeline_and_in_a_grid_search():
    grid = {"neuralclassifier__hidden_layer_sizes": [(4,), (8, 8)], "neuralclassifier__lr": [0.01, 0.03]}
    search = GridSearchCV(make_pipeline(StandardScaler(), quick(epochs=30)), grid, cv=3).fit(*IRIS)
    assert search.best_score_ > 0.9
    assert permutation_importance(search, *IRIS, n_repeats=2, random_state=0).importances_mean.max() > 0.1


def test_classes_may_be_words_and_two_of_them_need_one_output():
    X, y = IRIS[0][:100], np.array(["no", "yes"])[IRIS[1][:100]]
    classifier = quick(epochs=60, lr=0.05).fit(X, y)
    assert classifier.module_[-1].out_features == 1
    assert classifier.classes_.tolist() == ["no", "yes"]
    assert classifier.score(X, y) == 1
    np.testing.assert_allclose(classifier.predict_proba(X).sum(1), 1)


def test_a_single_class_is_predicted_whatever_the_network_says(rng):
    X = rng.normal(size=(10, 3))
    for seed in range(5):  # one epoch leaves the outputs near where they begin, on either side of 0
        classifier = NeuralClassifier((4,), epochs=1, random_state=seed).fit(X, ["only"] * 10)
        assert set(classifier.predict(10 * rng.normal(size=(50, 3)))) == {"only"}
        assert (classifier.predict_proba(X) == 1).all()


def test_a_whole_weight_is_that_many_samples(rng):
    X, y = IRIS
    counts = rng.integers(0, 3, len(y))
    settings = {"epochs": 20, "batch_size": 1000, "lr": 0.05}
    weighted = quick(**settings).fit(X, y, sample_weight=counts)
    repeated = quick(**settings).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-8)


def test_a_batch_of_samples_without_weight_changes_nothing():
    X, y = IRIS
    weight = np.zeros(len(y))
    weight[0] = 1
    classifier = quick(batch_size=10).fit(X, y, sample_weight=weight)
    assert np.isfinite(classifier.predict_proba(X)).all()


def test_several_targets_are_learnt_at_once_in_the_dtype_of_the_samples():
    X, y = make_regression(200, 5, n_targets=3, random_state=0)
    X, y = X.astype(np.float32), (y / y.std()).astype(np.float32)
    regressor = NeuralRegressor((32,), epochs=150, lr=0.01, random_state=0).fit(X, y, sample_weight=np.ones(200))
    assert regressor.predict(X).shape == (200, 3)
    assert regressor.predict(X).dtype == np.float32
    assert regressor.score(X, y) > 0.95


def test_training_is_determined_by_random_state_alone_and_leaves_other_draws_alone():
    mg.random.manual_seed(7)
    before = mg.random.get_state()
    first, second = (quick().fit(*IRIS).predict_proba(IRIS[0]) for _ in range(2))
    assert np.array_equal(first, second)
    assert mg.random.get_state() == before
    assert not np.array_equal(first, quick(random_state=1).fit(*IRIS).predict_proba(IRIS[0]))


def test_partial_fit_goes_on_and_counts_epochs():
    X, y = IRIS
    classifier = quick(batch_size=16, lr=0.01)
    for _ in range(40):
        classifier.partial_fit(X, y, classes=[0, 1, 2])
    assert classifier.n_iter_ == len(classifier.history_) == 40
    assert classifier.score(X, y) > 0.9
    with pytest.raises(ValueError, match="not among the first"):
        classifier.partial_fit(X, y + 1)


def test_partial_fit_needs_the_classes_first():
    with pytest.raises(ValueError, match="first call needs classes"):
        quick().partial_fit(*IRIS)


def test_early_stopping_takes_the_best_epoch_of_held_out_samples():
    classifier = quick(epochs=500, lr=0.1, early_stopping=True, patience=3).fit(*IRIS)
    assert classifier.n_iter_ < 500
    assert "validation loss" in classifier.history_.rows[0]
    weighted = quick(epochs=5, early_stopping=True).fit(*IRIS, sample_weight=np.ones(150))
    assert weighted.n_iter_ == 5


def test_it_goes_through_pickle_and_clone():
    classifier = quick().fit(*IRIS)
    again = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(again.predict_proba(IRIS[0]), classifier.predict_proba(IRIS[0]))
    again.partial_fit(*IRIS)
    assert not hasattr(clone(again), "module_")


def test_columns_of_a_frame_are_known_by_name():
    frame = pd.DataFrame(IRIS[0], columns=list("abcd"))
    classifier = make_pipeline(StandardScaler(), quick()).set_output(transform="pandas").fit(frame, IRIS[1])
    assert classifier[-1].feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        classifier[-1].predict(frame[list("dcba")])


def test_a_module_is_copied_and_a_function_makes_one():
    module = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    before = {name: x.copy() for name, x in module.state_dict().items()}
    quick(module=module, epochs=3).fit(*IRIS)
    assert all(np.array_equal(x, before[name]) for name, x in module.state_dict().items())
    made = quick(module=lambda n, k: nn.Sequential(nn.Linear(n, k)), optimizer=partial(optim.SGD, momentum=0.9))
    assert isinstance(made.fit(*IRIS).optimizer_, optim.SGD)


def test_compiled_and_uncompiled_training_give_the_same_bits():
    X, y = IRIS
    one, other = (quick(batch_size=20, compile=flag).fit(X, y).predict_proba(X) for flag in (True, False))
    assert np.array_equal(one, other)


def test_callbacks_see_each_epoch_and_may_end_training():
    seen = []
    classifier = quick(callbacks=[lambda history: seen.append(len(history)) or len(seen) == 3]).fit(*IRIS)
    assert seen == [1, 2, 3]
    assert classifier.n_iter_ == 3


def test_a_fitted_network_is_drawn_in_its_html():
    assert "<svg" in quick().fit(*IRIS)._repr_mimebundle_()["text/html"]
    assert "NeuralClassifier" in quick()._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adamant"}, "optimizer must be one of"),
        ({"activation": "reul"}, "activation must be one of"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"lr": -1}, "lr must be a number above 0"),
        ({"module": nn.Linear(4, 2)}, "3 classes need 3 outputs, found 2"),
    ],
)
def test_settings_that_make_no_sense_say_so_in_fit(settings, message):
    with pytest.raises(ValueError, match=message):
        quick(**settings).fit(*IRIS)


def test_weights_need_a_loss_that_has_one_number_for_each_sample():
    with pytest.raises(ValueError, match="needs a loss with a setting `reduction`"):
        quick(loss=lambda outputs, targets: outputs.sum()).fit(*IRIS, sample_weight=np.ones(150))


def test_without_scikit_learn_the_import_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "micrograd_np.sklearn")
    with pytest.raises(ImportError, match=r"pip install 'micrograd_np\[sklearn\]'"):
        importlib.import_module("micrograd_np.sklearn")

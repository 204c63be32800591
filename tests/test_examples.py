"""Every example runs as it is, and its claims hold."""

import ast
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from together import together

import micrograd_np as mg

EXAMPLES = {path.stem: path for path in sorted((Path(__file__).parents[1] / "examples").glob("*.py"))}
BRIEFLY = {
    "data_parallel": {"epochs": 2},
    "dates": {"epochs": 2, "count": 4000},
    "digits_cnn": {"epochs": 3},
    "labels": {"epochs": 4, "count": 2500},
    "language_model": {"epochs": 2, "characters": 40_000},
    "regression": {},
    "reviews": {"epochs": 2, "count": 2000},
    "transformer": {"epochs": 2, "characters": 25_000},
}
"""The examples that train, with arguments that keep a run to seconds. Full runs reach what the docstrings say."""
LONGER = ("dates", "digits", "fine_tune", "labels", "language_model", "pipeline", "reviews", "transformer")


def unless_longer(names):
    """These examples; those of more than two seconds in the thorough run."""
    return [pytest.param(name, marks=pytest.mark.thorough if name in LONGER else ()) for name in names]


class Run:
    """One run of an example: what `main()` returned, what it printed, and the folder it ran in."""

    def __init__(self, result, printed, folder):
        self.result, self.printed, self.folder = result, printed, folder


def load(name):
    """The module of an example; its command line is not run."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES[name])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(path):
    """Whether a picture is there: its Graphviz source where nothing is installed that could draw it."""
    return ("<svg" if path.suffix == ".svg" else "digraph") in path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def runs():
    """The runs made so far, so that each example runs once however many claims are made about it."""
    return {}


@pytest.fixture
def run(runs, tmp_path_factory, monkeypatch, capsys):
    def run_once(name):
        if name not in runs:
            folder = tmp_path_factory.mktemp(name)
            monkeypatch.chdir(folder)
            result = load(name).main(**BRIEFLY.get(name, {}))
            runs[name] = Run(result, capsys.readouterr().out, folder)
        return runs[name]

    return run_once


@pytest.mark.parametrize("name", unless_longer(EXAMPLES))
def test_every_example_runs_and_returns_a_result(run, name):
    assert run(name).result is not None


@together
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_opens_by_saying_what_it_shows_and_how_long_it_takes(name):
    opening = inspect.getdoc(load(name)) or ""
    assert re.search(r"\bTakes\b", opening.splitlines()[0] if opening else "")


@together
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_short_enough_to_read(name):
    lines = EXAMPLES[name].read_text(encoding="utf-8").splitlines()
    assert 40 <= len(lines) - lines.count("# %%") <= 120


@together
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_opens_as_a_notebook_and_takes_help(name):
    text = EXAMPLES[name].read_text(encoding="utf-8")
    opening, *cells = text.split("\n# %%\n")
    assert ast.get_docstring(ast.parse(opening))
    assert len(cells) >= 3
    for cell in cells:  # each is whole by itself: one function, or the imports, or the command line
        assert sum(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in ast.parse(cell).body) <= 1
    calls = {ast.unparse(node) for node in ast.walk(ast.parse(cells[-1])) if isinstance(node, ast.Call)}
    assert "argparse.ArgumentParser(description=__doc__.partition('\\n')[0])" in calls
    assert "parser.parse_args(None if '__file__' in globals() else [])" in calls  # a notebook's arguments are Jupyter's


def test_an_example_runs_cell_by_cell(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    cells = EXAMPLES["forward_by_hand"].read_text(encoding="utf-8").split("\n# %%\n")
    names = {"__name__": "__main__", "__doc__": "A notebook."}
    for cell in cells:
        exec(cell, names)
    assert "1.23321210" in capsys.readouterr().out


def test_help_is_the_first_line_of_an_example_and_its_options():
    shown = subprocess.run(
        [sys.executable, EXAMPLES["perturbation"], "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "Gradient descent without calculus, then with it" in shown
    assert "--epochs" in shown


def test_the_forward_pass_gives_the_numbers_of_the_textbook(run):
    result = run("forward_by_hand").result
    np.testing.assert_allclose(result["pre-activations"], [1.0, 1.3, 0.8], rtol=1e-15)
    np.testing.assert_allclose(result["hidden units"], [0.73105858, 0.78583498, 0.68997448], atol=5e-9)
    np.testing.assert_allclose(result["output"], 1.23321210, atol=5e-9)
    np.testing.assert_allclose(result["squared error"], 1.52081208, atol=5e-9)


def test_the_forward_pass_prints_each_number_beside_the_rounded_one(run):
    printed = run("forward_by_hand").printed
    for shown, exact in [
        ("0.73", "0.73105858"),
        ("0.78", "0.78583498"),
        ("1.235", "1.23321210"),
        ("1.52", "1.52081208"),
    ]:
        assert re.search(rf" {shown} +{exact}$", printed, re.MULTILINE)


def test_the_gradient_of_the_forward_pass_agrees_with_perturbing_each_weight(run):
    result = run("forward_by_hand").result
    for exact, estimate in zip(result["gradient"], result["numeric"], strict=True):
        assert exact.shape == estimate.shape
        np.testing.assert_allclose(exact, estimate, atol=1e-4)  # half a step times the largest second derivative, 1.5
    hidden, output = result["hidden units"], result["output"]
    np.testing.assert_allclose(result["gradient"][1], 2 * output * hidden, rtol=1e-14)  # by hand


def test_training_by_perturbation_ends_where_the_procedure_ends(run):
    run = run("perturbation")
    assert [f"{value:.8f}" for value in run.result["perturbation"]] == ["2.99933652", "0.00445517"]
    assert "2.99933652  0.00445517" in run.printed


def test_training_by_backward_ends_where_calculus_ends(run):
    run = run("perturbation")
    assert [f"{value:.8f}" for value in run.result["backward"]] == ["2.99948581", "0.00372958"]
    assert "2.99948581  0.00372958" in run.printed


def test_the_first_gradient_by_perturbation_is_half_a_step_further_on(run):
    result = run("perturbation").result
    np.testing.assert_allclose(result["exact"], [-45.0520, -5.5824], atol=5e-5)
    second = np.array([2 * np.mean(np.square([1, 3, 4, 8, 10])), 2])  # of the mean squared error in a and b
    np.testing.assert_allclose(result["estimate"] - result["exact"], second * 1e-4 / 2, rtol=1e-5)


def test_the_printed_pair_is_what_985_epochs_give(run):
    assert run("perturbation").result["nearest epoch"] == 985


@pytest.mark.thorough
def test_the_digits_are_learned(run):
    result = run("digits").result
    assert result["test"] >= 0.97
    assert result["train"] >= result["test"]
    assert result["losses"][-1] < result["losses"][0] / 10


@pytest.mark.thorough
def test_the_digits_write_both_pictures_to_the_working_folder_and_say_so(run):
    run = run("digits")
    for picture in (run.result["graph"], run.result["curve"]):
        assert drawn(run.folder / picture)
        assert str(picture) in run.printed


def test_the_digits_take_their_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = load("digits").main(epochs=1, seed=3, out=tmp_path / "pictures")
    assert len(result["losses"]) == 1
    assert result["graph"].with_suffix("") == tmp_path / "pictures" / "digits_graph"
    assert list(tmp_path.iterdir()) == [tmp_path / "pictures"]


@pytest.mark.parametrize("name", unless_longer(BRIEFLY))
def test_training_examples_write_their_pictures_to_the_working_folder_and_say_so(run, name):
    run = run(name)
    for picture, shows in ((run.result["graph"], "graph"), (run.result["curve"], "curve")):
        assert Path(picture).stem == f"{name}_{shows}"
        assert drawn(run.folder / picture)
        assert str(picture) in run.printed


@pytest.mark.parametrize("name", unless_longer(BRIEFLY))
def test_training_reduces_the_loss(run, name):
    losses = run(name).result["losses"]
    assert losses[-1] < 0.9 * losses[0]


QUICK = ("regression", "data_parallel")  # the rest take two seconds each


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.thorough) for name in BRIEFLY]
)
def test_a_compiled_run_is_the_eager_one_to_the_bit(name, tmp_path, capsys):
    least = BRIEFLY[name] | {"epochs": 1}
    least |= {"count": 500} if "count" in least else {}
    least |= {"characters": 30_000} if "characters" in least else {}
    compiled, eager = (load(name).main(**least, compile=flag, out=tmp_path)["losses"] for flag in (True, False))
    assert compiled == eager


def test_the_network_predicts_disease_progression_about_as_well_as_linear_regression(run):
    result = run("regression").result
    assert result["network"] > 0.45
    assert abs(result["network"] - result["linear regression"]) < 0.05


@pytest.mark.thorough
def test_the_network_of_the_grid_search_classifies_the_wines(run):
    run = run("pipeline")
    assert all(score > 0.9 for score in run.result["scores"].values())
    assert drawn(run.folder / run.result["network"])


@pytest.mark.thorough
def test_a_network_that_comes_from_a_file_learns_new_digits_better_than_one_that_knows_nothing(run):
    run = run("fine_tune")
    scores = run.result["scores"]
    assert scores["imported"] > max(0.9, scores["knows nothing"] + 0.02)
    assert "class Network(nn.Module)" in (run.folder / run.result["source"]).read_text(encoding="utf-8")
    assert drawn(run.folder / run.result["graph"])


@pytest.mark.onnx
def test_an_exported_network_answers_in_a_runtime_as_it_does_here(run):
    run = run("export_to_onnx")
    result = run.result
    assert result["test"] > 0.95
    assert result["difference"] < 1e-5
    np.testing.assert_array_equal(result["served"], result["ours"])
    assert (run.folder / result["file"]).stat().st_size < 100_000
    assert drawn(run.folder / result["graph"])


def test_the_convolutional_network_reads_nearly_all_digits_after_three_epochs(run):
    assert run("digits_cnn").result["test"] >= 0.95


@pytest.mark.thorough
def test_labels_are_predicted_better_than_by_always_no(run):
    run = run("labels")
    assert run.result["labels right"] > run.result["always no"] + 0.03
    assert "<svg" in (run.folder / run.result["shown"]).read_text(encoding="utf-8")


@pytest.mark.thorough
def test_reviews_are_classified_better_with_the_order_of_their_words(run):
    result = run("reviews").result
    assert result["test"] > result["without order"] + 0.1


@pytest.mark.thorough
def test_dates_are_translated_without_a_mistake(run):
    run = run("dates")
    assert run.result["right"] > 0.9
    assert "<svg" in (run.folder / run.result["shown"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", unless_longer(["language_model", "transformer"]))
def test_letters_are_predicted_better_than_by_their_frequencies(run, name):
    result = run(name).result
    assert result["bits"] < result["single"] - 0.5


@pytest.mark.thorough
def test_the_language_model_writes_with_the_weights_that_it_saved(run):
    run = run("language_model")
    saved = mg.load(run.folder / "language_model.npz")
    for name, parameter in run.result["model"].named_parameters():
        np.testing.assert_array_equal(saved[name], parameter.detach().numpy())

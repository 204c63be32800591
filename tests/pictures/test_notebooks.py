"""Claims about notebooks: a cell that ends in a picture, a page or a plot shows it, and so does `show`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import micrograd_np as mg

ROOT = str(Path(mg.__file__).parents[1])
MADE = """
import micrograd_np as mg
w = mg.Tensor(3.0, requires_grad=True, name="w")
z = (w * 2).sigmoid()
net = mg.nn.Linear(2, 1)
history = mg.History()
history.add({"loss": 2.0})
"""
SHOWN = {  # each with what it shows and what is in it
    "mg.draw(z)": ("image/svg+xml", "σ("),
    "mg.draw_network(net)": ("image/svg+xml", "Linear(2 → 1)"),
    "mg.draw(net)": ("image/svg+xml", "Linear(2 → 1)"),
    "mg.draw_steps(z)": ("text/html", "<iframe"),
    "history.plot()": ("image/svg+xml", "Matplotlib"),
}
SHOWN |= {f"{line}.show()": said for line, said in SHOWN.items() if "steps" not in line}

pytest.importorskip("pygraphviz", reason="pip install 'micrograd_np[render]' brings a Graphviz along")
pytest.importorskip("matplotlib", reason="pip install 'micrograd_np[examples]' brings matplotlib")
reason = "pip install 'micrograd_np[notebooks]' brings nbclient, ipykernel and marimo"


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ROOT)


def shows(cell, line):
    """Whether the outputs of a cell are what `line` shows."""
    (output,) = cell["outputs"]
    text = json.dumps(output["data"], ensure_ascii=False)
    assert all(word in text for word in SHOWN[line]), line


def test_jupyter_shows_everything():
    nbclient = pytest.importorskip("nbclient", reason=reason)
    nbformat = pytest.importorskip("nbformat", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    cells = [nbformat.v4.new_code_cell(cell) for cell in (MADE, *SHOWN)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    for line, cell in zip(SHOWN, notebook.cells[1:], strict=True):
        shows(cell, line)


def test_marimo_shows_everything(tmp_path):
    pytest.importorskip("marimo", reason=reason)
    pytest.importorskip("nbformat", reason=reason)
    cells = [f"{MADE}\nreturn mg, z, net, history", *SHOWN]
    texts = ["\n    ".join(["@app.cell\ndef _(mg, z, net, history):", *cell.strip().splitlines()]) for cell in cells]
    texts[0] = texts[0].replace("mg, z, net, history", "", 1)
    program = "\n\n".join(["import marimo\napp = marimo.App()", *texts])
    (tmp_path / "notebook.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "marimo", "export", "ipynb", "notebook.py", "-o", "out.ipynb", "--include-outputs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out.ipynb").read_text(encoding="utf-8"))["cells"]
    for line, cell in zip(SHOWN, found[1:], strict=True):
        shows(cell, line)


BARE = {**os.environ, "PATH": "", "PYTHONPATH": ROOT}
WITHOUT_ENGINE = f"""
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if "graphviz" in name else find(name, *more)
{MADE}
for picture in (mg.draw(z), mg.draw_network(net)):
    (said,) = picture._repr_mimebundle_().values()
    print(said)
picture.show()
assert "&lt;svg" in mg.draw_steps(z)._repr_html_()
"""


def test_without_an_engine_a_notebook_says_in_words_what_to_install(tmp_path):
    command = [sys.executable, "-W", "error", "-c", WITHOUT_ENGINE]
    done = subprocess.run(command, env=BARE, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pip install 'pygraphviz>=2'") == 2
    assert done.stdout.count(".save('graph.gv')") == 2
    assert "picture.gv instead of" in done.stderr

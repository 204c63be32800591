"""Claims about notebooks: a cell that ends in a plot shows it, in Jupyter and in marimo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import micrograd_np as mg

ROOT = str(Path(mg.__file__).parents[1])
CELL = """
import micrograd_np as mg
history = mg.History()
history.add({"loss": 2.0})
history.add({"loss": 1.0})
"""

pytest.importorskip("matplotlib")


def test_jupyter_shows_a_plot(monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", ROOT)
    cells = [f"{CELL}\nhistory.plot()", "history.plot().show()"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    for cell in notebook.cells:
        shown = cell.outputs[-1]["data"]
        assert shown["image/svg+xml"].startswith("<?xml")
        assert shown["image/png"]
        assert shown["text/plain"].startswith("<Plot of loss")


def test_marimo_shows_a_plot(tmp_path):
    pytest.importorskip("marimo")
    code = f"""{CELL}
from marimo._output.formatters.formatters import register_formatters
from marimo._output.formatting import get_formatter
register_formatters()
kind, content = get_formatter(history.plot())(history.plot())
import json
print(kind, "<svg" in json.dumps(content))
"""
    environment = {**os.environ, "PYTHONPATH": ROOT}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split()[1:] == ["True"], done.stdout + done.stderr

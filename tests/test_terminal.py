"""A terminal or a redirect whose encoding lacks our signs shows them spelled in ASCII, and nothing dies of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from together import sparing

ROOT = Path(__file__).parents[1]
HEAD = "import sys, numpy as np, micrograd_np as mg; from micrograd_np import nn\n"


def printed(code, encoding):
    """What a program writes to a standard output of that encoding."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", HEAD + code], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode(encoding.partition(":")[0])


PRINTING = {
    "explain": "x = mg.Tensor([1.0, 2.0], requires_grad=True); print(mg.explain((x.sigmoid() - 1).square().sum()))",
    "summary": "print(mg.summary(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), np.ones((1, 2))))",
    "a rule": "print(mg.ops.transcendental.sigmoid.label, repr(mg.ops.elementwise.subtract.label))",
    "a message": "try: mg.Tensor([0.5]).sum(axis=3)\nexcept Exception as error: print(error, '− σ')",
    "a name": "print(mg.Tensor([1.0], name='θ'))",
    "a script of the user's": "print('14 Mar 97 → 1997-03-14, R² 0.5')",
    "a written stream": "sys.stdout.write(f'{mg.explain(mg.Tensor(2.0, requires_grad=True) * 3)}')",
}


@pytest.mark.parametrize("encoding", sparing(["ascii", "cp1252", "latin-1", "cp437"], 4))
def test_nothing_that_is_printed_dies_of_an_encoding(encoding):
    shown = printed("\n".join(f"{code}\nprint('&')" for code in PRINTING.values()), encoding)
    texts = shown.split("&")
    assert len(texts) == len(PRINTING) + 1
    assert all(text.strip() for text in texts[:-1])


def test_a_formula_is_spelled_where_it_cannot_be_shown():
    text = printed(PRINTING["explain"], "cp1252")
    assert "dz_4/dz_4 = 1" in text
    assert "\\u" not in text
    assert "∂z₄/∂z₄ = 1" in printed(PRINTING["explain"], "utf-8")


def test_a_choice_that_somebody_made_for_the_stream_is_kept():
    assert "?z?/?z?" in printed("print(mg.explain(mg.Tensor(2.0, requires_grad=True) * 3))", "ascii:replace")
    assert printed("print(sys.stdout.errors)", "utf-8").strip() == "strict"


def test_a_program_without_standard_output_is_left_alone():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.stdout = None; import micrograd_np"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0


def test_every_sign_that_an_op_prints_has_a_spelling():
    text = printed(
        "from micrograd_np.core.registry import registry; from micrograd_np.core.terminal import _SPELLED\n"
        "print(sorted({c for op in registry.values() for c in op.label if ord(c) > 127} - _SPELLED.keys()))",
        "ascii",
    )
    assert text.strip() == "[]"


REDIRECTED = "import io, contextlib; raw = io.BytesIO(); out = io.TextIOWrapper(raw, encoding='cp1252', newline='')\n"
SHOWN = {
    "explain": "mg.explain((mg.Tensor([1.0], requires_grad=True).sigmoid() - 1).sum())",
    "summary": "mg.summary(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), np.ones((1, 2)))",
    "a name": "mg.Tensor([1.0], name='θ')",
    "a report": "mg.check_primitive(mg.ops.transcendental.sigmoid)",
    "a picture in words": "mg.draw(mg.Tensor([1.0], requires_grad=True).sigmoid().sum()).describe()",
}


def test_what_takes_the_place_of_standard_output_later_is_looked_at_too():
    show = "with contextlib.redirect_stdout(out): print({})\nout.flush(); print(len(raw.getvalue()))\n"
    lengths = printed("".join(REDIRECTED + show.format(thing) for thing in SHOWN.values()), "utf-8").split()
    assert len(lengths) == len(SHOWN)
    assert all(int(length) > 5 for length in lengths)


def test_an_explanation_is_written_to_any_file():
    code = "mg.explain(mg.Tensor(2.0, requires_grad=True) * 3, file=out)\n"
    code += "out.flush(); print('dz_1/dz_1' in str(raw.getvalue()))"
    assert printed(REDIRECTED + code, "utf-8").strip() == "True"


def test_a_choice_made_for_a_later_stream_is_kept():
    code = (
        "import io, contextlib; out = io.TextIOWrapper(io.BytesIO(), encoding='ascii', errors='replace')\n"
        "with contextlib.redirect_stdout(out): print(mg.Tensor([1.0], name='θ'))\nprint(out.errors)"
    )
    assert printed(code, "utf-8").strip() == "replace"

"""Signs that standard output cannot show are spelled in ASCII there, instead of ending the program.

Our tables, formulas and messages use signs such as −, σ and ∂, and a terminal or a redirect in an older encoding
(cp1252 on Windows) has none of them: `print` would raise UnicodeEncodeError. Python itself prevents this for standard
error; this module does the same for standard output, when the package is imported, and again whenever one of our
objects is printed, since standard output may have been replaced.
"""

import codecs
import io
import sys
from typing import Any

_SPELLED = {
    "−": "-", "–": "-", "─": "-", "×": "x", "∗": "*", "·": "*", "÷": "/", "⊗": "(x)", "⊙": "(.)", "±": "+-",
    "√": "sqrt ", "∛": "cbrt ", "∞": "inf", "≤": "<=", "≥": ">=", "≠": "!=", "∧": "&", "∨": "|", "⊻": "^", "¬": "~",
    "→": "->", "←": "<-", "↑": "max", "↓": "min", "∂": "d", "∇": "grad ", "Σ": "sum", "Π": "prod", "∫": "int",
    "‖": "||", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "⟨": "<", "⟩": ">", "′": "'", "…": "...", "½": "1/2",
    "²": "^2", "³": "^3", "¹": "^1", "⁻": "^-", "⁺": "^+", "ᵀ": "^T", "ˣ": "^x", "ᵖ": "^p",
    **{c: f"_{i}" for i, c in enumerate("₀₁₂₃₄₅₆₇₈₉")}, "₋": "_-",
    "α": "alpha", "β": "beta", "δ": "delta", "Δ": "Delta", "ε": "eps", "λ": "lambda", "μ": "mu", "µ": "mu",
    "ζ": "zeta", "Γ": "Gamma", "π": "pi", "σ": "sigma", "ψ": "psi", "Φ": "Phi", "ℝ": "R", "ℤ": "Z", "∠": "angle ",
}  # fmt: skip


def _spell(error: UnicodeError) -> tuple[str, int]:
    """The signs that an encoding lacks, in ASCII; a sign without a spelling here is escaped, as by Python."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_SPELLED.get(c) or ascii(c)[1:-1] for c in missing), error.end


def shown(text: str, stream: Any = None) -> str:
    """`text`, once `stream` (standard output by default) is prepared to show it."""
    if not text.isascii():
        prepare(sys.stdout if stream is None else stream)
    return text


def prepare(stream: Any) -> None:
    """Let `stream` spell what its encoding lacks, unless the program has chosen how it treats errors."""
    if (
        isinstance(stream, io.TextIOWrapper)
        and stream.errors == "strict"
        and not stream.encoding.lower().startswith("utf")
    ):
        stream.reconfigure(errors="micrograd_np")


codecs.register_error("micrograd_np", _spell)
prepare(sys.stdout)

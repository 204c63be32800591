"""Whether two programs have printed the same: numbers nearly, the rest exactly."""

import re

import numpy as np

NUMBER = re.compile(r"(?<![\w.])-?\d+\.?\d*(?:e[+-]?\d+)?")
GRAD_FN = re.compile(r",?\s*grad_fn=<\w+>")  # the name of an operation, which is each package's own


def parts(text):
    """What stands between the numbers of a text, without line breaks, and the numbers."""
    words = " ".join(GRAD_FN.sub("", text).split())
    return NUMBER.sub("#", words), [float(x) for x in NUMBER.findall(words)]


def assert_printed_alike(found, expected):
    """AssertionError unless the texts are the same, but for the last digits of their numbers."""
    (words, numbers), (others, more) = parts(found), parts(expected)
    assert words == others
    np.testing.assert_allclose(numbers, more, rtol=2e-3, atol=1e-4)

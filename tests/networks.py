"""The network of each example, with arrays to feed it, for tests that send all of them somewhere."""

import importlib.util
from functools import cache
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
NETWORKS = {  # how to make it of the example's module, the shapes and kinds of its inputs, and their open axes
    "dates": (lambda m: m.Translator(), [((3, 9), int), ((3, 7), int)], [{0: "n", 1: "t"}, {0: "n", 1: "l"}]),
    "digits_cnn": (lambda m: m.network(), [((2, 1, 8, 8), float)], [{0: "n"}]),
    "export_to_onnx": (lambda m: m.Reader(m.network()), [((2, 8, 8), int)], [{0: "n"}]),
    "fine_tune": (lambda m: m.network(10), [((2, 1, 8, 8), float)], [{0: "n"}]),
    "labels": (lambda m: m.network(), [((2, 1, 24, 24), float)], [{0: "n"}]),
    "language_model": (lambda m: m.LanguageModel(20), [((2, 7), int)], [{0: "n", 1: "t"}]),
    "pipeline": (lambda m: m.residual(13, 3), [((2, 13), float)], [{0: "n"}]),
    "regression": (lambda m: m.network(10), [((2, 10), float)], [{0: "n"}]),
    "reviews": (lambda m: m.Reader(), [((2, 7), int)], [{0: "n", 1: "t"}]),
    "reviews, without order": (lambda m: m.Counter(), [((2, 7), int)], [{0: "n", 1: "t"}]),
    "transformer": (lambda m: m.Transformer(20), [((2, 7), int)], [{0: "n", 1: "t"}]),
}
"""`digits` and `data_parallel` train two linear layers, as `regression` does; the rest have no network of layers."""


@cache
def example(name):
    """The module of an example; its command line is not run."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def network(name):
    """The network of an example in float32, in evaluation mode; its inputs; its open axes."""
    make, inputs, axes = NETWORKS[name]
    return make(example(name.partition(",")[0])).float().eval(), inputs, axes


def arrays(inputs, axes, longer, rng):
    """What to feed such a network, `longer` along its open axes."""
    for (shape, kind), opened in zip(inputs, axes, strict=True):
        sizes = [n + longer * (axis in opened) for axis, n in enumerate(shape)]
        yield rng.integers(0, 10, sizes) if kind is int else rng.normal(size=sizes).astype("float32")

"""An ONNX graph under construction: names, nodes, constants, and sizes that are known when it runs only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, defs, helper, numpy_helper

from micrograd_np.compiler.ir import Op, Value

from .declared import DECLARED
from .error import OnnxError
from .sizes import Size, Sizes

LARGEST = np.iinfo(np.int64).max
_OPSET = 18  # of which all nodes are, but for these
_NEWER = {"CumProd": 26}
_MOVES = frozenset((  # that runtimes have for all types
    "Cast", "Concat", "Expand", "Gather", "GatherElements", "GatherND", "Identity", "Reshape", "Shape", "Slice",
    "Squeeze", "Transpose", "Unsqueeze",
))  # fmt: skip
_WRAP = frozenset(("Add", "CumSum", "Einsum", "MatMul", "Mul", "Pad", "ReduceProd", "ReduceSum", "Sub", "Where"))
_OF_BOOLS = frozenset(("And", "Equal", "Not", "Or", "Xor"))


class Graph:
    """Collects nodes and initializers. Every float is of `dtype`, whatever the model computes in."""

    def __init__(self, dtype: Any, sizes: Sizes, opset: int) -> None:
        self.dtype, self.compared, self.opset = np.dtype(dtype), sizes, opset
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.names: dict[Value, str] = {}
        """By value of the program: what it is called."""
        self.types: dict[str, np.dtype[Any]] = {}
        """By name: of what type it is."""
        self.taken: set[str] = set()
        self.numbers: dict[str, int] = {}
        """By name: the last number behind it."""
        self.constants: dict[Any, str] = {}
        self.open = {name: Size(at[name] for at in sizes.lengths) for name in sizes.lengths[0]}
        """By open axis: its length."""
        self.lengths: dict[tuple[int, ...], str] = {}
        """By size: the tensor that has it."""
        self.op: Op
        """The operation that is being written."""

    @property
    def double(self) -> bool:
        """Whether floats are float64, for which runtimes lack kernels."""
        return self.dtype == np.float64

    @property
    def result(self) -> Value:
        """What the operation that is being written gives."""
        assert self.op.result is not None
        return self.op.result

    @property
    def declared(self) -> str:
        """The operator that its op declares."""
        return DECLARED[self.op.function.removeprefix("primitive.")]

    @property
    def hint(self) -> str:
        """What the user calls that."""
        return self.result.label.name

    def type_of(self, dtype: Any) -> np.dtype[Any]:
        """What an array of `dtype` is in the graph."""
        dtype = np.dtype(dtype)
        return self.dtype if dtype.kind == "f" else dtype

    def array(self, array: Any) -> Any:
        """An array as it is in the graph: contiguous, little-endian, of the graph's type."""
        array = np.asarray(array)
        dtype = self.type_of(array.dtype).newbyteorder("<")
        return np.require(array, dtype, "C")

    def fresh(self, hint: str) -> str:
        """A name that is not taken yet."""
        name = hint
        while name in self.taken:
            self.numbers[hint] = self.numbers.get(hint, 1) + 1
            name = f"{hint}_{self.numbers[hint]}"
        self.taken.add(name)
        return name

    def initializer(self, name: str, array: Any, role: str = "") -> str:
        """An array under its own name: a parameter, or in another `role`, which an importer may read."""
        name = self.fresh(name)
        array = self.array(array)
        self.initializers[name], self.types[name] = numpy_helper.from_array(array, name), array.dtype
        self.initializers[name].doc_string = role
        return name

    def constant(self, x: Any, dtype: Any = None) -> str:
        """A constant; equal ones are one. A float is of the graph's type, an int is int64, unless `dtype` says more."""
        array = self.array(np.asarray(x, dtype))
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self.constants:
            self.constants[key] = self.initializer("constant", array, "constant")
        return self.constants[key]

    def node(self, operator: str, *inputs: str, hint: str = "", outputs: int = 1, **attributes: Any) -> Any:
        """The name of what ``operator(*inputs)`` gives; a list of names if there are several outputs.

        Attributes that are None are left out. What has no kernel for its type is computed in int64: other integers,
        which wrap around at the end as NumPy's do, and bools where the operator takes none.
        """
        opset = _NEWER.get(operator, _OPSET)
        if opset > self.opset:
            raise self.refuse(f"needs the operator {operator}; pass opset={opset} or more")
        schema = defs.get_schema(operator, opset)
        formals = [schema.inputs[min(i, len(schema.inputs) - 1)] for i in range(len(inputs))]
        types = {f.type_str: self.types[name] for f, name in zip(formals, inputs, strict=True) if name}
        wide: dict[str, Any] = {}
        for formal in formals if operator not in _MOVES else ():
            dtype = types.get(formal.type_str)
            if dtype is not None and formal.type_str not in wide and not _takes(operator, formal, dtype):
                wide[formal.type_str] = dtype
                large = dtype == np.uint64 and operator not in _WRAP
                if dtype.kind == "f" or large or "tensor(int64)" not in formal.types:
                    raise self.refuse(f"of {dtype} has no equivalent; convert to another type before")
        names = [
            self.cast(n, np.int64) if n and f.type_str in wide else n for f, n in zip(formals, inputs, strict=True)
        ]
        stem = hint or operator.lower()
        results = [self.fresh(stem if not wide else operator.lower()) for _ in range(outputs)]
        settings = {k: v for k, v in attributes.items() if v is not None}
        self.nodes.append(
            helper.make_node(operator, names, results, name=self.fresh(f"{operator}/{results[0]}"), **settings)
        )
        for i, (name, formal) in enumerate(zip(results, schema.outputs, strict=False)):
            declared = types.get(formal.type_str) or _type_named(settings.get("to"), formal)
            self.types[name] = np.dtype(np.int64) if formal.type_str in wide else declared
            if formal.type_str in wide:
                results[i] = self.cast(name, declared, hint=stem)
        return results[0] if outputs == 1 else results

    def cast(self, name: str, dtype: Any, hint: str = "") -> str:
        """`name` in another type."""
        return self.node("Cast", name, to=helper.np_dtype_to_tensor_dtype(self.type_of(dtype)), hint=hint)

    def of(self, x: Any, dtype: Any = None) -> str:
        """The name of a value of the program, or of a number or an array; in `dtype`, if one is named."""
        if isinstance(x, Value):
            return self.of_type(self.names[x], x.dtype if dtype is None else dtype)
        if isinstance(x, Size):
            return self.cast(self.node("Squeeze", self.sizes([x])), np.int64 if dtype is None else dtype)
        return self.constant(x, dtype)

    def of_type(self, name: str, dtype: Any) -> str:
        """`name`, in another type where that is not its own."""
        return name if self.types[name] == self.type_of(dtype) else self.cast(name, dtype)

    def sizes(self, lengths: Sequence[int]) -> str:
        """A vector of whole numbers, of which some may be sizes."""
        if not any(isinstance(n, Size) for n in lengths):
            return self.constant(np.array([int(n) for n in lengths], np.int64))
        return self.node("Concat", *(self._size(n) for n in lengths), axis=0, hint="sizes")

    def _size(self, n: int) -> str:
        """A vector of one whole number."""
        if not isinstance(n, Size):
            return self._vector(n)
        total = self.compared.sum_of(n)
        if total is None:
            return self._measured(n)
        factors, rest = total
        terms = [self._vector(rest)] if rest or not factors else []
        for name, factor in factors.items():
            term = self._measured(self.open[name])
            for operator, number in (("Mul", factor.numerator), ("Div", factor.denominator)):
                term = term if number == 1 else self.node(operator, term, self._vector(number))
            terms.append(term)
        return reduce(lambda x, y: self.node("Add", x, y), terms)

    def _vector(self, n: Any) -> str:
        return self.constant(np.array([int(n)], np.int64))

    def _measured(self, n: Size) -> str:
        """A vector of one whole number: the length of an axis that is as long in all traces."""
        if n.values not in self.lengths:
            for v, name in self.names.items():
                axis = next(
                    (i for i, k in enumerate(self.shapes(v)) if isinstance(k, Size) and k.values == n.values), -1
                )
                if axis >= 0 and name:
                    hint = next((called for called, size in self.open.items() if size.values == n.values), "length")
                    self.lengths[n.values] = self.node("Shape", name, start=axis, end=axis + 1, hint=hint)
                    break
            else:
                raise self.refuse(
                    "needs a size that is no sum of lengths of open axes; leave one of them out of dynamic"
                )
        return self.lengths[n.values]

    def shapes(self, v: Value) -> list[int]:
        """The shape of a value, with sizes where it depends on open axes."""
        return self.compared.of(list(v.shape), [list(other.shape) for other in self.compared.partners_of(v)])

    def require_fixed(self, v: Value, axes: Iterable[int]) -> None:
        """Raise OnnxError if one of these axes of `v` is open."""
        shape = self.shapes(v)
        if any(isinstance(shape[axis], Size) for axis in axes):
            raise self.refuse("needs axes of a fixed length here; leave them out of dynamic")

    def reshape(self, name: str, shape: Sequence[int], hint: str = "") -> str:
        """`name` in another shape; one axis may be a size of any kind."""
        sizes = [n for n in shape if isinstance(n, Size)]
        products = [n for n in sizes if self.compared.sum_of(n) is None]
        free = products or sizes
        if len(free) == 1 and 0 not in shape:
            shape = [-1 if n is free[0] else n for n in shape]
        return self.node("Reshape", name, self.sizes(shape), hint=hint, allowzero=1 if 0 in shape else None)

    def slice(self, name: str, slices: Sequence[tuple[int, slice]]) -> str:
        """Parts of `name` along some axes."""
        slices = [(axis, part) for axis, part in slices if part != slice(None)]
        if not slices:
            return name
        starts, ends, axes, steps = [], [], [], []
        for axis, part in slices:
            step = 1 if part.step is None else part.step
            starts.append(part.start if part.start is not None else (0 if step > 0 else LARGEST))
            ends.append(part.stop if part.stop is not None else (LARGEST if step > 0 else -LARGEST))
            axes.append(axis)
            steps.append(step)
        return self.node("Slice", name, *map(self.sizes, (starts, ends, axes, steps)))

    def axes(self, name: str, axes: Sequence[int], operator: str) -> str:
        """`name` with axes of length 1 taken away ("Squeeze") or put in ("Unsqueeze")."""
        return self.node(operator, name, self.sizes(axes)) if axes else name

    def refuse(self, why: str) -> OnnxError:
        """The error for an operation that cannot be written, with the user's line."""
        op, hint = self.op, self.result.label.hint
        where = f" {op.where}" if op.where else ""
        name = hint if isinstance(hint, str) and hint else op.function.rpartition(".")[2]
        return OnnxError(f"export:{where}: {name} {why}.")


def _takes(operator: str, formal: Any, dtype: np.dtype[Any]) -> bool:
    """Whether runtimes have a kernel of `operator` for inputs of a type."""
    if dtype.kind == "b":
        return operator in _OF_BOOLS or list(formal.types) == ["tensor(bool)"]
    return _called(dtype) in formal.types and (dtype.kind == "f" or dtype == np.int64)


def _called(dtype: np.dtype[Any]) -> str:
    return f"tensor({ {'float32': 'float', 'float64': 'double'}.get(dtype.name, dtype.name) })"


def _type_named(to: int | None, formal: Any) -> np.dtype[Any]:
    """The type of an output that has no input's: what it is cast to, or the only one there is."""
    if to is not None:
        return np.dtype(helper.tensor_dtype_to_np_dtype(to))
    (only,) = formal.types
    return np.dtype(only.removeprefix("tensor(").removesuffix(")"))

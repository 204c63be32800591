"""`exercise`: a derivative rule of the learner's own in the place of the library's, judged or at work in a block."""

import linecache
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, wraps
from inspect import signature
from threading import get_ident
from typing import Any, Self

import numpy as np

from micrograd_np.check.report import Table
from micrograd_np.core.events import Relay
from micrograd_np.core.messages import require_type, require_value
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import Primitive
from micrograd_np.core.registry import registry
from micrograd_np.core.vertex import Vertex

from .answer import Answer, judge
from .ladder import LADDER
from .limit import limited

Rule = Callable[..., Any]


class Words(str):
    """Text that prints itself as it is."""

    __slots__ = ()

    __repr__ = str.__str__


class Exercise:
    """One derivative rule, or several of one op, written by you; see `exercise`. It prints the verdict.

    TypeError for a rule that is no function, takes other arguments, or is of an input that the op does not have.

    >>> answer = exercise("multiply")
    >>> @answer.rule("x")
    ... def by_x(g, z, x, y):
    ...     return g * y
    >>> answer.passed
    True
    """

    def __init__(self, op: Primitive[Any], rules: Mapping[str, Rule], time_limit: float) -> None:
        self.op, self.time_limit = op, time_limit
        self.rules: dict[str, Rule] = {}
        for name, rule in rules.items():
            self.rule(name)(rule)

    def rule(self, name: str) -> Callable[[Rule], Rule]:
        """A decorator: the function below is the rule of the input `name`. TypeError if there is no such input."""

        def add(rule: Rule) -> Rule:
            require_type("exercise", name, rule, callable(rule), "a function (g, z, ...) of your own")
            _twin(self.op).vjp(**{name: rule})  # which says if there is no such input
            with suppress(ValueError):  # a function of C may have no signature
                takes = signature(rule)
                try:
                    takes.bind(*("g", "z", *self.op.inputs), **dict.fromkeys(self.op.statics))
                except TypeError:
                    raise TypeError(
                        f"exercise: your rule for {name} of {self.op.name} takes {takes}, and is called as "
                        f"rule({self._arguments}). Give it these arguments, under these names."
                    ) from None
            self.rules[name] = rule
            vars(self).pop("answer", None)
            return rule

        return add

    @cached_property
    def answer(self) -> Answer:
        """What the property tests say of the rules: a table with the smallest counterexample, if there is one."""
        outer, recording = mode.events, mode.recording
        mode.set(events=Relay(), recording=True)  # for a watcher, records hold every input
        try:
            return judge(_with_rules(self), self.op, self.rules)
        finally:
            mode.set(events=outer, recording=recording)

    @property
    def passed(self) -> bool:
        """Whether there are rules, and all that is claimed of rules holds."""
        return bool(self.rules) and self.answer.passed

    def hint(self) -> str:
        """A sentence that sets you on the way."""
        step = LADDER.get(self.op.name)
        return Words(step.hint if step else "Move one input a little, and write down how far the result moves.")

    def solution(self) -> str:
        """The rules as a program. ValueError for an op that is not on the list of exercises."""
        if self.op.name not in LADDER:
            raise ValueError(f"exercise: {self.op.name} is not on the list, mg.exercise(), and has no solution there.")
        lines = [f'answer = mg.exercise("{self.op.name}")']
        for name, body in LADDER[self.op.name].solutions.items():
            *before, result = body.split("\n")
            head = f'@answer.rule("{name}")\ndef by_{name}({self._arguments}):'
            lines += ["", "\n    ".join((head, *before, f"return {result}"))]
        return Words("\n".join(lines))

    @property
    def _arguments(self) -> str:
        return ", ".join(("g", "z", *self.op.inputs, *self.op.statics))

    def _shown(self) -> Table:
        if self.rules:
            return self.answer
        step = LADDER.get(self.op.name)
        title = f"{self.op.name}: {step.formula if step else self.op.label}"
        names = ", ".join(name for name in self.op.inputs if name not in self.op.not_differentiable)
        note = (
            f"Write a rule({self._arguments}) for {names}: g is the gradient of the result z; return that of the input."
        )
        return Table(title, [], [f"  {note}", "Stuck? .hint(), and at last .solution()."])

    def __repr__(self) -> str:
        return repr(self._shown())

    def _repr_html_(self) -> str:
        return self._shown()._repr_html_()

    def __enter__(self) -> Self:
        if mode.events.on_tensors:
            raise RuntimeError(
                "exercise: a rule of your own is never compiled. Put the with block around the call of the compiled "
                "step, which then runs uncompiled."
            )
        mode.set(events=_Block(self))
        return self

    def __exit__(self, *_: object) -> None:
        block = mode.events
        assert isinstance(block, _Block)
        block.own.rules = block.op.rules  # what was recorded inside has the library's rules from now on
        mode.set(events=block.outer)


class _Block(Relay):
    """Lets each application of an op in this thread, as it is recorded, refer to the op with the learner's rules."""

    def __init__(self, exercise: Exercise) -> None:
        self.op, self.own, self.outer = exercise.op, _with_rules(exercise), mode.events

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        """Give the record of `result` the learner's rules."""
        if op is self.op and isinstance(result, Vertex) and result.node is not None and result.node.op is op:
            result.node.op = self.own
        super().applied(op, inputs, static, result)


def _twin(op: Primitive[Any]) -> Primitive[Any]:
    """The same op as another object; `copy` returns the op itself, as it does for functions."""
    twin = object.__new__(type(op))
    vars(twin).update(vars(op), _reads={})
    return twin


def _with_rules(exercise: Exercise) -> Primitive[Any]:
    """A copy of the op with the learner's rules in this thread; in any other, with the library's."""
    op = exercise.op
    read, own, thread = _twin(op), _twin(op), get_ident()
    read.vjp(**exercise.rules)

    def guarded(i: int, name: str, rule: Rule) -> Rule:
        title = f"exercise: your rule for {name} of {op.name}"

        @wraps(rule)
        def call(g: Any, z: Any, *inputs: Any, **static: Any) -> Any:
            if get_ident() != thread:
                return op.rules[i](g, z, *inputs, **static)  # type: ignore[misc]
            try:
                gx = limited(exercise.time_limit, title, rule, *map(_read_only, (g, z, *inputs)), **static)
            except Exception as error:
                if "read-only" in str(error):
                    what = f"{title} writes into what it was given ({error})"
                    raise ValueError(f"{what}. Make a new array: g * 2, and not g *= 2.") from error
                if line := _line_of(rule, error):
                    error.add_note(line)
                raise
            _check(title, name, gx, g, inputs[i], elementwise=op.shape is None)
            return gx.data if isinstance(gx, Vertex) and not isinstance(g, Vertex) else gx

        return call

    own.rules = tuple(
        guarded(i, name, exercise.rules[name]) if name in exercise.rules else rule
        for i, (name, rule) in enumerate(zip(op.inputs, op.rules, strict=True))
    )
    own.reads_of = read.reads_of  # type: ignore[method-assign]  # a guard hides what the rule itself reads
    return own


def _read_only(x: Any) -> Any:
    """A view of an array through which nothing can be written; anything else as it is."""
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def _line_of(rule: Rule, error: Exception) -> str:
    """The learner's line at which `error` was raised; "" if there is none."""
    code = getattr(rule, "__code__", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename]
    if not frames or not frames[-1].lineno:
        return ""
    text = linecache.getline(frames[-1].filename, frames[-1].lineno).strip()
    return f"It happened in your rule, line {frames[-1].lineno}{f': {text}' if text else '.'}"


def _check(title: str, name: str, gx: Any, g: Any, x: Any, *, elementwise: bool) -> None:
    """TypeError or ValueError, in a sentence, if `gx` cannot be the gradient of `x`, the input `name`."""
    if gx is None:
        raise TypeError(f"{title} returned None. End it with return and the gradient.")
    if not hasattr(gx, "shape") or not hasattr(gx, "dtype"):
        raise TypeError(f"{title} returned {type(gx).__name__}, not an array of shape {x.shape}. Compute it from g.")
    if isinstance(g, Vertex) and not isinstance(gx, Vertex):
        advice = (
            "so it has no derivative of its own. Use operators and functions of mg, and no .data, float() or .item()."
        )
        raise TypeError(f"{title} was given tensors and returned {type(gx).__name__}, {advice}")
    if gx.shape == x.shape or (elementwise and gx.shape == g.shape):
        return
    if gx.shape == x.shape[::-1]:
        advice = "It looks transposed."
    elif gx.shape == g.shape and gx.size > x.size:
        advice = (
            f"An element of {name} that went to several places gets the sum of what comes back: sum over these axes."
        )
    elif gx.size > x.size:
        advice = f"Sum over the axes that {name} does not have; a sum that is to stand beside {name} has keepdims=True."
    else:
        advice = (
            f"Each element of {name} gets its own: bring the axes back (mg.expand_dims), and repeat (mg.broadcast_to)."
        )
    raise ValueError(f"{title} returned shape {gx.shape}; {name} and its gradient have {x.shape}. {advice}")


def exercise(name: str | None = None, /, *unnamed: Any, time_limit: float = 10.0, **rules: Rule) -> Any:
    """A derivative rule to write yourself, in the place of the library's.

    `name` is that of an op, and each of `rules` the rule of one of its inputs: ``rule(g, z, *inputs, **settings)`` gets
    the gradient `g` of the result `z`, of the shape of `z`, and returns the gradient of the input, of the shape of the
    input (of `z` for an elementwise op: the library undoes broadcasting). Without a name, the list of all exercises.

    It prints the verdict of the property tests: first and second derivatives beside finite differences, dtypes, memory,
    edges. If one fails, it prints the smallest inputs for which it does, your gradient beside the numeric one, and a
    hint; never the solution, which is ``.solution()``. ``.passed`` is the verdict as a bool.

    As a context it computes with your rules: in this thread, until the block ends, by whatever way. What is computed
    inside and differentiated after has the library's rules. A compiled step that is called inside runs uncompiled, and
    its programs stay as they are. A rule that runs longer than `time_limit` seconds is stopped by TimeoutError, between
    two of Python's instructions: a single call of NumPy ends first. ValueError for an op that there is not;
    TypeError for a rule that is given without the name of its input, or takes other arguments.

    >>> import micrograd_np as mg
    >>> mg.exercise("square", x=lambda g, z, x: 2 * g * x)
    square: right.
      8 claims hold on 12 samples
    >>> x = mg.Tensor(3.0, requires_grad=True)
    >>> with mg.exercise("square", x=lambda g, z, x: g * x):
    ...     mg.square(x).backward()
    >>> x.grad
    Tensor(3.)
    """
    if name is None:
        rows = [(f"  {name}", step.formula) for name, step in LADDER.items()]
        return Table("Exercises, from easy to hard:", rows, ['Begin with mg.exercise("square").'])
    require_type("exercise", "name", name, isinstance(name, str), "the name of an op")
    op = registry.get(name)
    if op is None or op.variadic or not op.smooth:
        raise ValueError(
            f"exercise: found no op {name!r} with a derivative rule for each input. mg.exercise() lists the exercises."
        )
    if unnamed:
        raise TypeError(f"exercise: a rule comes by the name of its input: mg.exercise({name!r}, {op.inputs[0]}=rule).")
    require_value("exercise", "time_limit", time_limit, time_limit > 0, "a number of seconds above 0")
    return Exercise(op, rules, float(time_limit))

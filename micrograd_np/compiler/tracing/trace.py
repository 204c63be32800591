"""Run a step once, on real arrays, and note everything it does: forward, backward and update.

The tracer watches applications of primitives. Every one that touches a known array has its kernel recorded, NumPy call
by NumPy call. Known are the arguments, what was computed from them, the memory of tensors that existed before the step
(parameters, buffers), and what `constant` marked. Any other array would be frozen into the program: that is an error.
"""

from __future__ import annotations

import gc
import pickle
import random
import warnings
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import CodeType, FunctionType, ModuleType, NoneType
from typing import Any

import numpy as np

from micrograd_np.core.errors import complaint
from micrograd_np.core.events import QUIET, Events
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import fills
from micrograd_np.core.trees import instances, parts, with_parts
from micrograd_np.core.vertex import Vertex, grad_of, tensor_of
from micrograd_np.core.writes import clock as now
from micrograd_np.core.writes import owner_of
from micrograd_np.engine import backward as walk
from micrograd_np.engine.grad_mode import set_grad_enabled
from micrograd_np.engine.tensor import Tensor

from ..error import CompileError
from ..ir import OUTLIVES, Label, Memory, Op
from ..program import Program, UpdateGroup
from .arrays import is_alone, same, whole
from .captures import Surroundings
from .cells import Cell, Cells, Ref
from .differentiate import differentiate
from .frames import Frames, place, place_of
from .locks import Locks
from .number import RuntimeScalar
from .numbers import Fixed, Numbers
from .record import Bound, Recorded, Recorder
from .repeats import Recording, content_of, is_ours, kind_of, undisturbed
from .words import name_by_making


class Tracer(Events):
    """Watches one run of a step and builds its `Program`."""

    on_tensors = True  # backward and updates are computed on tensors, so that they are seen

    def __init__(self, name: str, around: Surroundings, whole: Collection[str]) -> None:
        self.program = Program(name)
        self.whole = whole  # primitives that are recorded as one operation each, and not call by call
        self.alone = {id(x.thing.data) for x in around.tensors() if is_alone(x.thing)}  # which nobody else holds
        self.cells = Cells(self.program.ops)
        self.recordings: dict[Any, Recording] = {}  # by what kernels branch on
        self.recorder = Recorder(self.cells, self.program.silent, self.refused)
        self.refs: dict[int, Ref] = {}
        self.kept: list[Any] = []  # what must stay alive because it is known by id
        self.alive: dict[int, Any] = {}  # results need not: they are forgotten as they die
        self.suspects: dict[int, str] = {}
        self.delivered: set[Cell] = set()
        self.names = around.names()  # what the user calls tensors, by id
        self.gradient_of: list[tuple[Ref, Ref]] = []
        self.cleared_leaves: set[int] = set()
        self.absent: dict[int, Any] = {}
        self.touched: dict[int, Any] = {}  # leaves that a gradient has reached
        self.places: dict[int, str] = {}  # by array: the user's line that computed it
        self.pulled_ops = 0
        self.frames = Frames(trace.__code__, lambda x: self.refs.get(id(x.data)))
        self.refusal: CompileError | None = None
        self.groups: dict[tuple[int, int], tuple[UpdateGroup, dict[str, Any]]] = {}  # those of the settings at hand
        self.steps: dict[int, int] = {}  # by an optimiser's state of a parameter: how many steps it has made
        self.own_leaves: dict[int, Any] = {}  # leaves of the step's own
        self.computed: dict[int, Any] = {}  # by id of a tensor that an application gave: a weak reference
        self.roots: dict[int, list[tuple[Any, Cell]]] = {}  # by what owns memory: the state that lies in it
        self.converted: list[Any] = []  # arrays that were made of lists of numbers since the last application
        self.locks = Locks()
        self.heeded: dict[str, Any] = {**np.geterr()}

    def refused(self, message: str) -> CompileError:
        """The error to raise; it will be raised at the end of the trace as well, if somebody catches it on the way."""
        self.refusal = self.refusal or CompileError(message)
        return self.refusal

    # what is known

    def input(self, name: str, array: Any) -> None:
        """An argument of the step."""
        self.program.inputs.append(self.cells.read(self._know(array, self._source("input", array, name))))

    def constant(self, array: Any, name: str = "") -> Ref:
        """An array that is the same in every call."""
        return self._know(array, self._source("constant", array, name))

    @staticmethod
    def _source(kind: str, array: Any, name: str, owner: Any = None, *, shared: bool = False) -> Ref:
        memory = Memory(kind, None if kind in ("input", "gradient") else array, owner, shared=shared)
        memory.strides = array.strides
        plain = array.flags.c_contiguous or kind == "constant"
        return Ref(Cell(array.shape, array.dtype, None if plain else array.strides, memory, Label(name)))

    def _know(self, array: Any, ref: Ref) -> Ref:
        self.refs[id(array)] = ref
        self.kept.append(array)
        return ref

    def _know_while_alive(self, array: Any, ref: Ref) -> None:
        """A trace holds no memory that eager would have given back by now."""
        key = id(array)
        refs, alive = self.refs, self.alive

        def forget(_: Any) -> None:
            refs.pop(key, None)
            alive.pop(key, None)

        refs[key], alive[key] = ref, weakref.ref(array, forget)

    def ref(self, x: Any) -> Any:
        """What the program knows an operand as; itself, where it is a plain number."""
        if isinstance(x, RuntimeScalar):
            return x
        array = x.data if isinstance(x, (Vertex, Numbers, Fixed)) else x
        if not isinstance(array, np.ndarray):
            return x
        ref = self.refs.get(id(array))
        if ref is not None:
            return ref
        if isinstance(x, Vertex) and id(array) not in self.suspects and self.computed.get(id(x), NoneType)() is not x:
            return self.state(x)
        return self._cast(array) or self._refuse(array)

    def value(self, x: Any) -> Any:
        """What an operand holds now; itself, where it is a plain number."""
        ref = self.ref(x)
        return self.cells.read(ref) if isinstance(ref, Ref) else ref

    def _know_copy(self, array_made: Any, array: Any) -> Any:
        self.cells.where = self.frames.place()
        copied = self.recorder.lift(self.refs[id(array)], array).astype(array_made.dtype)
        self._know(array_made, copied._ref)
        return array_made

    def _cast(self, array: Any) -> Ref | None:
        """The value of an array that eager has just made of that of a list, of another type; None if there is none."""
        for array_made in self.converted:
            if array_made.dtype != array.dtype and same(array_made.astype(array.dtype), array):
                return self.refs[id(self._know_copy(array, array_made))]
        return None

    def state(self, x: Any) -> Ref:
        """A tensor from before the step: its memory is read, and perhaps written, anew in each call."""
        array = x.data
        notes = x.notes or {}
        if notes.get("constant"):
            return self.constant(array, x.name or "")
        owner = self._owner(x)
        if owner is not None:
            return self._gradient(owner, x)
        ref = self._source("state", array, self.called(x), x, shared=id(array) not in self.alone)
        self.program.states[id(x)] = (x, self.cells.read(ref))
        self._mirror(array, ref.cell)
        self._know(array, ref)
        self.kept.append(x)
        self.locks.keep(self.called(x) or "a tensor", array)
        self._refuse_silent_writes(array)
        return ref

    def _mirror(self, array: Any, cell: Cell) -> None:
        """Note which state lies in the same memory as `array`: what is written into one is seen in the other."""
        beside = self.roots.setdefault(id(owner_of(array)), [])
        for other, mirrored in beside:
            if np.may_share_memory(array, other):
                self.cells.mirror(cell, mirrored)
        beside.append((array, cell))

    def called(self, x: Any) -> str:
        """What the user calls a tensor from before the step."""
        return self.names.get(id(x)) or x.name or ""

    def _owner(self, x: Any) -> Any:
        """Whose gradient `x` is, if it is one from before the step."""
        if x.op is None and not x.requires_grad and x.name is None and type(x) is Tensor:
            for owner in gc.get_referrers(x):
                if isinstance(owner, Vertex) and grad_of(owner) is x:
                    return owner
        return None

    def _gradient(self, owner: Any, x: Any) -> Ref:
        """The gradient that a leaf brings along: another array in each call."""
        ref = self._know(x.data, self._source("gradient", x.data, f"{self.called(owner)}_grad", owner))
        self.program.gradients_in.append((owner, self.cells.read(ref)))
        return ref

    def _refuse(self, array: Any) -> Ref:
        where_made = self.suspects.get(id(array), "")
        where = place() or self.program.name
        message = (
            f"compile: {where} uses an array of shape {array.shape}{where_made} that the step neither received nor "
            f"owns; its values would be frozen. Pass it as an argument, draw it with mg.random, or say "
            f"mg.constant(array)."
        )
        raise self.refused(message)

    # events

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        """Record the kernel of `op` on `inputs`; its outcome is the value of `result`."""
        data = result.data if isinstance(result, Vertex) else result
        if not isinstance(data, np.ndarray):
            return
        random = bool(static) and any(map(_is_generator, static.values()))
        if not random and not any(isinstance(x, (Vertex, RuntimeScalar, np.ndarray)) for x in inputs):
            self.constant(data, f"{op.name}_constant")
            return
        self.recorder.spared = False
        done = self._run(op, inputs, static, data)
        label = done._ref.label
        if done._array is not data and not self.recorder.spared and not random and not same(done._array, data):
            message = f"compile: the kernel of {op.name} gives other values with a destination than without one."
            raise self.refused(message)
        if not label.hint:
            label.hint = op.name
        if isinstance(result, Vertex) and result.name:
            label.name = label.name or result.name
        self.converted.clear()
        self.locks.lock(data)
        self.places[id(data)] = self.cells.where
        self._know_while_alive(data, done._ref)
        if isinstance(result, Vertex):
            self.computed[id(result)] = weakref.ref(result)

    def _run(self, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any], sample: Any) -> Recorded:
        recorder = self.recorder
        self.cells.where = self.frames.place()
        operands = [self._operand(x, sample) for x in inputs]
        if op.name in self.whole:
            return recorder.call(f"primitive.{op.name}", partial(op.kernel, np, ...), tuple(operands), dict(static))
        done = self._recorded(op, inputs, operands, static, sample)
        if not isinstance(done, Recorded):  # a kernel that only looked at shapes
            array = np.asarray(done)
            done = recorder.lift(self._source("constant", array, ""), array)
        return done

    def _recorded(
        self, op: Any, inputs: Any, operands: list[Any], static: Mapping[str, Any], sample: Any, target: Any = None
    ) -> Any:
        """What the kernel gives, or has written into `target`: it runs, or repeats what it did on others of a kind."""
        recorder, words, writes = self.recorder, self.recorder.words, target is not None
        if (now := np.geterr()) != self.heeded:  # the step is silent here, so the program will be
            recorder.silence(**{k: "ignore" for k, how in now.items() if how == "ignore" != self.heeded[k]})
        involved = [target, *operands] if writes else operands
        kind = kind_of(op, involved, static, sample, writes=writes)
        refs = [x._ref for x in involved if type(x) is Recorded]
        recording = self.recordings.get(kind)
        if recording is not None and recording.repeatable:
            return recorder.lift(recording.repeat(refs, self.cells, words), sample)
        begin, said, copies = len(self.program.ops), len(words.said), len(words.copies)
        before = list(map(content_of, refs))
        out = target if writes else recorder.destination(sample, operands if is_ours(op) else ())
        settings = {k: Bound(recorder, v) if _is_generator(v) else v for k, v in static.items()}
        with np.errstate(all="ignore"):  # samples need not be right; the op has warned already
            done = recorder.run(op.kernel, out, *operands, **settings)
            if writes and not (isinstance(done, Recorded) and fills(done._array, sample)):
                recorder.xp.copyto(out, done)
        self._note_words(begin, op, inputs, static)
        done = out if writes or done is None else done
        ops = self.program.ops[begin:]
        if kind is not None and isinstance(done, Recorded) and undisturbed(refs, before, ops, writes=writes):
            heard, copied = words.said[said:], words.copies[copies:]
            self.recordings[kind] = Recording(refs, before, ops, done._ref, heard, copied)
        return done

    def _note_words(self, begin: int, op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> None:
        """Where values may be refused, indices and exponents among integers or singular matrices: what eager says."""
        arrays = [x.data if isinstance(x, Vertex) else x for x in inputs]
        ops = self.program.ops[begin:]
        indexed = any(isinstance(a, np.ndarray) and a.dtype.kind in "iu" for a in arrays)
        if indexed or any("np.linalg." in one.function for one in ops):
            refusal = str(complaint(op, IndexError("\0"), inputs, static)).replace("\0.", "\0")
            for one in ops:
                one.refusal = refusal

    def _operand(self, x: Any, sample: Any) -> Any:
        ref = self.ref(x)
        if isinstance(ref, RuntimeScalar):
            return self._number(ref, sample)
        if not isinstance(ref, Ref):
            return ref
        return self.recorder.lift(ref, x.data if isinstance(x, (Vertex, Numbers, Fixed)) else x)

    def _number(self, number: RuntimeScalar, sample: Any) -> Recorded:
        """A runtime number as a 0-d array of the type that NumPy would give the bare number here (NEP 50)."""
        dtype = sample.dtype
        ref = number.refs.get(dtype)
        if ref is None:
            ref = number.refs[dtype] = self._source("number", np.asarray(number.number, dtype), number.name, number)
            numbers = number.group.numbers
            numbers[number.name if number.name not in numbers else f"{number.name}:{dtype}"] = self.cells.read(ref)
        return self.recorder.lift(ref, np.asarray(number.number, dtype))

    def writes(self, target: Any) -> None:
        """All that has been written into `target` so far was written by lines, and so is what follows."""
        self._refuse_silent_writes(target.data)
        self.locks.unlock(target.data)

    def written(self, op: Any, target: Any, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> None:
        """Record the kernel of `op` with the memory of `target` as its destination. It has already run for real."""
        self.locks.accept(target.data)
        self.locks.lock(target.data)
        recorder = self.recorder
        recorder.spared = False
        sample = recorder.sample(target.data)  # values differ by now; only shapes matter for recording
        out = recorder.lift(self.ref(target), sample)
        self.cells.where = self.frames.place()
        itself = [isinstance(x, Vertex) and x.data is target.data for x in inputs]
        operands = [out if same else self._operand(x, sample) for x, same in zip(inputs, itself, strict=True)]
        self._recorded(op, inputs, operands, static, sample, out)

    def numbers_read(self, array: Any) -> None:
        """The numbers of a list decide something: there is a program for each."""
        self.program.inspected.add(id(array))

    def numbers_copied(self, copy: Any, array: Any = None) -> None:
        """A list, whose numbers may be others in each call, or a tuple, by which calls are told apart."""
        if array is None:
            self.constant(copy)
        elif id(array) in self.refs:
            self._know_copy(copy, array)
        else:  # a list that the step itself has written out for a compiled function
            return
        self.converted.append(copy)

    def named(self, t: Any, name: str) -> None:
        """What an op has given gets a name."""
        ref = self.refs.get(id(t.data))
        if ref is not None and ref.cell.memory is None:
            ref.label.name = ref.label.name or name

    def checked(self, rule: Callable[..., None], x: Any, settings: tuple[Any, ...]) -> None:
        """Values have been looked at: so will they be in each call, where they may be others."""
        if self.ref(x).kind != "constant":
            self.cells.where = self.frames.place()
            op = Op(f"routine.{rule.__name__}", rule, (self.value(x), *settings), {}, None, "check")
            self.cells.append(op).must_run = True

    def computes(self, x: Any) -> bool:
        """Whether `x` is a tensor that is another one in each call."""
        ref = self.refs.get(id(x.data if isinstance(x, Vertex) else x))
        return ref is not None and ref.kind not in ("state", "constant")

    def created(self, tensor: Any) -> None:
        """A tensor made inside the step from an array that nobody knows: an error if it is ever used."""
        self.own_leaves[id(tensor)] = tensor
        if id(tensor.data) not in self.refs and self._cast(tensor.data) is None:
            self.suspects[id(tensor.data)] = f" (made at {place()})"
            self.kept.append(tensor.data)

    def detached(self, old: Any, new: Any) -> None:
        """The same memory: known by its array already."""
        self.own_leaves[id(new)] = new

    def rebound(self, target: Any, before: Any, z: Any) -> None:
        """An in-place write that went through the graph: arrays tell all, but `target` is another array now."""
        ref = self.refs.get(id(before.data))
        own = self.computed.get(id(target), NoneType)() is target or id(target) in self.own_leaves
        if ref is not None and ref.kind == "state" and not own:
            name = self.called(target) or f"a tensor of shape {before.shape}"
            message = (
                f"compile: {place()} makes {name}, which was there before the step, a part of the graph, since what is "
                f"written into it requires a gradient; a compiled step would do that only this once. Detach what is "
                f"written, inside no_grad(), or compute a new tensor and return it."
            )
            raise self.refused(message)

    def exported(self, tensor: Any, what: str) -> None:
        """A value leaves for Python, where it could decide something."""
        if id(tensor.data) in self.refs and self.refs[id(tensor.data)].kind == "constant":
            return
        message = (
            f"compile: {place() or self.program.name} asks for the value of a tensor ({what}); a compiled step cannot "
            f"follow what Python does with it. Return the tensor and look at it outside, or choose with mg.where; "
            f"to index an array with a tensor, make the array mg.constant(array)."
        )
        raise self.refused(message)

    def pulled(self, z: Any, x: Any, g: Any, gx: Any) -> None:
        """A gradient: named after what it is the gradient of."""
        ref, of = self.refs.get(id(gx.data)), self.refs.get(id(x.data))
        if ref is not None and of is not None:
            self.gradient_of.append((ref, of))
        where = self.places.get(id(z.data))
        if where:  # a derivative belongs to the line whose derivative it is
            for op in self.program.ops[self.pulled_ops :]:
                op.where = where
        self.pulled_ops = len(self.program.ops)

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """What is recorded inside belongs to the section `name`: backward, update."""
        self.cells.section = name
        self.pulled_ops = len(self.program.ops)
        try:
            yield
        finally:
            self.cells.section = f"after the {name}"

    def training(self, module: Any, flag: bool) -> None:
        """A module's mode decided something."""
        if not any(m is module for m, _ in self.program.modes):
            self.program.modes.append((module, flag))

    # gradients and optimisers

    def deliver(self, leaf: Any, g: Any) -> None:
        """A gradient reaches a leaf: as eager does it, in memory of its own."""
        before = grad_of(leaf)
        if before is not None:
            if id(before.data) not in self.refs:
                self._gradient(leaf, before)
            g = before + g
        else:
            self.without(leaf)
            ref = self.ref(g)
            self.locks.unlock(g.data)
            if ref.cell in self.delivered or ref.kind != "buffer" or not whole(g.data):
                g = self._in_own_memory(g.data.copy("K"), self.cells.read(ref))
        ref = self.ref(g)
        self.delivered.add(ref.cell)
        self.gradient_of.append((ref, self.ref(leaf)))
        leaf._grad = g
        self.touched[id(leaf)] = leaf
        self.locks.lock(g.data)
        self.locks.keep(f"the gradient of {self.called(leaf) or 'a tensor'}", g.data)

    def without(self, leaf: Any) -> None:
        """The step relies on `leaf` having no gradient: a condition, unless it has seen to that itself."""
        if id(leaf) not in self.cleared_leaves and id(leaf) not in self.touched and not self._inside(leaf):
            self.absent[id(leaf)] = leaf

    def _inside(self, leaf: Any) -> bool:
        """Whether the step has made this leaf, so that it is another one in every call."""
        ref = self.refs.get(id(leaf.data))
        return id(leaf) in self.own_leaves or (ref is not None and ref.kind not in ("state", "input"))

    def backward(self, root: Any, seed: Any, deliver: Callable[[Any], Any], **settings: Any) -> bool:
        """Walk on tensors."""
        with self.section("backward"):
            if not isinstance(seed, Tensor):
                self.constant(seed)
                seed = tensor_of(seed)
            walk.pull(root, seed, deliver(self.deliver), lifted=True, **settings)
        return True

    def zeroed(self, leaf: Any) -> bool:
        """The gradient of `leaf` is zeros, which are the same in every call."""
        leaf._grad = self._in_own_memory(np.zeros_like(leaf.data), 0)
        self.refs[id(leaf._grad.data)].label.hint = "zeros"
        return True

    def _in_own_memory(self, array: Any, content: Any) -> Tensor:
        """A tensor of `array`, into which the program copies `content`: laid out as eager lays it out."""
        self.cells.where = self.frames.place()
        own = self.recorder.destination(array)
        self.cells.compute("copy", np.copyto, (content,), {}, own._ref, array)
        self._know_while_alive(array, own._ref)
        return tensor_of(array)

    def unrecorded(self, name: str) -> None:
        """What NumPy computes outside the graph would be the same in every call."""
        raise TypeError(f"{name}: is not traced; what it gives would be frozen into the compiled program.")

    def repeated(self, name: str) -> None:
        """How often something is repeated would be the same in every call."""
        raise RuntimeError(
            f"{name}: a step cannot be compiled, how many iterations it makes depends on the values. Run it eagerly."
        )

    def cleared(self, leaf: Any) -> None:
        """The step forgets the gradient of `leaf`, whatever it was."""
        self.cleared_leaves.add(id(leaf))
        self.touched[id(leaf)] = leaf
        self.kept.append(leaf)

    def optimizer_step(self, optimizer: Any) -> bool:
        """One step of an optimiser, its numbers left open."""
        with self.section("update"), set_grad_enabled(False):
            for settings in optimizer.param_groups:
                self.groups.clear()
                for p in settings["params"]:
                    if p._grad is not None:
                        self._update(optimizer, settings, p)
                    else:
                        self.without(p)
        return True

    def _update(self, optimizer: Any, settings: dict[str, Any], p: Any) -> None:
        """The update of one parameter; all with the same step number are one group."""
        state = optimizer.state.get(p, {})
        if len(state) <= len(optimizer.kept(settings)):
            state = optimizer.started(p, settings)
        t = state["step"] = state["step"] + 1
        before = self.steps.get(id(state), 0)
        self.steps[id(state)] = before + 1
        if (t, before) not in self.groups:
            self.groups[t, before] = self._group(optimizer, settings, t)
        group, numbers = self.groups[t, before]
        group.before = before
        group.states.append(state)
        group.params.append(p)
        arrays = {k: self._slot(optimizer, p, k, v) for k, v in state.items() if isinstance(v, np.ndarray)}
        self.ref(p)
        begin = len(self.program.ops)
        optimizer.update(p, p._grad, {**state, **arrays}, **numbers)
        unit = (self.program.groups.index(group), len(group.states) - 1)
        for op in self.program.ops[begin:]:
            op.unit = unit

    def _group(self, optimizer: Any, settings: dict[str, Any], t: int) -> tuple[UpdateGroup, dict[str, Any]]:
        group = UpdateGroup(optimizer, settings, [], dict(settings))
        self.program.groups.append(group)
        numbers: dict[str, Any] = {}
        for name, x in optimizer.numbers(settings, t).items():
            if isinstance(x, (float, int)) and not isinstance(x, bool):
                numbers[name] = RuntimeScalar(name, float(x), group)
            else:
                numbers[name] = group.fixed[name] = x
        return group, numbers

    def _slot(self, optimizer: Any, p: Any, name: str, array: Any) -> Tensor:
        if id(array) not in self.refs:
            ref = self._know(array, self._source("state", array, f"{self.called(p)}_{name}", (p, name, optimizer)))
            self.program.states[id(array)] = (None, self.cells.read(ref))
        return tensor_of(array)

    def leaf(self, x: Any) -> Any:
        """A leaf that the step returns as it is: that very tensor, as eagerly, so that gradients reach it."""
        ref = self.ref(x)
        if ref.kind == "input":
            message = (
                f"compile: {self.program.name} returns an argument that requires a gradient as it is; the program "
                f"would return a copy, from which no gradient leads back. Return x * 1, or leave it out."
            )
            raise self.refused(message)
        return x if ref.kind == "state" else self.cells.read(ref)

    def finish(self, result: Any) -> Program:
        """Complete the program with what the step returned and the gradients it left."""
        program = self.program
        for group in program.groups:
            changed = [name for name, x in group.group.items() if group.settings.get(name, x) is not x]
            if changed:
                message = (
                    f"compile: {program.name} changes {', '.join(changed)} of its optimiser after the step (a "
                    f"scheduler's step()?); that is Python's work, which a compiled step would do "
                    f"only this once. Do it outside."
                )
                raise self.refused(message)
        self._refuse_silent_writes()
        kinds = {x.result_type for x in instances(result, Vertex)}
        program.kind = next(iter(kinds - {Tensor}), None)
        program.results = _with_values(result, self)
        program.gradients_absent = list(self.absent.values())
        for leaf in self.touched.values():
            if not self._inside(leaf):
                g = grad_of(leaf)
                if g is not None and self.ref(g).cell not in self.delivered:  # which the step has put there itself
                    g = self._in_own_memory(g.data.copy("K"), self.value(g))
                program.gradients_out.append((leaf, None if g is None else self.value(g)))
        program.states = {key: (t, v if v.op is None else v.op.args[0]) for key, (t, v) in program.states.items()}
        for cell in {ref.cell: None for ref in self.refs.values()}:
            memory, content = cell.memory, cell.content
            if memory and content and memory.kind in OUTLIVES and content.root.memory is not memory:
                program.stores[memory] = content
        self._name()
        _check_early(program)
        return program

    def _name(self) -> None:
        """Names as in the user's functions; else hints: what kernels say, of what it is a gradient, how it is made."""
        for name, ref in self.frames.names():
            ref.label.name = ref.label.name or name
        self.recorder.words.tell()
        for ref, of in self.gradient_of:
            if not ref.label.name:
                ref.label.hint = ("d", of.label)
        for op in self.program.ops:  # a gradient that is computed transposed is called so
            if op.function == "attribute.T" and op.result is not None:
                z, x = op.result.label, op.args[0].label
                if isinstance(z.hint, tuple) and z.hint[0] == "d" and isinstance(x.hint, str):
                    x.hint = ("T", z)
        name_by_making(self.program)

    def _refuse_silent_writes(self, array: Any = None) -> None:
        """Raise CompileError if memory that the step relies on, that of `array` or any, was changed by no operation."""
        name = self.locks.changed(array)
        if name is not None:
            raise self.silent_write(name)

    def silent_write(self, name: str) -> CompileError:
        """The error to raise where NumPy writes into `name`."""
        message = (
            f"compile: {self.program.name} changes {name} by arithmetic of NumPy's own, such as an assignment to a "
            f"part of its data; no program can know of that, and it would be done only this once. Write with the "
            f"tensor itself inside no_grad(): w -= ..., w[0] = ..., w.copy_(...)."
        )
        return self.refused(message)


def _is_generator(x: Any) -> bool:
    """Whether a setting is a generator of random numbers."""
    return hasattr(x, "bit_generator")


def _check_early(program: Program) -> None:
    """Move checks of what is there by then before whatever writes memory that outlives the step."""
    ops = program.ops
    lasting: set[Any] = {*program.inputs, *(v for _, v in (*program.gradients_in, *program.states.values()))}
    for op in ops:
        if op.effect == "update" and op.of is not None and op.of.root in lasting:
            lasting.add(op.result)
    lasting |= {v.root for v in program.stores.values()}
    for check in [op for op in ops if op.effect == "check"]:
        at = ops.index(check)
        ready = max((i for i, op in enumerate(ops[:at]) if op.result in check.reads), default=-1)
        ops.insert(next((i for i in range(ready + 1, at) if ops[i].result in lasting), at), ops.pop(at))


def _with_values(tree: Any, tracer: Tracer) -> Any:
    if isinstance(tree, Vertex) and tree.requires_grad and tree.op is None and mode.recording:
        return tracer.leaf(tree)
    if isinstance(tree, (Vertex, np.ndarray)):
        return tracer.value(tree)
    if isinstance(tree, (Numbers, Fixed)):
        return tree[:]
    held = parts(tree)
    if held is not None:
        return with_parts(tree, [_with_values(x, tracer) for x in held.values()])
    if any(tracer.computes(x) for x in _reached(tree)):
        message = (
            f"compile: {tracer.program.name} returns a {type(tree).__name__} with tensors in it, and a program could "
            f"not make another. Return the tensors themselves, in a tuple, list, dict, dataclass or namespace."
        )
        raise tracer.refused(message)
    return tree


def _reached(x: Any) -> list[Any]:
    """What an object holds, and what that holds: attributes, elements, variables; a good many at most."""
    things, seen = [x], {id(x)}
    for y in things:
        if isinstance(y, (type, ModuleType, CodeType, Vertex, np.ndarray)) or len(things) > _MANY:
            continue
        around = (y.__closure__, y.__defaults__) if isinstance(y, FunctionType) else gc.get_referents(y)
        for part in around:
            if part is not None and id(part) not in seen:
                seen.add(id(part))
                things.append(part)
    return things


_MANY = 10_000  # objects among which computed tensors are looked for

_NOISE = (
    "compile: while {} was traced, somebody drew from Python's or NumPy's global generator of random numbers, or from "
    "one that the step knows. If it was the step, its numbers will be the same in every call: draw with mg.random, or "
    "pass them as arguments."
)


def _drawn(generators: Iterable[Any]) -> dict[int, bytes]:
    """Where generators of random numbers stand, the global ones of Python and NumPy among them."""
    states = {0: pickle.dumps((random.getstate(), np.random.get_state()))}  # noqa: NPY002  drawn from by mistake
    return states | {id(x): pickle.dumps(x) for x in generators}


def _differentiated(tracer: Tracer, result: Any, floor: int) -> Any:
    """The backward pass of the result; CompileError where eager would complain as soon as somebody asked for it."""
    try:
        return differentiate(tracer, result, floor)
    except CompileError:
        raise
    except RuntimeError as error:
        message = (
            f"compile: {tracer.program.name} returns what requires a gradient, and its backward pass, which is "
            f"compiled along, fails: {error} If nobody will ask for it, return it detached: z.detach()."
        )
        raise tracer.refused(message) from error


def trace(
    function: Callable[[], Any],
    arrays: list[tuple[str, Any]],
    name: str,
    around: Surroundings,
    whole: Collection[str] = (),
) -> tuple[Any, Program]:
    """Run a function under a tracer that knows `arrays` as its inputs and what is `around` it: (result, program).

    Primitives named in `whole` stay one operation each. Nothing may draw from generators of random numbers around the
    function, as no program could, and nothing but operations may change what is in the tensors there.
    """
    if mode.events is not QUIET:
        message = "compile: another watcher is at work in this thread (a trace inside a trace, or detect_nonfinite)."
        raise CompileError(message)
    generators = around.generators()
    tracer = Tracer(name, around, whole)
    for argument, array in arrays:
        tracer.input(argument, array)
    for called, array in (*arrays, *around.memory()):  # which nothing but operations may change
        tracer.locks.keep(called, array)
        tracer.locks.lock(array)
    mode.set(events=tracer)
    floor = now()
    drawn = _drawn(generators)
    try:
        result = function()
        ours = {id(op.bound[0]) for op in tracer.program.ops if op.bound is not None}  # which the program draws from
        if any(state != drawn[key] for key, state in _drawn(generators).items() if key not in ours):
            warnings.warn(_NOISE.format(name), RuntimeWarning, stacklevel=4)
        if mode.recording:
            tracer.program.pullback = _differentiated(tracer, result, floor)
        if tracer.refusal is not None:
            raise tracer.refusal
        mode.set(events=QUIET)
        return result, tracer.finish(result)
    except ValueError as error:
        if str(error).endswith("is read-only"):  # says NumPy of what is locked
            raise tracer.silent_write(f"what a tensor holds, {place_of(error)},") from error
        raise
    finally:
        mode.set(events=QUIET)
        tracer.locks.release()
        tracer.alive.clear()  # so that no weak reference waits for the collector of garbage: arrays die with them
        vars(tracer).clear()  # it lies in cycles, and would keep all memory until these are found

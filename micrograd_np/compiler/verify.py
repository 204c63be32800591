"""The rules of programs, and of where their values lie. Each broken rule is an AssertionError that names it.

Of a program: a value is defined once, before it is read; a view shows an operand; an update gives a version of what it
writes into. Of a plan: whoever reads a value reads memory that still holds it, so that what is reused, computed in
place or stored is never what somebody still needs.
"""

from __future__ import annotations

from typing import Any

from .ir import Loop, Op, Value
from .memory import Plan, Storage
from .operations import elementwise
from .program import Program


def verify(program: Program) -> None:
    """Check the rules of a program."""
    defined: set[Value] = set()
    for op in program.ops:
        for one in dict.fromkeys((*op.parts, op)):
            _verify_op(one, defined)
    for v in program.needed():
        _require(v in defined or v.memory is not None, "{!r} leaves the step and is not defined", None, v)


def _verify_op(op: Op, defined: set[Value]) -> None:
    before, z = op.reads, op.result
    op.look_again()
    _require(set(before) == set(op.reads), "what it reads has changed without notice", op)
    for v in op.reads:
        _require(v in defined or v.memory is not None, "{!r} is read before it is defined", op, v)
    if z is not None:
        _require(z not in defined, "{!r} is defined twice", op, z)
        _require(z.op is op, "{!r} is said to be defined by {!r}", op, z, z.op)
        defined.add(z)
    if op.effect == "view":
        _require(op.of in op.reads, "a view shows something that it does not read", op)
    elif op.effect == "update":
        _require(op.of is not None and z is not None, "an update writes into nothing", op)
        root = op.of.root if op.of is not None else z
        alike = z is not None and root is not None and (z.shape, z.strides) == (root.shape, root.strides)
        _require(alike, "a version has another shape, or lies otherwise", op)
    elif op.effect in ("new", "fresh"):
        _require(op.of is None, "what is computed lies in memory of its own", op)


def verify_plan(program: Program, plan: Plan) -> None:
    """Check that each value is read while its memory still holds it."""
    content: dict[Storage, Value] = {}
    alive: list[tuple[int, int, Storage]] = []  # what of the arena is taken: from, to, by

    def check(v: Value, op: Op | None) -> None:
        storage = plan.storage(v)
        untouched = v.root.op is None and storage not in content  # a source that nothing has been written into
        _require(untouched or content.get(storage) is v.root, "{!r} is read after its memory was written", op, v)

    def write(v: Value) -> None:
        storage = plan.storage(v)
        content[storage] = v.root
        if storage.kind == "buffer":
            start, end = storage.start, storage.start + sum(v.root.reach)
            for other in {x[2] for x in alive if x[0] < end and start < x[1]}:
                if other is not storage and other is not storage.inside and storage is not other.inside:
                    content.pop(other, None)
                    alive[:] = [x for x in alive if x[2] is not other]
            alive.append((start, end, storage))

    for op in program.ops:
        inside = set(op.slots) if isinstance(op, Loop) else set()
        gone: set[Value] = set()  # within a loop, where the memory of a version is but a block
        for one in op.parts:
            _require(gone.isdisjoint(v.root for v in one.reads), "a version is read after it was written over", one)
            gone.update((one.of.root,) if one.effect == "update" and one.of is not None else ())
            _verify_in_place(one, plan)
            for v in one.reads:
                if v.root not in inside and v.root.shape != () and one.function != "pack":
                    check(v, one)
            z = one.result
            if z is None or z in inside or z.is_view:
                continue
            if one.function == "empty":
                content[plan.storage(z)] = z
            else:
                write(z)
    for v in program.leaving():
        check(v, None)
    for memory, v in program.stores.items():
        _require(plan.storage(v).memory is memory, "{!r} is not where it is to be stored", None, v)


def _verify_in_place(op: Op, plan: Plan) -> None:
    """Check that what is computed in the place of an operand is so element by element."""
    z = op.result
    if op.effect != "new" or z is None or op.function in ("pack", "empty") or z not in plan.storages:
        return
    for v in op.reads:
        if v.root in plan.storages and plan.storage(v) is plan.storage(z):
            alike = elementwise(op) or op.function == "copy"
            _require(alike and not v.is_view, "{!r} is read while its memory is written", op, v)


def _require(holds: Any, rule: str, op: Op | None, *about: Any) -> None:
    """Raise AssertionError unless it `holds`; `rule` is a text to format, of the values that it is `about`."""
    if not holds:
        place = f" ({op.function}, {op.where or op.section})" if op is not None else ""
        raise AssertionError(f"{rule.format(*about)}{place}.")

"""Every primitive is complete: a docstring, domains, rules, a label that formats, examples that can be tried."""

import copy
import pickle
import sys

from strategies import PRIMITIVES, every_primitive

from micrograd_np.check.claims import declaration_is_complete, label_formats
from micrograd_np.check.samples import samples_for


@every_primitive
def test_the_declaration_is_complete(op):
    declaration_is_complete(op)


@every_primitive
def test_the_label_formats(op):
    label_formats(op)


@every_primitive
def test_something_can_be_tried(op):
    assert any(all(x.size for x in sample.inputs) for sample in samples_for(op))


@every_primitive
def test_it_is_found_under_its_name_and_travels_by_it(op):
    assert getattr(sys.modules[op.__module__], op.name) is op
    assert pickle.loads(pickle.dumps(op)) is op
    assert copy.deepcopy(op) is op


def test_names_are_unique():
    names = [op.name for op in PRIMITIVES]
    assert len(set(names)) == len(names)

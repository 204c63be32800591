"""Every primitive is complete: a docstring, domains, rules, a label that formats, examples that can be tried."""

import copy
import pickle
import sys

import pytest
from strategies import PRIMITIVES, every_primitive
from together import together

from micrograd_np.check.claims import declaration_is_complete, label_formats
from micrograd_np.check.samples import samples_for
from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.ufunc import ufunc


@together
@every_primitive
def test_the_declaration_is_complete_its_label_formats_something_can_be_tried_and_it_travels_by_its_name(op):
    declaration_is_complete(op)
    label_formats(op)
    assert any(all(x.size for x in sample.inputs) for sample in samples_for(op))
    assert getattr(sys.modules[op.__module__], op.name) is op
    assert pickle.loads(pickle.dumps(op)) is op
    assert copy.deepcopy(op) is op


def test_names_are_unique():
    names = [op.name for op in PRIMITIVES]
    assert len(set(names)) == len(names)


def test_a_domain_alone_is_asked_for_in_a_tuple():
    with pytest.raises(TypeError, match=r"^doubled: domain must be a tuple, with a Domain for each input; found a"):

        @primitive("2 {x}", domain=REALS)
        def doubled(xp, out, x):
            return xp.add(x, x, out=out)


def test_a_rule_without_the_name_of_its_input_is_asked_for_it():
    @primitive("2 {x}", domain=(REALS,))
    def doubled(xp, out, x):
        return xp.add(x, x, out=out)

    with pytest.raises(TypeError, match=r"^doubled: name the input of each rule: doubled\.vjp\(x=\.\.\.\)\.$"):
        doubled.vjp(lambda g, z, x: 2 * g)


def test_a_function_of_numpys_that_is_no_ufunc_is_refused_when_it_is_declared():
    with pytest.raises(TypeError, match=r"^sinc: np\.sinc is no ufunc; write a kernel and declare it with @"):
        ufunc("sinc", "sinc {x}", "sin(πx) / (πx).", REALS)

"""The canonical form of JSON: quick where it may be, and the same bytes always."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from app.canonical import canonical, exact

NUMBERS = (
    st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(0, 5000, places=1).map(float)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES))
def test_the_form_is_that_of_rfc_8785(value):
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        {"ms": 0.1}, {"ms": 12.5}, {"ms": 12.0}, {"ms": 3000.1}, {"ms": 1e-7}, {"ms": 1e21},
        {"ms": 1e15 + 0.5}, {"ms": 0.001}, {"ms": 0.0009}, {"ms": -0.0}, {"text": "\u007f\u2028/"},
        {"text": '\x00\x1f\b\t\n\f\r"\\'}, {"\ue000": 1, "\U0001f600": 2}, {"b": [], "a": ()},
    ],
)  # fmt: skip
def test_what_is_at_the_edge_has_that_form_too(value):
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [{"n": 2**53}, {"n": -(2**53)}, {"n": 2**70}, {"x": float("nan")}, {"x": float("inf")}],
)
def test_a_number_that_is_not_exact_is_refused(value):
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical(value)


@pytest.mark.parametrize("value", [{"x": b"bytes"}, {"x": {1, 2}}, {1: "x"}, {"x": object()}])
def test_what_is_no_json_is_refused(value):
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical(value)


def test_half_a_character_is_refused():
    with pytest.raises((UnicodeError, rfc8785.CanonicalizationError)):
        canonical({"x": "\ud800"})


@pytest.mark.parametrize(("number", "said"), [(12.0, "12"), (12.5, "12.5"), (None, "null")])
def test_a_whole_number_is_said_as_one(number, said):
    assert json.dumps(exact(number)) == said

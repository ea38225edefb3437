import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.errors import RangeNotSatisfiable
from bodycam.rules.ranges import ByteRange, read_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-9", (0, 10)),
        ("bytes=9-9", (9, 1)),
        ("bytes=0-10", (0, 10)),
        ("bytes=3-", (3, 7)),
        ("bytes=-1", (9, 1)),
        ("bytes=-10", (0, 10)),
        ("bytes=-11", (0, 10)),
        ("Bytes=1-2", (1, 2)),
        ("bytes=\t1-2", (1, 2)),
    ],
)
def test_a_single_range_is_read(header, expected):
    assert read_range(header, size_bytes=10) == ByteRange(*expected)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=2-1",
        "bytes=1-2,4-5",
        "bytes=a-",
        "items=0-1",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1-2;",
        "bytes=" + "9" * 19 + "-",
        "bytes=٣-٤",
    ],
)
def test_what_is_not_one_range_of_bytes_is_passed_over(header):
    assert read_range(header, size_bytes=10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=-5", 0)]
)
def test_a_range_outside_is_not_satisfiable(header, size):
    with pytest.raises(RangeNotSatisfiable):
        read_range(header, size_bytes=size)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 100))
def test_a_range_never_leaves_the_object(first, more, size):
    try:
        found = read_range(f"bytes={first}-{first + more}", size_bytes=size)
    except RangeNotSatisfiable:
        assert first >= size
    else:
        assert 0 <= found.start <= found.last < size

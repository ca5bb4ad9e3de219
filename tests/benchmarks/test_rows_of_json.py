"""JSON for git: what is written is read back the same, with a line for each row of numbers."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_of_json import as_rows, write_rows

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_what_is_written_is_read_back_the_same(content: object) -> None:
    assert json.loads(as_rows(content)) == content


def test_rows_of_numbers_stay_on_one_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "new" / "a.json", {"ap": [[0.5, None], [1.0, 0.25]], "name": "a"})
    assert (tmp_path / "new" / "a.json").read_text().splitlines() == [
        "{",
        ' "ap": [',
        "  [0.5, null],",
        "  [1.0, 0.25]",
        " ],",
        ' "name": "a"',
        "}",
    ]


def test_a_number_that_is_not_finite_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_rows(tmp_path / "a.json", {"ap": [float("nan")]})
    assert list(tmp_path.iterdir()) == []

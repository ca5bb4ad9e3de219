"""Values of a line's YAML change, and nothing else of the text does."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from inspect_app.layout_drawing.line_yaml import quoted, with_values
from span_train.contract.errors import SettingsError

LINE = """\
# A line, with comments.
name: pump   # its name

layout:      # where parts lie
  source: statistics              # or exemplar
  # how many
  parts: 4                        # or auto

input:
  side_px: 112 # the square
"""
NEW = {"source": "exemplar", "exemplar": "good part.png", "masks": "layouts/v1/masks"}


def test_comments_order_and_other_values_stay() -> None:
    assert with_values(LINE, "layout", NEW) == LINE.replace(
        "  source: statistics              # or exemplar\n",
        '  exemplar: "good part.png"\n  masks: layouts/v1/masks\n'
        "  source: exemplar              # or exemplar\n",
    )


@pytest.mark.parametrize(
    "text",
    [
        "name: a\n",
        "name: a",
        "name: a\nlayout:\n",
        "name: a\nlayout:   # none yet\ninput: {side_px: 64}\n",
        "name: a\nlayout: ~\n",
        "name: a\nlayout: {}\n",
        "name: a\nlayout: {source: statistics, parts: 4}   # short\n",
        "name: a\nlayout:\n  exemplar:\n    - a.png\n    - b.png   # two\n  # then\n  parts: 3\n",
        "name: a\nlayout:\n  masks: >\n    old\n  source: exemplar\nimages: [b]\n",
        "name: a\nlayout:\n    exemplar:\n    source: 'exemplar'\n",
        "layout:\r\n  source: statistics\r\nname: a\r\n",
    ],
)
def test_any_way_to_write_a_section_takes_new_values(text: str) -> None:
    before, after = yaml.safe_load(text), yaml.safe_load(with_values(text, "layout", NEW))
    assert after == before | {"layout": (before.get("layout") or {}) | NEW}
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    assert all(comment in with_values(text, "layout", NEW) for comment in comments)


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_written_so_that_it_comes_back(value: str) -> None:
    written = with_values(LINE, "layout", {"masks": value, "exemplar": [value, "b.png"]})
    layout = yaml.safe_load(written)["layout"]
    assert (layout["masks"], layout["exemplar"]) == (value, [value, "b.png"])


def test_setting_the_same_values_again_changes_nothing() -> None:
    once = with_values(LINE, "layout", NEW | {"names": None})
    assert with_values(once, "layout", NEW | {"names": None}) == once
    assert yaml.safe_load(once)["layout"]["names"] is None


@pytest.mark.parametrize("word", ["no", "null", "True", "12", "1e3", "a: b", "- a", "", "~", ".5"])
def test_a_text_that_yaml_would_take_for_something_else_is_quoted(word: str) -> None:
    assert yaml.safe_load(quoted(word)) == word


@pytest.mark.parametrize("text", ["- a\n", "name: [\n", "layout: 3\n", "{name: a}\n"])
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="the line's file"):
        with_values(text, "layout", NEW)

"""Change a few values of a line's YAML and leave everything else, comments too, as it is."""

import json
import re
from collections.abc import Mapping

import yaml

from span_train.contract.errors import SettingsError

_PLAIN = re.compile(r"[./]*[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})


def with_values(text: str, section: str, values: Mapping[str, str | list[str] | None]) -> str:
    """The YAML text with some values of one section set; keys that are missing come in.

    Args:
        text: A mapping of sections.
        section: The key of a mapping, such as `layout`; made if missing.
        values: By key: a text, a list of texts, or None for null.

    Raises:
        SettingsError: The text is no such mapping.
    """
    for key, value in reversed([*values.items()]):  # each new one comes in above the others
        text = _with_value(text, section, key, _written(value))
    return text


def quoted(text: str) -> str:
    """A text as YAML; JSON's quotes are YAML's, too."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    written = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in written)


def _written(value: str | list[str] | None) -> str:
    if value is None:
        return "null"
    return quoted(value) if isinstance(value, str) else f"[{', '.join(map(quoted, value))}]"


def _with_value(text: str, section: str, key: str, written: str) -> str:
    try:
        top = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as problem:
        raise SettingsError(f"the line's file is not valid YAML: {problem}") from None
    if not isinstance(top, yaml.MappingNode) or top.flow_style:
        raise SettingsError("the line's file: expected `key: value` lines.")
    inner = _value_of(top, section)
    if inner is None:
        return f"{text.rstrip()}\n\n{section}:\n  {key}: {written}\n"
    if _is_null(inner):
        return _filled(text, inner, f"\n  {key}: {written}")
    if not isinstance(inner, yaml.MappingNode):
        raise SettingsError(f"the line's file: {section} is no section of `key: value` lines.")
    value = _value_of(inner, key)
    if value is not None:
        if yaml.safe_load(text)[section][key] == yaml.safe_load(written):
            return text  # with the comments within it
        start, end = value.start_mark.index, _end(text, value)
        return f"{text[:start]}{' ' * (start == end)}{written}{text[end:]}"
    if inner.flow_style:
        at = inner.start_mark.index + 1
        return f"{text[:at]}{key}: {written}{', ' if inner.value else ''}{text[at:]}"
    first = inner.value[0][0].start_mark
    return f"{text[: first.index]}{key}: {written}\n{' ' * first.column}{text[first.index :]}"


def _value_of(mapping: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in mapping.value if name.value == key), None)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _filled(text: str, null: yaml.Node, lines: str) -> str:
    """With lines in a section that is null: `layout:`, perhaps with a comment behind, or `~`."""
    before = text[: null.start_mark.index]
    after = text[null.end_mark.index :]
    comment, newline, rest = after.partition("\n")
    return f"{before.rstrip()}  {comment.strip()}".rstrip() + f"{lines}{newline}{rest}"


def _end(text: str, value: yaml.Node) -> int:
    """Where a value ends. Of a block list or mapping that is its last value's end, so that blank
    lines and comments below it stay."""
    while isinstance(value, yaml.CollectionNode) and not value.flow_style and value.value:
        value = value.value[-1][1] if isinstance(value, yaml.MappingNode) else value.value[-1]
    until = text[: value.end_mark.index]
    return max(len(until.rstrip()), value.start_mark.index)

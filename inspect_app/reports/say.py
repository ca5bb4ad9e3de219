"""How reports say things: in English, unless the station hands its own language in."""

from collections.abc import Callable

Say = Callable[..., str]


def plain(text: str, **values: object) -> str:
    """The English text itself; `{name}` in it becomes the value of that name."""
    return text.format(**values) if values else text

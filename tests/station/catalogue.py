"""Which texts station and reports give to the catalogue; also those inside f-strings."""

import ast
from collections.abc import Iterator
from pathlib import Path

import inspect_app.reports
import inspect_app.station

STATION = Path(inspect_app.station.__file__).parent
REPORTS = Path(inspect_app.reports.__file__).parent
Message = str | tuple[str, str]  # with its plural


def messages_in(source: str) -> Iterator[Message]:
    """Every text given to `tr`, `tr_n` or `later`."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id in ("tr", "later"):
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield str(first.value)
            else:
                assert _is_marked_elsewhere(node), ast.unparse(node)
        elif node.func.id == "tr_n":
            one, many = node.args[:2]
            assert isinstance(one, ast.Constant), ast.unparse(node)
            assert isinstance(many, ast.Constant), ast.unparse(node)
            yield str(one.value), str(many.value)


def messages_of_the_station() -> set[Message]:
    """All of them."""
    return {
        message
        for folder in (STATION, REPORTS)
        for path in folder.rglob("*.py")
        for message in messages_in(path.read_text(encoding="utf-8"))
    }


def _is_marked_elsewhere(call: ast.Call) -> bool:
    """The verdicts' words, the image gate's and the readers', which `later` marks."""
    marked = ("tr(self.english)", "tr(unfit_for)", "tr(kind)", "tr(sentence, **values)")
    return ast.unparse(call) in marked

"""What tests of the layout editor share: its page in a real browser, and a hand that draws."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from inspect_app.layout_editor.serve import running_editor
from tests.layout_drawing.transistor import transistor_line

Point = tuple[float, float]


@dataclass(frozen=True)
class Hand:
    """Mouse and keyboard on the page, in pixels of the exemplar; `pause_ms` between two moves."""

    page: Page
    pause_ms: int = 0

    @property
    def editor(self) -> Locator:
        return self.page.locator(".editor")

    def parts(self) -> list[dict[str, Any]]:
        """The drawing as the page has it."""
        return list(json.loads(self.editor.evaluate("it => it.editor.doc.asText()")))

    def move(self, point: Point) -> None:
        x, y = self.editor.evaluate("(it, p) => it.editor.view.toScreen(p)", list(point))
        box = self.page.locator(".editor canvas").bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + x, box["y"] + y, steps=8 if self.pause_ms else 2)
        self.rest()

    def click(self, *points: Point) -> None:
        for point in points:
            self.move(point)
            self.page.mouse.down()
            self.page.mouse.up()

    def drag(self, *points: Point) -> None:
        self.move(points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.move(point)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.rest()
            self.page.keyboard.press(key)

    def new_part(self, name: str) -> None:
        self.press("n")
        self.page.keyboard.type(name, delay=self.pause_ms / 3)
        self.press("Enter")

    def box(self, left: float, top: float, right: float, bottom: float) -> None:
        """A rectangle, with its tool."""
        self.press("x")
        self.drag((left, top), (right, bottom))

    def answered(self) -> None:
        """Wait until Python has looked at the drawing as it is now."""
        self.page.wait_for_function(
            """() => {
              const host = document.querySelector('[data-testid=stBidiComponentIsolated]');
              const { editor } = host.shadowRoot.querySelector('.editor');
              return editor.waiting === null && editor.told === editor.number
                && editor.sentText === editor.doc.asText();
            }"""
        )

    def rest(self) -> None:
        if self.pause_ms:
            self.page.wait_for_timeout(self.pause_ms)


EditorPage = Callable[..., Hand]


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A line of drawn transistors that nobody has drawn parts on."""
    return transistor_line(tmp_path / "line")


@pytest.fixture
def open_editor(browser: Browser, free_port: int) -> Iterator[EditorPage]:
    """Serve the editor on a line's first image: `open_editor(line, pause_ms)`.

    A script error on the page fails the test at its end.
    """
    problems: list[str] = []
    with ExitStack() as stack:

        def open_page(line: Path, pause_ms: int = 0) -> Hand:
            exemplar = line.parent / "images" / "reel_000.png"
            _, address = stack.enter_context(running_editor(line, free_port, exemplar))
            page = browser.new_page(viewport={"width": 1600, "height": 900})
            stack.callback(page.close)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(address)
            hand = Hand(page, pause_ms)
            page.wait_for_selector(".remarks li", timeout=60_000)
            hand.answered()
            return hand

        yield open_page
    assert problems == []

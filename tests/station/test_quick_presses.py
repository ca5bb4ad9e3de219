"""Presses one right after the other: each one does what it is for."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from inspect_app.store import StoreReader
from tests.station.conftest import StationPage, settle, sign_in, type_pin
from tests.station.drawn_inspections import PINS, scored_image, store_with

pytestmark = pytest.mark.browser
GAPS_MS = (0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 40, 80, 160)


def _press_two(page: Page, first: str, second: str, gap_ms: int) -> None:
    page.evaluate(
        """([first, second, gap]) => {
            document.querySelector(first).click();
            setTimeout(() => document.querySelector(second).click(), gap);
        }""",
        [f"{first} button", f"{second} button", gap_ms],
    )


def test_a_decision_is_stored_however_soon_the_next_press_follows(
    station_page: StationPage, tmp_path: Path
) -> None:
    parts = [scored_image(i, f"{i:04d}.png", i, "pass") for i in range(len(GAPS_MS) + 1)]
    url = store_with(parts, tmp_path)
    page = station_page(url)
    sign_in(page)
    with StoreReader(url) as store:
        for before, gap_ms in enumerate(GAPS_MS):
            language = page.locator(".st-key-next_language button").inner_text()
            _press_two(page, ".st-key-decide_fail", ".st-key-next_language", gap_ms)
            expect(page.locator(".st-key-next_language button")).not_to_have_text(language)
            expect(page.locator("p.position")).to_have_text(f"{before + 2} {_of(language)} 15")
            assert store.counts().of(None) == (15, before + 1)
            settle(page)


def _of(before: str) -> str:
    """How 'of' is said once the button that offered this language was pressed."""
    return "von" if before == "Deutsch" else "of"


def test_signing_in_is_not_lost_when_a_key_follows_at_once(
    station_page: StationPage, store_url: str
) -> None:
    page = station_page(store_url)
    for part, gap_ms in enumerate((30, 60, 90, 120), 2):
        type_pin(page, "Anna", PINS["Anna"])
        page.wait_for_timeout(gap_ms)
        page.keyboard.press("ArrowRight")
        expect(page.locator(".who b")).to_have_text("Anna")
        expect(page.locator("p.position")).to_have_text(f"{part} of 6")
        settle(page)
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator(".who.nobody")).to_be_visible()
        settle(page)

"""What an operator does at the station, in a real browser with a real keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from deploy.scoring.results import ScoredImage
from inspect_app.store import StoreReader, open_store
from tests.station.conftest import StationPage, settle, sign_in
from tests.station.drawn_inspections import scored_image, store_with

pytestmark = pytest.mark.browser


def _expect_part(page: Page, position: str, verdict: str) -> None:
    expect(page.locator("p.position")).to_have_text(position)
    expect(page.locator(".verdict-word")).to_have_text(verdict)
    settle(page)


def test_an_operator_steps_rejects_and_changes_a_decision(
    station_page: StationPage, store_url: str, store: StoreReader
) -> None:
    page = station_page(store_url)
    _expect_part(page, "1 of 6", "PASS")
    sign_in(page)
    page.keyboard.press("ArrowRight")
    _expect_part(page, "2 of 6", "RECHECK")
    page.keyboard.press("f")
    _expect_part(page, "3 of 6", "FAIL")
    expect(page.locator(".notice")).to_have_text("relay_0002.png stored as FAIL")
    decision = store.latest_decision(2)
    assert decision is not None
    assert (decision.operator, decision.decision) == ("Anna", "fail")
    page.keyboard.press("ArrowLeft")
    _expect_part(page, "2 of 6", "RECHECK")
    expect(page.locator(".decided")).to_contain_text("FAIL by Anna")
    page.keyboard.press("k")
    _expect_part(page, "3 of 6", "FAIL")
    page.keyboard.press("ArrowLeft")
    _expect_part(page, "2 of 6", "RECHECK")
    page.keyboard.press("n")
    _expect_part(page, "3 of 6", "FAIL")
    assert [one.decision for one in store.decisions_of(2)] == ["fail", "recheck"]


def test_who_is_not_signed_in_sees_parts_and_decides_nothing(
    station_page: StationPage, store_url: str, store: StoreReader
) -> None:
    page = station_page(store_url)
    _expect_part(page, "1 of 6", "PASS")
    page.keyboard.press("p")
    sign_in(page, "Anna", pin="000000", refused=True)
    page.keyboard.press("p")
    page.keyboard.press("ArrowRight")
    _expect_part(page, "2 of 6", "RECHECK")
    assert store.counts().of(None) == (6, 0)


def test_letters_typed_into_a_text_decide_nothing(
    station_page: StationPage, store_url: str, store: StoreReader
) -> None:
    page = station_page(store_url)
    sign_in(page)
    page.get_by_label("Reason").fill("")
    page.get_by_label("Reason").press_sequentially("pkf dust")
    page.keyboard.press("Enter")  # gives the keys back to the decisions
    page.wait_for_timeout(600)
    assert store.counts().of(None) == (6, 0)
    page.keyboard.press("p")
    _expect_part(page, "2 of 6", "RECHECK")
    decision = store.latest_decision(1)
    assert decision is not None
    assert decision.reason == "pkf dust"


def test_a_key_held_down_decides_one_part(
    station_page: StationPage, store_url: str, store: StoreReader
) -> None:
    page = station_page(store_url)
    sign_in(page)
    _expect_part(page, "1 of 6", "PASS")
    for _ in range(30):
        page.keyboard.down("p")
        page.wait_for_timeout(40)
    page.keyboard.up("p")
    _expect_part(page, "2 of 6", "RECHECK")
    assert store.counts().of(None) == (6, 1)


def test_the_keys_work_after_the_slider_was_dragged(
    station_page: StationPage, store_url: str
) -> None:
    page = station_page(store_url)
    box = page.locator("[data-testid=stSlider]").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 40, box["y"] + box["height"] / 2 + 6)
    page.wait_for_timeout(600)
    page.keyboard.press("ArrowRight")
    _expect_part(page, "2 of 6", "RECHECK")


def test_after_a_reload_the_pin_alone_is_asked_for_again(
    station_page: StationPage, store_url: str, store: StoreReader
) -> None:
    page = station_page(store_url)
    sign_in(page)
    page.keyboard.press("ArrowRight")
    _expect_part(page, "2 of 6", "RECHECK")
    page.reload()
    _expect_part(page, "2 of 6", "RECHECK")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Anna")
    page.keyboard.press("p")
    sign_in(page)
    page.keyboard.press("f")
    _expect_part(page, "3 of 6", "FAIL")
    assert [one.decision for one in store.decisions_of(2)] == ["fail"]


def test_new_parts_appear_by_themselves(
    station_page: StationPage, tmp_path: Path, handful: list[ScoredImage]
) -> None:
    url = store_with([], tmp_path)
    page = station_page(url)
    expect(page.locator("section.waiting")).to_contain_text("Waiting for the first part")
    with open_store(url) as line:
        line.add(handful[:2])
        expect(page.locator("p.position")).to_have_text("1 of 2", timeout=15_000)
        line.add(handful[2:])
        expect(page.locator("p.position")).to_have_text("1 of 6", timeout=15_000)


def test_a_hostile_file_name_stays_text(station_page: StationPage, tmp_path: Path) -> None:
    name = '"><img src=x onerror="document.title=1"><script>document.title=2</script>.png'
    part = scored_image(0, f"/l/{name.replace('/', '_')}", 1, "pass", None, {"body": 0.1})
    page = station_page(store_with([part], tmp_path))
    expect(page.locator("p.file")).to_contain_text('"><img src=x')
    assert page.title() not in ("1", "2")
    assert page.locator("section.verdict img[src=x]").count() == 0


def test_choosing_a_decision_in_the_history_opens_its_part(
    station_page: StationPage, store_url: str, store: StoreReader
) -> None:
    store.record_decision(4, "Ben", "fail")
    page = station_page(store_url)
    page.get_by_text("History", exact=True).click()
    expect(page.locator(".tile")).to_have_count(4)
    table = page.locator("[data-testid=stDataFrame] canvas").first
    table.wait_for()
    page.wait_for_timeout(1000)
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 14, box["y"] + 55)
    _expect_part(page, "4 of 6", "FAIL")


@pytest.mark.parametrize(("width_px", "height_px"), [(1920, 1080), (1280, 800)])
def test_everything_needed_fits_the_screen(
    station_page: StationPage, store_url: str, width_px: int, height_px: int
) -> None:
    page = station_page(store_url, width_px, height_px)
    for number, verdict in enumerate(("PASS", "RECHECK", "FAIL", "FAIL", "UNREADABLE"), start=1):
        _expect_part(page, f"{number} of 6", verdict)
        size = page.locator("[data-testid=stMain]").evaluate(
            "it => [it.scrollHeight - it.clientHeight, it.scrollWidth - it.clientWidth]"
        )
        assert size == [0, 0]
        bottom_bar_px = _box(page, "[data-testid=stBottom]")["y"]
        for part in (*_HEAD, *(_NO_PART if verdict == "UNREADABLE" else _PART)):
            box = _box(page, part)
            assert box["y"] >= 0, part
            assert box["y"] + box["height"] <= bottom_bar_px, part
            assert box["x"] + box["width"] <= width_px, part
        page.keyboard.press("ArrowRight")


_HEAD = (".verdict-word", ".verdict-why", "p.position")
_PART = (".st-key-picture img", ".scale", ".bar:last-child", ".heads figure:last-child")
_NO_PART = (".no-picture",)


@pytest.mark.parametrize(("width_px", "height_px"), [(1920, 1080), (1280, 800)])
def test_every_button_and_field_is_large_enough_for_gloves(
    station_page: StationPage, store_url: str, width_px: int, height_px: int
) -> None:
    page = station_page(store_url, width_px, height_px)
    assert _small_targets(page) == []
    sign_in(page)
    assert _small_targets(page) == []
    for decision in ("pass", "recheck", "fail"):
        button = _box(page, f".st-key-decide_{decision} button")
        assert button["width"] >= 100
        assert button["y"] + button["height"] <= height_px
    for title in ("Review", "Shift", "Line", "History"):
        page.get_by_role("link", name=title, exact=True).click()
        expect(page.locator(_HEADING_OF[title])).to_be_visible()
        settle(page)
        assert _small_targets(page) == [], title


_HEADING_OF = {
    "Review": ".st-key-review_filters",
    "Shift": ".st-key-shift_choice",
    "Line": ".st-key-bundle_switch",
    "History": ".tiles",
}
_TARGETS = (
    "button:visible, section a:visible, [data-testid=stPageLink] a:visible, "
    "input:not([type=range]):visible"
)


def _small_targets(page: Page) -> list[str]:
    """What is to be pressed on a page and measures less than 48 pixels."""
    small = page.locator(_TARGETS).evaluate_all(
        """all => all
          .map(one => one.closest('[data-testid=stTextInputRootElement]') || one)
          .map(one => [one.innerText || one.outerHTML, one.getBoundingClientRect()])
          .filter(([_, box]) => box.height < 48 || box.width < 48)
          .map(([text, box]) => `${text.slice(0, 60)} ${box.width}x${box.height}`)"""
    )
    return [str(one) for one in small]


def _box(page: Page, selector: str) -> dict[str, float]:
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return dict(box)  # type: ignore[arg-type]


def test_the_verdict_can_be_read_from_two_metres(station_page: StationPage, store_url: str) -> None:
    page = station_page(store_url)
    size_px = page.locator(".verdict-word b").evaluate(
        "it => parseFloat(getComputedStyle(it).fontSize)"
    )
    # 1/200 of the distance, as capitals: 10 mm at 2 m, on a screen of 96 pixels an inch.
    assert 0.66 * size_px * 25.4 / 96 >= 10


def test_streamlit_offers_no_menu_and_nothing_is_fetched_from_elsewhere(
    station_page: StationPage, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = station_page(store_url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(page.locator("section.verdict")).to_be_visible()
    page.wait_for_timeout(1500)
    here = page.url.split("/?")[0]
    assert [url for url in asked if not url.startswith((here, "data:", "blob:"))] == []
    for menu in ("stMainMenu", "stAppDeployButton", "stToolbar"):
        assert page.locator(f"[data-testid={menu}]:visible").count() == 0

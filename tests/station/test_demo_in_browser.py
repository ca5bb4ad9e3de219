"""The station on what the demo left: an operator steps on, rejects a part, and it is stored."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from inspect_app.store import StoreReader
from tests.station.conftest import StationPage, settle, sign_in


@pytest.mark.browser
def test_an_operator_rejects_a_part_of_the_demo(
    quick_demo: Path,
    station_page: StationPage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INSPECT_CHAIN_KEY", str(quick_demo.with_suffix(".key")))
    for name in ("store.db", "store.db.assets"):
        source = quick_demo / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, tmp_path / name)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    page = station_page(url)
    said = quick_demo.with_suffix(".log").read_text(encoding="utf-8")
    told = re.search(r"^Sign in: name (\w+), PIN (\d+)$", said, re.M)
    assert told is not None
    sign_in(page, told[1], told[2])
    page.keyboard.press("ArrowRight")
    expect(page.locator("p.position")).to_have_text("2 of 80")
    settle(page)
    page.keyboard.press("f")
    expect(page.locator(".notice")).to_contain_text("stored as FAIL")
    with StoreReader(url) as store:
        (decided,) = store.recent_decisions()
    assert (decided.decision.operator, decided.decision.decision) == ("demo", "fail")
    assert decided.decision.inspection_id == 2

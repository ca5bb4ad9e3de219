"""Signing in with a company account: the file, and the whole way in a browser."""

import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from inspect_app.station.serve import running_station
from inspect_app.station.sign_on import SignOn, read_sign_on
from inspect_app.store import StoreReader
from span_train.contract.errors import InputError
from tests.station.conftest import settle
from tests.station.fake_provider import CLIENT, FakeProvider, fake_provider

ACCOUNT = "rita@plant.example"
WHOLE = 'client_id = "a"\nclient_secret = "b"\nserver_metadata_url = "https://c.example/d"\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "sign_on.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_email_names_the_operator_unless_another_claim_is_given(tmp_path: Path) -> None:
    assert read_sign_on(written(tmp_path, WHOLE)).claim == "email"
    other = read_sign_on(written(tmp_path, WHOLE + 'claim = "preferred_username"\n'))
    assert other.claim == "preferred_username"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("client_id = ", "cannot be read"),
        ('client_id = "a"\n', "client_secret is missing"),
        (WHOLE + 'clam = "email"\n', "unknown key clam; known: client_id"),
        (WHOLE.replace('"a"', "7"), "client_id: expected text, found 7"),
        (WHOLE.replace("https", "http"), "expected an https address"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_sign_on(written(tmp_path, text))


def test_secrets_are_for_this_user_alone_and_new_at_each_start() -> None:
    sign_on = SignOn("station", 'a "quoted" \\ secret', "https://c.example/d")
    seen = []
    for _ in range(2):
        with sign_on.as_secrets(8501) as file:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            seen.append(tomllib.loads(file.read_text("utf-8"))["auth"])
        assert not file.parent.exists()
    first, second = seen
    assert first.pop("cookie_secret") != second.pop("cookie_secret")
    assert first == second
    assert first["client_secret"] == sign_on.client_secret
    assert first["redirect_uri"] == "http://127.0.0.1:8501/oauth2callback"


@pytest.fixture
def provider(free_port: int) -> Iterator[FakeProvider]:
    with fake_provider(free_port + 1) as found:
        yield found


@pytest.fixture
def page(
    browser: Browser, store_url: str, free_port: int, provider: FakeProvider
) -> Iterator[Page]:
    """The station in a browser of its own cookies."""
    sign_on = SignOn(**CLIENT, server_metadata_url=provider.metadata_url)
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    with running_station(store_url, free_port, sign_on) as (_, address):
        page = context.new_page()
        page.goto(address)
        yield page
        context.close()


def press_company_account(page: Page) -> None:
    page.get_by_role("button", name="Company account").click(timeout=30_000)


@pytest.mark.browser
def test_an_account_decides_under_its_own_name_and_is_taken_once(
    page: Page, provider: FakeProvider, store: StoreReader
) -> None:
    store.operators.add(ACCOUNT, "reviewer", None, by="a test")
    provider.identity = {"sub": "1", "email": "Rita@plant.example", "email_verified": True}
    press_company_account(page)
    expect(page.locator(".who")).to_contain_text(ACCOUNT, timeout=30_000)
    assert provider.asked[0]["prompt"] == "login"
    settle(page)
    page.keyboard.press("f")
    expect(page.locator(".notice")).to_contain_text("stored as FAIL")
    (recent,) = store.recent_decisions()
    assert (recent.decision.operator, recent.decision.role) == (ACCOUNT, "reviewer")
    page.reload()  # the browser still has what the provider said
    expect(page.locator(".who")).to_contain_text("Nobody signed in", timeout=30_000)
    press_company_account(page)
    expect(page.locator(".who")).to_contain_text(ACCOUNT, timeout=30_000)


@pytest.mark.browser
@pytest.mark.parametrize("why", ["unknown", "disabled", "unverified"])
def test_who_may_not_is_told_so(
    page: Page, provider: FakeProvider, store: StoreReader, why: str
) -> None:
    if why != "unknown":
        store.operators.add(ACCOUNT, "operator", None, by="a test")
    if why == "disabled":
        store.operators.disable(ACCOUNT, by="a test")
    verified = {} if why != "unverified" else {"email_verified": False}
    provider.identity = {"sub": "1", "email": ACCOUNT, **verified}
    press_company_account(page)
    said = f"The account {ACCOUNT} may not sign in here."
    expect(page.locator(".notice")).to_contain_text(said, timeout=30_000)
    expect(page.locator(".who")).to_contain_text("Nobody signed in")


@pytest.mark.browser
def test_whom_the_provider_refuses_stands_before_the_station_again(
    page: Page, provider: FakeProvider, store: StoreReader
) -> None:
    store.operators.add(ACCOUNT, "operator", None, by="a test")
    with page.expect_request(lambda request: "oauth2callback" in request.url, timeout=30_000):
        press_company_account(page)
    expect(page.get_by_label("PIN")).to_be_visible(timeout=30_000)
    expect(page.locator(".who")).to_contain_text("Nobody signed in")
    assert len(provider.asked) == 1

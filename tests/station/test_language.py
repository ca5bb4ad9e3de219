"""Every text of every page is in the catalogue, and German is complete."""

import re
import string
from collections.abc import Callable, Iterator
from datetime import datetime
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from streamlit.testing.v1 import AppTest

from inspect_app.station.pieces import language
from inspect_app.station.pieces.language import (
    clock_time,
    count,
    in_reports,
    local_time,
    number,
    signed,
    tr,
)
from inspect_app.station.pieces.reasons import UNFIT_FOR, reason_in_words
from inspect_app.station.serve import LANGUAGE_VARIABLE
from inspect_app.store import StoreReader
from span_train.contract.image_readings import USUAL_PX
from span_train.policy.gate import GATE_WORDS, Gate, GateLimit
from span_train.policy.policy import Policy
from tests.station.catalogue import STATION, Message, messages_in, messages_of_the_station
from tests.station.drawn_inspections import HEADS, store_with
from tests.station.test_history_page import open_history
from tests.station.test_inspect_page import press, sign_in

StartApp = Callable[..., AppTest]
GERMAN = STATION / "texts" / "de.po"


class Marked(NullTranslations):
    """A language that puts brackets around every text, so that one without them stands out."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, one: str, many: str, n: int) -> str:
        return f"⟦{one if n == 1 else many}⟧"


class Visible(HTMLParser):
    """What a person can see or hear of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._hidden, self._text = 0, ""
        self.feed(html)
        self.said.append(self._text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("style", "script", "code")
        self.said += [
            value or "" for name, value in attrs if name in ("alt", "title", "aria-label")
        ]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script", "code")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text += data


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    """A station in German."""
    monkeypatch.setenv(LANGUAGE_VARIABLE, "de")


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A station in brackets."""
    monkeypatch.setattr(language, "_texts", lambda _: Marked())


def german_catalogue() -> dict[Message, str | tuple[str, ...]]:
    """The German of each text."""
    with GERMAN.open("rb") as file:
        return {
            message.id if isinstance(message.id, str) else tuple(message.id): message.string
            for message in read_po(file, locale="de", abort_invalid=True)
            if message.id and not message.fuzzy
        }


def test_german_has_every_text_and_no_other() -> None:
    wanted, found = messages_of_the_station(), set(german_catalogue())
    assert wanted - found == set()
    assert found - wanted == set()


def test_no_german_text_is_empty_and_each_has_the_values_of_the_english_one() -> None:
    for message, translated in german_catalogue().items():
        originals = (message,) if isinstance(message, str) else message
        texts = (translated,) if isinstance(translated, str) else translated
        assert len(originals) == len(texts), message
        for original, text in zip(originals, texts, strict=True):
            assert text.strip(), original
            assert _values(text) | {"n"} >= _values(original), original
            assert _values(text) <= _values(original) | {"n"}, original
            assert not set("<>&") & set(text), f"{text}: markup belongs to the page"


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_texts_within_f_strings_are_found() -> None:
    source = """f'<b>{tr("one")}</b> {tr_n("a", "b", 2)}'; later("PASS")"""
    assert set(messages_in(source)) == {"one", ("a", "b"), "PASS"}


def unmarked(at: AppTest, data: tuple[str, ...]) -> list[str]:
    """What a page says outside of the catalogue, after numbers, signs and the parts' own data."""
    assert not at.exception, at.exception
    said = [text for block in at.get("html") for text in Visible(str(block.proto.body)).said]
    for kind in ("button", "text_input", "slider", "segmented_control"):
        said += [str(widget.label) for widget in at.get(kind)]
        said += [str(getattr(widget.proto, "placeholder", "")) for widget in at.get(kind)]
    said += [option for control in at.get("segmented_control") for option in control.options]
    said += [str(name) for table in at.dataframe for name in table.value.columns]
    for table in at.dataframe:
        said += [
            str(value) for value in table.value[["⟦Verdict⟧", "⟦Decision⟧"]].to_numpy().ravel()
        ]
    return [left for text in said if (left := _outside_brackets(text, data))]


def _outside_brackets(text: str, data: tuple[str, ...]) -> str:
    for value in sorted(data, key=len, reverse=True):
        text = text.replace(value, "")
    text = re.sub(r"\d+ [A-Z][a-z]{2} \d{4}", "", text)  # a date, written by its own rules
    while (without := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = without
    return text.strip() if re.search(r"[^\W\d_]{2,}", text) else ""


DATA = (
    "English", "Deutsch", "Anna", "scratch", "bent lead", "relay-v4", "bbbbbbbb", "looks fine",
    *HEADS, *(head.replace("_", " ") for head in HEADS),
)  # fmt: skip


def test_every_page_says_only_what_the_catalogue_holds(
    marked: None, start_app: StartApp, store_url: str, store: StoreReader
) -> None:
    known = (*DATA, *(f"/line3/{name}" for name in _files(store)), *_files(store))
    known += ("cannot be decoded (image file is truncated); the file is damaged.",)
    at = start_app(store_url)
    assert unmarked(at, known) == []
    at = sign_in(at, button="⟦Sign in⟧")
    for _ in range(6):
        assert unmarked(at, known) == []
        at = press(at, "⟦Next⟧") if at.session_state["part_id"] < 6 else at
    for _ in range(6):
        at = press(at, "⟦FAIL⟧")
        assert unmarked(at, known) == []
    history = open_history(start_app, store_url)
    assert unmarked(history, known) == []
    assert (
        unmarked(press(sign_in(start_app(store_url), "x", "y", "⟦Sign in⟧"), "⟦Next⟧"), known) == []
    )


def test_a_page_that_waits_says_only_what_the_catalogue_holds(
    marked: None, start_app: StartApp, tmp_path: Path
) -> None:
    at = start_app(store_with([], tmp_path))
    assert unmarked(at, DATA) == []


def test_a_hard_coded_text_would_be_found(
    marked: None, start_app: StartApp, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspect_app.station.pieces.verdict_banner.tr", lambda text, **_: text)
    left = unmarked(start_app(store_url), DATA)
    assert any("Not decided yet" in text for text in left)


def test_the_station_speaks_german(german: None, start_app: StartApp, store_url: str) -> None:
    at = sign_in(start_app(store_url), button="Anmelden")
    at = press(press(at, "Weiter"), "Weiter")
    said = _html(at)
    assert "Urteil FEHLER" in said
    assert "z 2,810 erreicht die Fehler-Schwelle 1,100" in said
    assert "3 von 6" in said
    assert "<b>scratch</b>: der Befund liegt vor allem in: <b>body</b>" in said
    assert "04.03.2025" in said
    assert "gespeichert als FEHLER" in _html(press(at, "FEHLER"))


def test_the_language_is_changed_in_the_page_and_stays_in_its_address(
    start_app: StartApp, store_url: str
) -> None:
    at = start_app(store_url)
    assert "Not decided yet" in _html(at)
    at = press(at, "Deutsch")
    assert "Noch nicht entschieden" in _html(at)
    assert at.query_params["lang"] in ("de", ["de"])
    del at.session_state["language"]
    assert "Noch nicht entschieden" in _html(at.run())
    assert "Not decided yet" in _html(press(at, "English"))


@pytest.mark.parametrize("wanted", ["xx", "", "../de", "<b>"])
def test_an_unknown_language_is_the_stations_own(
    start_app: StartApp, store_url: str, wanted: str
) -> None:
    at = start_app(store_url)
    at.query_params["lang"] = wanted
    assert "Not decided yet" in _html(at.run())


def test_numbers_and_times_are_written_as_in_german(german: None) -> None:
    moment = datetime(2025, 3, 4, 6, 5, 9).astimezone()
    assert (count(12_345), number(-1234.5), signed(0.5), signed(-0.001)) == (
        "12.345",
        "−1.234,50",
        "+0,50",
        "0,00",
    )
    assert local_time(moment) == "04.03.2025, 06:05:09"
    assert (clock_time(moment), clock_time(moment, seconds=True)) == ("06:05", "06:05:09")


def test_numbers_and_times_are_written_as_in_english() -> None:
    moment = datetime(2025, 3, 4, 6, 5, 9).astimezone()
    assert (count(12_345), number(-1234.5), number(None)) == ("12,345", "−1,234.50", "–")
    assert local_time(moment) == "4 Mar 2025, 06:05:09"


@pytest.mark.parametrize(
    ("policy", "z", "outlier"),
    [
        (Policy(t_pass=-1.0, t_fail=1.0, outlier_limit=9.0), z, outlier)
        for z, outlier in ((-2.0, 1.0), (0.0, 1.0), (2.0, 1.0), (-2.0, 10.0))
    ]
    + [(Policy(t_pass=None, t_fail=1.0, outlier_limit=9.0), 0.0, 1.0)],
)
def test_every_reason_of_the_policy_is_said_in_german(
    german: None, policy: Policy, z: float, outlier: float
) -> None:
    english = policy.decide(z, outlier).reason
    said = reason_in_words(english)
    assert said != english
    assert not {"the", "threshold", "pass"} & set(said.split())
    assert f"{number(z, 3)}" in said


def test_a_reason_keeps_the_digits_that_tell_z_from_the_threshold(german: None) -> None:
    said = reason_in_words(Policy(t_pass=-1.0, t_fail=1.0).decide(-0.99996, 1.0).reason)
    assert "−0,99996" in said
    assert "−1,00000" in said


def test_every_reason_of_the_image_gate_is_said_in_german(german: None) -> None:
    assert set(UNFIT_FOR) == set(GATE_WORDS.values())
    sides = {"low": (None, 0.5), "high": (0.5, None)}
    for measure, side in GATE_WORDS:
        high, low = sides[side]
        limit = GateLimit.model_validate({"measure": measure, "low": low, "high": high})
        gate = Gate(usual="00" * USUAL_PX**2, limits=(limit,), images=1)
        policy = Policy(t_pass=1.0, t_fail=2.0, gate=gate)
        english = policy.decide(0.0, 0.0, {measure: 0.25 if side == "low" else 0.75}).reason
        said = reason_in_words(english)
        assert said.startswith("nicht zu beurteilen: "), english
        assert GATE_WORDS[measure, side] not in said
        assert ("(0,25, mindestens 0,50)" if side == "low" else "(0,75, höchstens 0,50)") in said
        assert said.endswith("liegt unter der Gut-Schwelle 1,000"), said


def test_reports_write_numbers_as_in_german(german: None) -> None:
    say = in_reports()
    assert (say.share(0.325), say.number(1234.5, 1)) == ("32,5\N{NO-BREAK SPACE}%", "1.234,5")
    assert [say.roughly(value) for value in (0.00123, -3.456, 12_345)] == [
        "0,00123",
        "−3,46",
        "12.345",
    ]


def test_a_reason_that_is_not_known_is_shown_as_it_stands(german: None) -> None:
    assert reason_in_words("the file is damaged <b>") == "the file is damaged <b>"


def test_a_value_with_braces_stays_as_it_is() -> None:
    assert tr("stored as {word}", word="{0.__class__}") == "stored as {0.__class__}"


def _files(store: StoreReader) -> Iterator[str]:
    return (part.file_name for part in store.page())


def _html(at: AppTest) -> str:
    assert not at.exception, at.exception
    return "\n".join(str(block.proto.body) for block in at.get("html"))

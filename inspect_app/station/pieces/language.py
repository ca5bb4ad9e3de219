"""Every text of the station in the operator's language, and numbers and times as written there.

Texts are English where they are used, as `tr("Sign in")`; `texts/de.po` holds the German.
"""

import os
from datetime import datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Literal, get_args

import streamlit as st
from babel.dates import format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from streamlit.runtime.scriptrunner import get_script_run_ctx

from inspect_app.reports.say import Say
from inspect_app.station.serve import LANGUAGE_VARIABLE

Language = Literal["en", "de"]
LANGUAGES: dict[Language, str] = {"en": "English", "de": "Deutsch"}
_LOCALES: dict[Language, str] = {"en": "en_GB", "de": "de_DE"}
_IN_ADDRESS = "lang"


def tr(text: str, **values: object) -> str:
    """A text in the language of the page; `{name}` in it becomes the value of that name."""
    translated = _texts(language()).gettext(text)
    return translated.format(**values) if values else translated


def later(text: str) -> str:
    """Mark a text for the catalogue that is given to `tr` at another place."""
    return text


def tr_n(one: str, many: str, n: int, **values: object) -> str:
    """A text for one thing or many; `{n}` in it becomes their number."""
    translated = _texts(language()).ngettext(one, many, n)
    return translated.format(n=count(n), **values)


def language() -> Language:
    """What was chosen in the page, else in its address, else for the station."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        for wanted in (st.session_state.get("language"), st.query_params.get(_IN_ADDRESS)):
            if wanted in LANGUAGES:
                return wanted
    of_station = os.environ.get(LANGUAGE_VARIABLE)
    return next((code for code in get_args(Language) if code == of_station), "en")


def in_reports() -> Say:
    """The language of the page, for what reports say."""
    return Say(tr, _LOCALES[language()])


def language_button() -> None:
    """A button that says the next language's own name, and turns the page into it."""
    codes = list(LANGUAGES)
    following = codes[(codes.index(language()) + 1) % len(codes)]
    st.button(LANGUAGES[following], key="next_language", on_click=_choose, args=(following,))


def count(n: int) -> str:
    """A whole number with the language's mark between thousands."""
    return str(format_decimal(n, locale=_LOCALES[language()]))


def number(value: float | None, digits: int = 2) -> str:
    """A number with a true minus sign; a dash where there is none."""
    return "–" if value is None else _decimal(value, f"#,##0.{'0' * digits}".rstrip("."))


def signed(value: float, digits: int = 2) -> str:
    """A number that always shows its sign; what rounds to nothing is 0."""
    if float(f"{value:.{digits}f}") == 0:
        return number(0.0, digits)
    plain = f"#,##0.{'0' * digits}".rstrip(".")
    return _decimal(value, f"+{plain};-{plain}")


def local_time(moment: datetime) -> str:
    """A moment in the station's own time zone."""
    return str(format_datetime(_here(moment), "medium", locale=_LOCALES[language()]))


def clock_time(moment: datetime, seconds: bool = False) -> str:
    """Hours and minutes in the station's own time zone."""
    form = "medium" if seconds else "short"
    return str(format_time(_here(moment), form, locale=_LOCALES[language()]))


def _decimal(value: float, pattern: str) -> str:
    return str(format_decimal(value, pattern, locale=_LOCALES[language()])).replace("-", "−")


def _here(moment: datetime) -> datetime:
    return moment.astimezone().replace(tzinfo=None)


def _choose(wanted: Language) -> None:
    st.session_state["language"] = wanted
    st.query_params[_IN_ADDRESS] = wanted


@cache
def _texts(wanted: Language) -> NullTranslations:
    if wanted == "en":  # what stands in the program
        return NullTranslations()
    source = files("inspect_app.station.texts").joinpath(f"{wanted}.po").read_bytes()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(source), locale=wanted))
    return GNUTranslations(BytesIO(compiled.getvalue()))

"""How reports say things and write numbers: in English, unless the station hands its own in."""

from collections.abc import Callable
from dataclasses import dataclass

from babel import Locale
from babel.numbers import format_decimal, format_percent


@dataclass(frozen=True)
class Say:
    """A language: called with a text it gives that text, and it knows how numbers are written.

    Attributes:
        translate: `translate(text, **values)`; `{name}` in the text becomes the value of that name.
        locale: Such as `en_GB`.
    """

    translate: Callable[..., str]
    locale: str

    def __call__(self, text: str, **values: object) -> str:
        """The text in this language."""
        return self.translate(text, **values)

    def share(self, value: float) -> str:
        """A share in percent, `32.5%`, in German `32,5 %`."""
        usual = Locale.parse(self.locale).percent_formats[None].pattern
        pattern = usual.replace("0", "0.0")
        return str(format_percent(value, pattern, locale=self.locale))

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many digits behind the point."""
        return self._written(value, f"#,##0.{'0' * digits}".rstrip("."))

    def roughly(self, value: float) -> str:
        """A number to three digits."""
        return self._written(value, "#,##0" if abs(value) >= 1000 else "@##")

    def _written(self, value: float, pattern: str) -> str:
        return str(format_decimal(value, pattern, locale=self.locale)).replace("-", "−")


def _as_it_stands(text: str, **values: object) -> str:
    return text.format(**values) if values else text


plain = Say(_as_it_stands, "en_GB")

"""Word, colour and shape of each verdict; the shape tells where red and green look alike."""

import base64
from dataclasses import dataclass

from inspect_app.station.pieces.language import later, tr
from inspect_app.store.records import Outcome

_CHECK = "<path d='M27 52 L43 68 L74 34' {stroke}/>"
_CROSS = "<path d='M34 34 L66 66 M66 34 L34 66' {stroke}/>"
_MARK = "<path d='M50 36 L50 60' {stroke}/><circle cx='50' cy='75' r='6.5' fill='{ink}'/>"
_QUESTION = (
    "<path d='M37 40 C37 24 64 24 64 41 C64 51 50 51 50 62' {stroke}/>"
    "<circle cx='50' cy='76' r='6.5' fill='{ink}'/>"
)
_CIRCLE = "<circle cx='50' cy='50' r='46' fill='{fill}'/>"
_OCTAGON = (
    "<path d='M31 4 L69 4 L96 31 L96 69 L69 96 L31 96 L4 69 L4 31 Z' fill='{fill}'"
    " stroke='{fill}' stroke-width='4' stroke-linejoin='round'/>"
)
_TRIANGLE = (
    "<path d='M50 8 L95 90 L5 90 Z' fill='{fill}' stroke='{fill}' stroke-width='9'"
    " stroke-linejoin='round'/>"
)
_SQUARE = "<rect x='6' y='6' width='88' height='88' rx='12' fill='{fill}'/>"


@dataclass(frozen=True)
class Sign:
    """How one outcome looks.

    Attributes:
        english: Its word, in capitals.
        colour, ink: Of the large field, and of what is written on it.
        light: A brighter tone of the colour, for small marks on the dark background.
    """

    english: str
    colour: str
    ink: str
    light: str
    outline: str
    mark: str

    @property
    def word(self) -> str:
        """Its word in the language of the page."""
        return tr(self.english)

    def picture(self, fill: str, ink: str) -> str:
        """The shape as an image address that needs no network."""
        stroke = (
            f"stroke='{ink}' stroke-width='11' fill='none' stroke-linecap='round' "
            "stroke-linejoin='round'"
        )
        drawn = (self.outline + self.mark).format(fill=fill, ink=ink, stroke=stroke)
        svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100'>{drawn}</svg>"
        return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()

    def on_field(self) -> str:
        """The shape for the large coloured field: in the ink's colour, its mark cut out."""
        return self.picture(self.ink, self.colour)

    def on_panel(self) -> str:
        """The shape for small places on the dark background."""
        return self.picture(self.light, "#10151a")


SIGNS: dict[Outcome, Sign] = {
    "pass": Sign(later("PASS"), "#0b7f56", "#ffffff", "#35c98f", _CIRCLE, _CHECK),
    "recheck": Sign(later("RECHECK"), "#ffb31a", "#1a1200", "#ffc24a", _TRIANGLE, _MARK),
    "fail": Sign(later("FAIL"), "#c4262e", "#ffffff", "#ff6b6b", _OCTAGON, _CROSS),
    "unreadable": Sign(later("UNREADABLE"), "#566473", "#ffffff", "#a9b8c6", _SQUARE, _QUESTION),
}

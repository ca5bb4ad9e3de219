"""Why an image could not be read, in the operator's language.

The store keeps the reader's own English sentence. What a system or a decoder said stands in
brackets and stays as it is.
"""

import re
import string
from functools import cache

from inspect_app.station.pieces.language import later, tr

_SENTENCES = (
    later("{where}: {kind}, expected an image."),
    later("{where}: is no plain file, expected an image."),
    later("{where}: cannot be read ({said})."),
    later("{where}: cannot be decoded ({said}); the file is damaged or incomplete."),
    later("{where}: changed while it was read ({bytes} bytes, then more); give finished files."),
    later("{where}: changed while it was read ({bytes} bytes, then {now}); give finished files."),
    later(
        "{where}: {found} MiB, the limit is {most} MiB for {pixels} pixels; "
        "raise input.max_pixels if this camera is meant."
    ),
    later(
        "{where}: {size} pixels, the limit is {most}; "
        "raise input.max_pixels if this camera is meant."
    ),
    later("{where}: {size} pixels, expected at least one."),
    later(
        "{where}: a 16-bit image, but no window is declared; "
        "set input.window: [black, white] to the camera's range."
    ),
    later("{where}: a floating-point image; save it with 8 or 16 bits."),
    later("{where}: a 16-bit colour image that cannot be decoded; save it as PNG."),
)
_KINDS = (
    later("an empty file"),
    later("a text file"),
    later("a file of unknown kind"),
    later("a GIF image"),
    later("a PDF document"),
    later("a PostScript document"),
    later("a zip archive"),
    later("a gzip archive"),
    later("a JPEG 2000 image"),
)


def unreadable_in_words(reason: str) -> str | None:
    """The sentence as plain text, not yet safe for HTML; None where it is of another kind."""
    for sentence in _SENTENCES:
        found = _form(sentence).fullmatch(reason)
        if found is None:
            continue
        values = found.groupdict()
        if "kind" in values:
            if values["kind"] not in _KINDS:
                continue
            kind = values["kind"]
            values["kind"] = tr(kind)
        return tr(sentence, **values)
    return None


@cache
def _form(sentence: str) -> re.Pattern[str]:
    """What has the form of a sentence, with its values as groups."""
    pieces = string.Formatter().parse(sentence)
    forms = (re.escape(fixed) + (f"(?P<{name}>.+)" if name else "") for fixed, name, _, _ in pieces)
    return re.compile("".join(forms), re.DOTALL)

"""The large picture of the part on show, and the switches above it."""

import streamlit as st

from inspect_app.station.pieces.keyboard import (
    KEY_BESIDE,
    KEY_EVIDENCE,
    KEY_HEAD,
    KEY_OUTLINES,
    KEY_ZOOM,
)
from inspect_app.station.pieces.language import number, tr
from inspect_app.station.pieces.part_picture import ZOOMS, Drawing, draw_part
from inspect_app.station.pieces.wording import part_title
from inspect_app.store.pictures import encode_png
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import BundleRecord, InspectionRecord, PartEvidence
from span_train.contract.errors import StoreError

_SCALE_WITHOUT_MANIFEST = 1.0


@st.fragment
def picture_card(
    store: StoreReader,
    part: InspectionRecord,
    bundle: BundleRecord,
    evidence: PartEvidence | None,
) -> None:
    """Draw it; a switch draws this card anew and nothing else."""
    if evidence is None:
        why = f"<b>{tr('No picture')}</b><p>{tr('The file could not be read.')}</p>"
        st.html(f'<div class="no-picture">{why}</div>')
        return
    drawing, beside = _choose_drawing(bundle)
    strongest = max(bundle.parts, key=lambda name: part.contributions.get(name, 0.0), default=None)
    masks_khw = store.layout(bundle) if drawing.outlines else None
    with st.container(key="picture", horizontal=True, gap="small", wrap=False):
        alt = tr("The part, with the evidence over it") if drawing.opacity else tr("The part")
        drawn = draw_part(evidence, drawing, bundle.parts, masks_khw, strongest)
        st.image(encode_png(drawn), width="stretch", output_format="PNG", alt=alt)
        if beside:
            _good_part(store, part, drawing)


def _good_part(store: StoreReader, part: InspectionRecord, drawing: Drawing) -> None:
    """A typical good part of the same bundle, its picture drawn in the same way."""
    good_id = store.live.typical_good_id(part.bundle_id)
    try:
        good = None if good_id is None else store.evidence(store.inspection(good_id))
    except StoreError:  # its picture is gone; that of the part on show is what matters
        good = None
    if good is None:
        st.html(f'<div class="no-picture"><b>{tr("No good part yet")}</b></div>')
        return
    drawn = draw_part(good, drawing)
    st.image(encode_png(drawn), width="stretch", output_format="PNG", alt=tr("A good part"))


def _choose_drawing(bundle: BundleRecord) -> tuple[Drawing, bool]:
    """The switches above the picture, and whether a good part stands beside it."""
    with st.container(
        key="picture_tools", horizontal=True, vertical_alignment="center", gap="small", wrap=False
    ):
        evidence_on = _switch(tr("Evidence"), KEY_EVIDENCE, "evidence_on", default=True)
        opacity = st.slider(
            tr("Evidence opacity"),
            0,
            100,
            80,
            5,
            format="%d%%",
            key="opacity",
            disabled=not evidence_on,
            label_visibility="collapsed",
            width=100,
            persist_state="session",
        )
        head = _head(bundle)
        zoom = ZOOMS[_turning("zoom", KEY_ZOOM, [_zoom_title(zoom) for zoom in ZOOMS])]
        outlines = _switch(tr("Outlines"), KEY_OUTLINES, "outlines")
        beside = _switch(tr("Compare"), KEY_BESIDE, "beside")
        if head is None:
            st.html(_legend(), width="stretch")
    scale = float(bundle.manifest.get("evidence_scale", _SCALE_WITHOUT_MANIFEST))
    shown = opacity / 100 if evidence_on else 0.0
    return Drawing(shown, scale, outlines=outlines, zoom=zoom, head=head), beside


def _head(bundle: BundleRecord) -> int | None:
    """Which head lies over the picture; None for the evidence."""
    titles = [tr("Head"), *(part_title(name) for name in bundle.heads)]
    chosen = _turning("head", KEY_HEAD, titles)
    return chosen - 1 if chosen else None


def _zoom_title(zoom: float) -> str:
    return tr("Zoom {times}×", times=number(zoom, 0))


def _turning(state: str, key: str, titles: list[str]) -> int:
    """A button that goes from one choice to the next, and from the last to the first."""
    chosen = int(st.session_state.get(state, 0)) % len(titles)

    def turn() -> None:
        st.session_state[state] = (chosen + 1) % len(titles)

    st.button(
        titles[chosen],
        key=f"turn_{state}",
        shortcut=key,
        type="primary" if chosen else "secondary",
        on_click=turn,
    )
    return chosen


def _switch(label: str, key: str, state: str, default: bool = False) -> bool:
    """A button that stays pressed; unlike a toggle it can have a key."""
    is_on = bool(st.session_state.setdefault(state, default))

    def turn() -> None:
        st.session_state[state] = not is_on

    st.button(
        label,
        key=f"switch_{state}",
        shortcut=key,
        type="primary" if is_on else "secondary",
        on_click=turn,
    )
    return is_on


def _legend() -> str:
    some, strong = tr("some"), tr("strong evidence")
    return f'<p class="legend"><span>{some}</span><i></i><span>{strong}</span></p>'

"""The page where an operator sees one part, its verdict and the evidence, and decides."""

import streamlit as st

from inspect_app.station.pieces.decision_bar import decision_bar
from inspect_app.station.pieces.head_attention import head_attention
from inspect_app.station.pieces.keyboard import KEY_CLOSE_UP, KEY_EVIDENCE, KEY_OUTLINES
from inspect_app.station.pieces.language import number, tr
from inspect_app.station.pieces.part_bars import part_bars
from inspect_app.station.pieces.part_on_show import part_on_show
from inspect_app.station.pieces.part_picture import Drawing, draw_part
from inspect_app.station.pieces.score_scale import score_scale
from inspect_app.station.pieces.sign_in import signed_in
from inspect_app.station.pieces.store_access import station_store
from inspect_app.station.pieces.top_bar import top_bar
from inspect_app.station.pieces.trouble import trouble
from inspect_app.station.pieces.verdict_banner import verdict_banner
from inspect_app.station.pieces.wording import short_id, text
from inspect_app.store.pictures import encode_png
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import BundleRecord, InspectionRecord, PartEvidence
from span_train.contract.errors import StoreError

LOOK_FOR_NEW_S = 4
_SCALE_WITHOUT_MANIFEST = 1.0


def show_part() -> None:
    """Lay the page out."""
    try:
        _show(station_store())
    except StoreError as problem:
        st.html(trouble(problem))


def _show(store: StoreReader) -> None:
    counts = store.counts()
    outcome = top_bar(store, counts)
    part_id = part_on_show(store, outcome)
    _look_for_new_parts(store, counts.newest_id)
    if part_id is None:
        st.html(_nothing_yet(counts.newest_id > 0))
        return
    part = store.inspection(part_id)
    decision = store.latest_decision(part_id)
    position, total = store.position(part_id, outcome), counts.of(outcome)[0]
    st.html(verdict_banner(part, decision, position, total))
    bundle, evidence = store.bundle(part.bundle_id), store.evidence(part)
    with st.container(key="main"):
        picture, numbers = st.columns([1.12, 1], gap="small")
        with picture, st.container(key="picture_card"):
            _picture(store, part, bundle, evidence)
        numbers.html(_numbers(part, bundle, evidence))
    decision_bar(store, part_id, outcome, _facts(part, bundle))


@st.fragment
def _picture(
    store: StoreReader,
    part: InspectionRecord,
    bundle: BundleRecord,
    evidence: PartEvidence | None,
) -> None:
    if evidence is None:
        why = f"<b>{tr('No picture')}</b><p>{tr('The file could not be read.')}</p>"
        st.html(f'<div class="no-picture">{why}</div>')
        return
    drawing = _choose_drawing(part, bundle)
    strongest = max(bundle.parts, key=lambda name: part.contributions.get(name, 0.0), default=None)
    masks_khw = store.layout(bundle) if drawing.outlines else None
    with st.container(key="picture"):
        st.image(
            encode_png(draw_part(evidence, drawing, bundle.parts, masks_khw, strongest)),
            width="stretch",
            output_format="PNG",
            alt=tr("The part, with the evidence over it") if drawing.opacity else tr("The part"),
        )


def _choose_drawing(part: InspectionRecord, bundle: BundleRecord) -> Drawing:
    """The switches above the picture."""
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
            width=180,
            persist_state="session",
        )
        close_up = _switch(tr("Close-up"), KEY_CLOSE_UP, "close_up")
        outlines = _switch(tr("Outlines"), KEY_OUTLINES, "outlines")
        st.html(_legend(), width="stretch")
    scale = float(bundle.manifest.get("evidence_scale", _SCALE_WITHOUT_MANIFEST))
    return Drawing(opacity / 100 if evidence_on else 0.0, scale, close_up, outlines)


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


def _numbers(part: InspectionRecord, bundle: BundleRecord, evidence: PartEvidence | None) -> str:
    """HTML of everything beside the picture, as one column that fills its height."""
    if evidence is None:
        nothing = (
            f"<b>{tr('Nothing measured')}</b><p>{tr('Look at the part itself, then decide.')}</p>"
        )
        return f'<section class="numbers"><div class="card no-picture">{nothing}</div></section>'
    assigned = [name in bundle.parts for name in bundle.heads]
    return (
        f'<section class="numbers"><div class="card">{score_scale(part)}</div>'
        f'<div class="card bars-card" style="--rows:{len(part.contributions)}">'
        f"<h3>{tr('What each part adds to z')}"
        f'<small><i class="good"></i>{tr("speaks for good")} '
        f'<i class="defect"></i>{tr("for a defect")}</small></h3>'
        f"{part_bars(part)}</div>"
        f'<div class="card heads-card"><h3>{tr("Where each head looks")}</h3>'
        f"{head_attention(evidence, bundle.heads, assigned)}</div></section>"
    )


def _facts(part: InspectionRecord, bundle: BundleRecord) -> str:
    facts = []
    if part.duplicate_of is not None:
        facts.append(tr("Same content as inspection {id}", id=part.duplicate_of))
    if part.outlier is not None:
        facts.append(_outlier(part))
    bundle_id = short_id(bundle.bundle_id)
    facts.append(tr("Bundle {name} ({id})", name=text(bundle.name), id=bundle_id))
    if part.latency_ms is not None:
        facts.append(tr("Inspected in {ms} ms", ms=number(part.latency_ms, 0)))
    return '<p class="facts">' + "".join(f"<span>{fact}</span>" for fact in facts) + "</p>"


def _outlier(part: InspectionRecord) -> str:
    found = number(part.outlier, 1)
    if part.outlier_limit is None:
        return tr("Outlier {found}", found=found)
    return tr("Outlier {found} (limit {limit})", found=found, limit=number(part.outlier_limit, 1))


@st.fragment(run_every=LOOK_FOR_NEW_S)
def _look_for_new_parts(store: StoreReader, newest_id: int) -> None:
    """Bring the page up to date while the line adds parts, and end a forgotten visit."""
    was_signed_in = "signed_in" in st.session_state
    if store.counts().newest_id != newest_id or (was_signed_in and signed_in(store) is None):
        st.session_state["by_itself"] = True
        st.rerun()


def _nothing_yet(others: bool) -> str:
    if others:
        title, hint = tr("No part with this verdict"), tr("Choose other parts at the top.")
    else:
        title = tr("Waiting for the first part")
        hint = tr("Parts appear here as soon as the line has judged them.")
    return f'<section class="waiting"><b>{title}</b><p>{hint}</p></section>'


def _legend() -> str:
    some, strong = tr("some"), tr("strong evidence")
    return f'<p class="legend"><span>{some}</span><i></i><span>{strong}</span></p>'

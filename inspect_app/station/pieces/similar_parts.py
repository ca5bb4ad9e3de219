"""A part beside the ones most like it, with what the line and people said of each."""

import cv2
import numpy as np
import streamlit as st

from inspect_app.station.pieces.language import number, tr
from inspect_app.station.pieces.part_picture import Drawing, draw_part
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.wording import text
from inspect_app.store.pictures import encode_png
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import InspectionRecord
from inspect_app.store.similar import DECIDED_COMPARED, NEWEST_COMPARED
from span_train.contract.errors import StoreError
from span_train.contract.image import RGB

MOST_SHOWN = 4
_OPACITY, _WIDTH_PX = 0.8, 480


def similar_parts(store: StoreReader, part_id: int) -> None:
    """Draw the row: the part itself first, then the others, the most similar first."""
    part = store.inspection(part_id)
    others = store.questions.similar(part, MOST_SHOWN)
    explained = tr(
        "the same parts of the layout speak as strongly for or against a defect; compared with the "
        "newest {newest} inspections of the bundle and the last {decided} decided ones",
        newest=number(NEWEST_COMPARED, 0),
        decided=number(DECIDED_COMPARED, 0),
    )
    with st.container(key="similar"):
        st.html(f"<h3>{tr('Similar parts')}<small>{explained}</small></h3>")
        if not others:
            st.html(f'<p class="quiet">{tr("There is none to compare with.")}</p>')
            return
        for column, other_id in zip(
            st.columns(MOST_SHOWN + 1, gap="small"), (part_id, *others), strict=False
        ):
            with column:
                _one(store, store.inspection(other_id), is_own=other_id == part_id)


def _one(store: StoreReader, part: InspectionRecord, is_own: bool) -> None:
    picture = _picture(store, part)
    if picture is None:
        st.html(f'<div class="no-picture"><b>{tr("No picture")}</b></div>')
    else:
        st.image(encode_png(picture), width="stretch", output_format="PNG", alt=part.file_name)
    st.html(_caption(store, part, is_own))


def _picture(store: StoreReader, part: InspectionRecord) -> RGB | None:
    """The part with its evidence, small; None where its file is gone."""
    try:
        evidence = store.evidence(part)
        scale = float(store.bundle(part.bundle_id).manifest.get("evidence_scale", 1.0))
    except StoreError:  # the others can be compared all the same
        return None
    if evidence is None:
        return None
    drawn = draw_part(evidence, Drawing(_OPACITY, scale))
    height_px = max(1, round(drawn.shape[0] * _WIDTH_PX / drawn.shape[1]))
    small = cv2.resize(drawn, (_WIDTH_PX, height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _caption(store: StoreReader, part: InspectionRecord, is_own: bool) -> str:
    sign = SIGNS[part.outcome]
    decision = store.latest_decision(part.id)
    said = tr("not decided")
    if decision is not None:
        word = SIGNS[decision.decision].word
        said = tr("{word} by {name}", word=word, name=text(decision.operator))
        said += f" · {text(decision.reason)}" if decision.reason else ""
    own = f" · {tr('this part')}" if is_own else ""
    return (
        f'<p class="similar-part"><b><img src="{sign.on_panel()}" alt="">{sign.word}'
        f"<small>z {number(part.z)}{own}</small></b><span>{text(part.file_name)}</span>"
        f"<em>{said}</em></p>"
    )

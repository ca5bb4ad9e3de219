"""Let every press on a Streamlit page do all that it is for, however soon the next one comes.

As soon as another press comes, Streamlit stops what it does for the one before: at its next use of
`st.session_state`, or before it has begun. Signing in takes a tenth of a second, and a key pressed
within it left nobody signed in. Here what a press calls always runs to its end, one press after the
other; only the drawing of the page afterwards gives way to the next one.
"""

from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from streamlit import config
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.state.safe_session_state import SafeSessionState

_STOPS_FOR_THE_NEXT = "runner.fastReruns"
_calling: ContextVar[bool] = ContextVar("calling", default=False)
_unanswered: WeakSet[ScriptRunner] = WeakSet()

_ask = AppSession.request_rerun
_call = SafeSessionState.on_script_will_rerun
_give_way = ScriptRunner._maybe_handle_execution_control_request


def finish_every_press() -> None:
    """Have it so for every page that this process serves."""
    AppSession.request_rerun = _ask_in_turn  # type: ignore[method-assign]
    SafeSessionState.on_script_will_rerun = _call_whole  # type: ignore[method-assign]
    ScriptRunner._maybe_handle_execution_control_request = (  # type: ignore[method-assign]
        _give_way_between
    )


def _ask_in_turn(self: AppSession, client_state: ClientState | None) -> None:
    """Queue a press behind one that is not answered; a page being drawn is stopped for it."""
    config.set_option(_STOPS_FOR_THE_NEXT, self._scriptrunner not in _unanswered)
    _ask(self, client_state)
    is_whole_page = client_state is None or not client_state.fragment_id
    if is_whole_page and self._scriptrunner is not None:
        _unanswered.add(self._scriptrunner)


def _call_whole(self: SafeSessionState, *args: Any, **named: Any) -> None:
    """Call what the presses call, and let no later one in."""
    token = _calling.set(True)
    try:
        _call(self, *args, **named)
    finally:
        _calling.reset(token)


def _give_way_between(self: ScriptRunner) -> None:
    """Look for the next press, but not while the last one is answered."""
    if _calling.get():
        return
    _give_way(self)
    if self._execing:
        _unanswered.discard(self)

"""Which keys do what, and a small script that keeps them working while the mouse is used."""

KEY_OF_DECISION = {"pass": "P", "recheck": "K", "fail": "F"}
KEY_NEXT, KEY_PREVIOUS = "Right", "Left"
KEY_NEXT_OPEN, KEY_NEWEST = "N", "L"
KEY_EVIDENCE, KEY_ZOOM, KEY_OUTLINES = "E", "Z", "O"
KEY_HEAD, KEY_BESIDE = "H", "X"

# Streamlit ignores shortcuts while an input has the focus, and repeats them while a key is held.
# So: give the focus back after Enter or Escape in a text and after dragging the slider, and let a
# held key count once, or it would decide one part after another. S starts to sign in, R a
# reason; while one is written, no new part takes the place of the one it is about.
SCRIPT = """<script>
if (!window.stationKeyboard) {
  window.stationKeyboard = true;
  const writing = (element) => element && element.matches &&
    element.matches('input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea');
  const letGo = () => setTimeout(() => document.activeElement && document.activeElement.blur(), 0);
  const hold = () => {
    const newest = document.querySelector('.st-key-newest button[kind=primary]');
    if (newest) newest.click();
  };
  window.addEventListener('focusin', (event) => {
    if (event.target.closest && event.target.closest('.st-key-reason_field')) hold();
  });
  window.addEventListener('keydown', (event) => {
    const field = document.querySelector('.st-key-sign_in_name input');
    if (!writing(event.target) && event.key.toLowerCase() === 's' && field &&
        !event.ctrlKey && !event.metaKey && !event.altKey) {
      const pin = document.querySelector('.st-key-sign_in_pin input');
      (field.value && pin ? pin : field).focus();
      event.preventDefault();
    } else if (!writing(event.target) && event.key.toLowerCase() === 'r' &&
        !event.ctrlKey && !event.metaKey && !event.altKey) {
      const reason = document.querySelector('.st-key-reason_field input');
      if (reason) reason.focus();
      event.preventDefault();
    } else if (writing(event.target)) {
      if (event.key === 'Enter' || event.key === 'Escape') letGo();
    } else if (event.repeat && event.key.length === 1) {
      event.stopImmediatePropagation();
      event.preventDefault();
    }
  }, true);
  window.addEventListener('pointerup', () => setTimeout(() => {
    const element = document.activeElement;
    if (element && !writing(element) && element.closest('[data-testid=stSlider]')) element.blur();
  }, 0), true);
}
</script>"""

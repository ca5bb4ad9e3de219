"""Which keys do what, and a small script that keeps them working while the mouse is used."""

KEY_OF_DECISION = {"pass": "P", "recheck": "K", "fail": "F"}
KEY_NEXT, KEY_PREVIOUS = "Right", "Left"
KEY_NEXT_OPEN = "N"
KEY_EVIDENCE, KEY_CLOSE_UP, KEY_OUTLINES = "E", "Z", "O"

# Streamlit ignores shortcuts while an input has the focus, and repeats them while a key is held.
# So: give the focus back after Enter or Escape in a text and after dragging the slider, and let a
# held key count once, or it would decide one part after another. S starts to sign in.
SCRIPT = """<script>
if (!window.stationKeyboard) {
  window.stationKeyboard = true;
  const writing = (element) => element && element.matches &&
    element.matches('input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea');
  const letGo = () => setTimeout(() => document.activeElement && document.activeElement.blur(), 0);
  window.addEventListener('keydown', (event) => {
    const field = document.querySelector('.st-key-sign_in_name input');
    if (!writing(event.target) && event.key.toLowerCase() === 's' && field &&
        !event.ctrlKey && !event.metaKey && !event.altKey) {
      const pin = document.querySelector('.st-key-sign_in_pin input');
      (field.value && pin ? pin : field).focus();
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

// The keyboard. Keys are taken before Streamlit sees them, unless a text is being written.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKeyDown(editor, event) {
  const target = event.composedPath()[0];
  const writing = target.matches?.('input:not([type=range])');
  if (writing) {
    if (event.key === 'Enter' || event.key === 'Escape') {
      if (event.key === 'Escape') target.value = target.defaultValue;
      target.blur();
      editor.canvas.focus();
      if (editor.guide && event.key === 'Enter') editor.applyGuide();
      event.preventDefault();
    } else if (!(event.ctrlKey && event.key.toLowerCase() === 's')) {
      event.stopImmediatePropagation();
      return;
    }
  }
  const done = event.ctrlKey || event.metaKey ? withControl(editor, event)
    : writing || plain(editor, event);
  if (done) event.preventDefault();
  event.stopImmediatePropagation();
}

function withControl(editor, event) {
  const key = event.key.toLowerCase();
  if (key === 'z') event.shiftKey ? editor.redo() : editor.undo();
  else if (key === 'y') editor.redo();
  else if (key === 's') editor.save();
  else if (key === 'd') editor.duplicate();
  else return false;
  return true;
}

function plain(editor, event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const tool = Object.keys(TOOLS).find((name) => TOOLS[name].key.toLowerCase() === key);
  if (tool) editor.setTool(tool);
  else if (ARROWS[key]) editor.nudge(ARROWS[key], event.shiftKey ? 10 : 1);
  else if (/^[1-9]$/.test(key)) editor.choose(Number(key) - 1);
  else if (PLAIN[key]) PLAIN[key](editor, event);
  else return key === 'Tab' ? false : event.altKey;
  return true;
}

const PLAIN = {
  n: (editor) => editor.newPart(),
  m: (editor) => editor.setGuide('mirror'),
  w: (editor) => editor.setGuide('row'),
  a: (editor) => editor.setGuide('around'),
  g: (editor) => editor.setGuide('propose'),
  c: (editor) => editor.ask({ kind: 'outline', part: editor.chosen }),
  l: (editor) => editor.look(),
  h: (editor) => { editor.peeking = true; editor.redraw(); },
  '?': (editor) => editor.showKeys(),
  F2: (editor) => editor.startRename(editor.chosen),
  '[': (editor) => editor.setBrush(editor.brush / 1.25),
  ']': (editor) => editor.setBrush(editor.brush * 1.25),
  0: (editor) => editor.fit(),
  '+': (editor) => editor.zoom(ZOOM_STEP),
  '=': (editor) => editor.zoom(ZOOM_STEP),
  '-': (editor) => editor.zoom(1 / ZOOM_STEP),
  ' ': (editor) => { editor.spaced = true; editor.setCursor(); },
  Enter: (editor) => editor.confirm(),
  Escape: (editor) => editor.escape(),
  Backspace: (editor) => editor.takeBack(),
  Delete: (editor) => editor.remove(),
};

function onKeyUp(editor, event) {
  if (event.key === ' ') { editor.spaced = false; editor.setCursor(); }
  if (event.key.toLowerCase() === 'h') { editor.peeking = false; editor.redraw(); }
}

// The screen: sizes, the mouse, and keeping everything around the picture up to date.

Object.assign(Editor.prototype, {
  setPicture(source) {
    if (!source || this.source === source.jpeg) return;
    this.source = source.jpeg;
    const image = new Image();
    image.onload = () => { this.picture = image; this.redraw(); };
    image.src = 'data:image/jpeg;base64,' + source.jpeg;
  },

  resize() {
    const box = this.canvas.parentElement.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [box.width * ratio, box.height * ratio].map(Math.round);
    [this.across, this.down] = [box.width, box.height];
    if (this.view.fitted && this.width) this.fit();
    else this.redraw();
  },

  fit() { this.view.fit(this.across, this.down, this.width, this.height); this.redraw(); },

  zoom(factor, at = [this.across / 2, this.down / 2]) { this.view.zoom(factor, at); this.redraw(); },

  lookAt(point) { this.view.centre(point, this.across, this.down); this.redraw(); },

  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      this.painter.paint();
      this.root.querySelector('.zoom').textContent = `${Math.round(this.view.scale * 100)} %`;
    });
  },

  showAll() {
    showParts(this);
    showRemarks(this);
    this.showBars();
    this.redraw();
  },

  showBars() {
    const find = (selector) => this.root.querySelector(selector);
    this.root.querySelectorAll('nav > button').forEach(
      (one) => one.classList.toggle('on', one.classList.contains(this.tool) && !this.guide));
    const brushes = this.tool === 'brush' || this.tool === 'eraser';
    find('.size').classList.toggle('off', !brushes);
    find('.size output').textContent = `${(2 * this.brush).toFixed(this.brush < 5 ? 1 : 0)} px`;
    find('.hint').textContent = this.guide ? GUIDE_WORDS[this.guide.kind] : TOOLS[this.tool].hint;
    if (!this.guide || !writtenIn(this, '.bars')) {
      find('.bars').replaceChildren(...(this.guide ? [guideBar(this)] : []));
    }
    find('.undo').disabled = !this.doc.past.length;
    find('.redo').disabled = !this.doc.future.length;
    find('.save').classList.toggle('dirty', this.doc.dirty);
    this.setCursor();
    this.showBusy();
  },

  showBusy() { this.root.classList.toggle('busy', this.waiting !== null); },

  setCursor() {
    const cursors = { select: 'default', brush: 'none', eraser: 'none' };
    this.canvas.style.cursor = this.spaced || this.panning ? 'grab'
      : this.guide ? 'move' : cursors[this.tool] || 'crosshair';
  },

  say(text, wrong = false) {
    const toast = this.root.querySelector('.toast');
    toast.textContent = text;
    toast.className = wrong ? 'toast shown wrong' : 'toast shown';
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => toast.classList.remove('shown'), wrong ? 7000 : 5000);
  },

  leave() {
    window.removeEventListener('keydown', this.onKey, true);
    window.removeEventListener('keyup', this.onKeyUp, true);
    window.removeEventListener('beforeunload', this.onLeave);
    this.watching.disconnect();
  },
});

function listen(editor) {
  const { canvas } = editor;
  editor.onKey = (event) => onKeyDown(editor, event);
  editor.onKeyUp = (event) => onKeyUp(editor, event);
  editor.onLeave = (event) => { if (editor.doc.dirty) event.preventDefault(); };
  window.addEventListener('keydown', editor.onKey, true);
  window.addEventListener('keyup', editor.onKeyUp, true);
  window.addEventListener('beforeunload', editor.onLeave);
  editor.watching = new ResizeObserver(() => editor.resize());
  editor.watching.observe(canvas.parentElement);
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.onpointerdown = (event) => pointerDown(editor, event, at(event));
  canvas.onpointermove = (event) => pointerMove(editor, event, at(event));
  canvas.onpointerup = (event) => pointerUp(editor, event);
  canvas.onpointerleave = () => { editor.pointer = null; editor.redraw(); };
  canvas.ondblclick = () => TOOLS[editor.tool].twice?.(editor);
  canvas.oncontextmenu = (event) => event.preventDefault();
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    editor.zoom(Math.exp(-event.deltaY * 0.0015), at(event));
  }, { passive: false });
}

function pointerDown(editor, event, at) {
  editor.canvas.focus();
  editor.canvas.setPointerCapture(event.pointerId);
  editor.last = at;
  if (editor.waiting !== null) return;
  if (editor.spaced || event.button === 1) editor.panning = true;
  else if (event.button === 0 && editor.guide) pullGuide(editor, event, at);
  else if (event.button === 0) TOOLS[editor.tool].down(editor, editor.view.toImage(at), event);
  editor.setCursor();
  editor.redraw();
}

function pointerMove(editor, event, at) {
  const point = editor.view.toImage(at), pressed = event.buttons === 1;
  editor.pointer = point;
  if (editor.panning && event.buttons) editor.view.move(at[0] - editor.last[0], at[1] - editor.last[1]);
  else if (editor.guide && pressed) pullGuide(editor, event, at);
  else if (!editor.guide) TOOLS[editor.tool].move(editor, point, event, pressed);
  editor.last = at;
  const inside = point[0] >= 0 && point[1] >= 0 && point[0] < editor.width && point[1] < editor.height;
  editor.root.querySelector('.where').textContent =
    inside ? `${Math.floor(point[0])}, ${Math.floor(point[1])}` : '';
  editor.redraw();
}

function pullGuide(editor, event, at) {
  dragGuide(editor.guide, editor, editor.view.toImage(at), event.shiftKey);
  editor.showBars();
}

function pointerUp(editor) {
  if (editor.panning) editor.panning = false;
  else if (!editor.guide) TOOLS[editor.tool].up(editor);
  editor.setCursor();
  editor.redraw();
}

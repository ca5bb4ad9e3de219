// The editor: one picture, the parts on it, and what is asked of Python.

class Editor {
  constructor(root) {
    this.root = root;
    Object.assign(this, {
      doc: new Drawn(), view: new View(), chosen: -1, picked: null, vertex: null, tool: 'polygon',
      draft: null, drag: null, guide: null, brush: 8, light: 1, pointer: null, remarks: [],
      notes: [], patches: [], shares: [], number: 0, waiting: null, seed: 0, told: -1,
    });
    buildPanel(this);
    this.canvas = root.querySelector('canvas');
    this.painter = new Painter(this);
    listen(this);
  }

  get parts() { return this.doc.parts; }

  // The first data: the picture's size, the parts that are there.
  start(data, setState) {
    Object.assign(this, {
      width: data.width, height: data.height, colours: data.colours, notes: data.notes,
      setState, brush: Math.max(2, Math.round(Math.max(data.width, data.height) / 60)),
    });
    this.doc.start(data.parts);
    this.kept = new Draft(data.key);
    const draft = this.kept.find();
    this.root.querySelector('.line').textContent = data.line;
    this.root.querySelector('.exemplar').textContent =
      `${data.exemplar} · ${data.width} × ${data.height} px`;
    this.chosen = this.parts.length ? 0 : -1;
    this.tool = this.parts.length ? 'select' : 'polygon';
    this.resize();
    this.fit();
    if (draft && JSON.stringify(draft) !== this.doc.saved) {
      this.change(draft);
      this.chosen = this.parts.length ? 0 : -1;
      this.say('What was not saved the last time is back. Undo (Ctrl+Z) throws it away.');
    }
    this.showAll();
    this.canvas.focus();
    this.send(null);
  }

  take(answer) {
    if (!answer || answer.number <= this.told) return;
    this.told = answer.number;
    const waited = this.waiting === answer.number;
    if (waited) this.waiting = null;
    if (answer.problem) { this.say(answer.problem, true); this.showAll(); return; }
    if (answer.number === this.number) {
      Object.assign(this, { remarks: answer.remarks, patches: answer.patches });
      this.shares = answer.shares;
    }
    if (waited && answer.parts) {
      this.setGuide(null);
      this.doc.commit(answer.parts) && this.kept.keep(this.doc.asText());
      this.sentText = this.doc.asText();  // its remarks came along
      this.picked = null;
      this.chosen = Math.min(Math.max(this.chosen, 0), this.parts.length - 1);
    }
    if (waited && answer.samples) showSamples(this, answer.samples);
    if (waited && answer.saved) {
      this.doc.saved = this.sentText;
      if (!this.doc.dirty) this.kept.drop();
      this.say(`Saved as ${answer.saved}; the line now uses it. Earlier masks are kept.`);
    }
    this.showAll();
  }

  send(ask) {
    clearTimeout(this.timer);
    this.number += 1;
    this.sentText = this.doc.asText();
    const drawing = { parts: JSON.parse(this.sentText) };
    if (ask) this.waiting = this.number;
    this.setState('work', { number: this.number, drawing, ask });
    this.showBusy();
  }

  ask(ask) {
    if (this.waiting !== null) return;
    if (ask.part !== undefined && !this.parts[ask.part]) {
      this.say('Choose a part first.', true);
      return;
    }
    this.send(ask);
  }

  // A change of the drawing: one step of history, shown at once, checked a moment later. Not while
  // Python is changing it.
  change(parts) {
    if (this.waiting === null && this.doc.commit(parts)) this.changed();
  }

  changed() {
    this.kept.keep(this.doc.asText());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.waiting === null && this.send(null), 180);
    this.showAll();
  }

  undo() { if (this.waiting === null && this.doc.undo()) this.stepped(); }
  redo() { if (this.waiting === null && this.doc.redo()) this.stepped(); }

  stepped() {
    this.picked = this.draft = this.vertex = null;
    this.chosen = Math.min(this.chosen, this.parts.length - 1);
    this.changed();
  }

  save() {
    document.activeElement?.shadowRoot?.activeElement?.blur();  // a name that is being written
    const errors = this.remarks.filter((one) => one.level === 'error');
    if (errors.length && this.told === this.number) this.say(errors[0].text, true);
    else this.ask({ kind: 'save' });
  }

  look() { this.seed += 1; this.ask({ kind: 'look', seed: this.seed }); }

  setTool(name) {
    this.draft = this.guide = null;
    if (name !== 'select') this.picked = this.vertex = null;
    this.tool = name;
    this.showBars();
    this.showAll();
  }

  setGuide(kind) {
    this.guide = kind ? newGuide(kind, this) : null;
    if (kind && !this.guide) this.say('Choose a part that has a shape first.', true);
    this.draft = null;
    this.showBars();
    this.redraw();
  }

  applyGuide() {
    if (!this.guide) return null;
    const { kind, one, axis, at, count, step, centre } = this.guide;
    if (kind === 'propose') return this.ask({ kind, parts: count });
    const own = { mirror: { axis, at }, row: { count, step }, around: { count, centre } }[kind];
    return this.ask({ kind, part: this.chosen, one, ...own });
  }

  confirm() {
    if (this.guide) this.applyGuide();
    else if (this.draft?.kind === 'polygon') closePolygon(this);
    else if (this.draft?.waits) finishRing(this, false);
  }

  escape() {
    if (!this.root.querySelector('.sheet').hidden) return this.close();
    if (this.guide) return this.setGuide(null);
    if (this.draft) this.draft = null;
    else this.picked = this.vertex = null;
    return this.redraw();
  }

  takeBack() {
    if (this.draft?.kind !== 'polygon') return this.remove();
    this.draft.points.pop();
    if (!this.draft.points.length) this.draft = null;
    return this.redraw();
  }

  close() { this.root.querySelector('.sheet').hidden = true; this.canvas.focus(); }
  showKeys() { showKeyList(this); }
  colourOf(place) { return `rgb(${this.colours[place % this.colours.length].join(',')})`; }
}

export default function ({ parentElement, data, setStateValue }) {
  let root = parentElement.querySelector('.editor');
  if (!root.editor) {
    root.editor = new Editor(root);
    root.editor.start(data, setStateValue);
  }
  root.editor.setState = setStateValue;
  root.editor.take(data.answer);
  const show = () => root.editor.setPicture(window.layoutPicture);
  show();
  window.addEventListener('layout-picture', show);
  return () => root.editor.leave();
}

// The drawing itself and its history: every change is one step that can be taken back.

class Drawn {
  constructor() { this.parts = []; this.past = []; this.future = []; this.saved = '[]'; }

  start(parts) {
    this.parts = structuredClone(parts);
    this.saved = this.asText();
    this.past = []; this.future = [];
  }

  asText() {
    return JSON.stringify(this.parts.map(({ name, shapes }) => ({ name, shapes })));
  }

  // Take a change up; `before` is the text from before it, where the parts were changed already.
  commit(parts, before = this.asText()) {
    this.parts = parts;
    if (this.asText() === before) return false;
    this.past.push(before);
    if (this.past.length > 300) this.past.shift();
    this.future = [];
    return true;
  }

  undo() { return this.step(this.past, this.future); }
  redo() { return this.step(this.future, this.past); }

  step(from, to) {
    if (!from.length) return false;
    to.push(this.asText());
    const hidden = new Set(this.parts.filter((part) => part.hidden).map((part) => part.name));
    this.parts = JSON.parse(from.pop());
    this.parts.forEach((part) => { if (hidden.has(part.name)) part.hidden = true; });
    return true;
  }

  get dirty() { return this.asText() !== this.saved; }
}

// What is not saved yet survives a reload of the page.
class Draft {
  constructor(key) { this.key = 'inspect-layout:' + key; }

  keep(text) { try { localStorage.setItem(this.key, text); } catch { /* storage is full */ } }
  drop() { localStorage.removeItem(this.key); }

  find() {
    try { return JSON.parse(localStorage.getItem(this.key)); } catch { return null; }
  }
}

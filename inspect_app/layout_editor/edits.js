// Changes of parts and shapes, from the mouse, the keyboard or the list of parts.

Object.assign(Editor.prototype, {
  pickedShape() { return this.picked && this.parts[this.picked.part]?.shapes[this.picked.shape]; },

  choose(place, redraw = true) {
    if (!this.parts[place]) return;
    this.chosen = place;
    if (this.picked?.part !== place) this.picked = this.vertex = null;
    if (redraw) this.showAll();
    else this.root.querySelectorAll('.part').forEach(
      (row, at) => row.classList.toggle('chosen', at === place));
    this.redraw();
  },

  newPart() {
    let number = this.parts.length + 1;
    while (this.parts.some((part) => part.name === `part_${number}`)) number += 1;
    this.change([...this.parts, { name: `part_${number}`, shapes: [] }]);
    this.chosen = this.parts.length - 1;
    this.picked = null;
    if (this.tool === 'select') this.tool = 'polygon';
    this.showAll();
    this.startRename(this.chosen);
  },

  startRename(place) {
    const field = this.root.querySelectorAll('.part .name')[place];
    field?.focus();
    field?.select();
  },

  rename(place, name) {
    this.change(this.parts.with(place, { ...this.parts[place], name }));
    this.showAll();
  },

  hide(place) {
    this.parts[place].hidden = !this.parts[place].hidden;
    this.showAll();
  },

  removePart(place) {
    this.picked = this.vertex = null;
    this.chosen = Math.min(this.chosen, this.parts.length - 2);
    this.change(this.parts.toSpliced(place, 1));
  },

  // What was drawn becomes the chosen part's, or that of a new part.
  finish(shape) {
    this.draft = null;
    if (!shape) return this.redraw();
    const { waits, from, ...clean } = shape;
    if (clean.cut && !this.parts[this.chosen]?.shapes.length) {
      return this.say('There is nothing to cut out of: draw the part first.', true);
    }
    if (!this.parts[this.chosen]) {
      this.change([...this.parts, { name: `part_${this.parts.length + 1}`, shapes: [clean] }]);
      this.chosen = this.parts.length - 1;
    } else {
      const part = this.parts[this.chosen];
      this.change(this.parts.with(this.chosen, { ...part, shapes: [...part.shapes, clean] }));
    }
    this.picked = { part: this.chosen, shape: this.parts[this.chosen].shapes.length - 1 };
    return this.showAll();
  },

  shapeAt(point) {
    const probe = this.painter.part.getContext('2d');
    const order = [this.chosen, ...this.parts.keys()].filter((place) => this.parts[place]);
    for (const part of order) {
      if (this.parts[part].hidden) continue;
      const { shapes } = this.parts[part];
      for (let shape = shapes.length - 1; shape >= 0; shape--) {
        if (isInside(probe, shapes[shape], point)) return { part, shape };
      }
    }
    return null;
  },

  pick(found) {
    this.picked = found;
    this.vertex = null;
    if (found) this.chosen = found.part;
    this.showAll();
  },

  startDrag(what) {
    this.drag = { ...what, before: this.doc.asText(), shape: this.pickedShape() };
    if (what.corner !== undefined) this.vertex = what.corner;
  },

  endDrag() {
    const { drag } = this;
    this.drag = null;
    if (drag && this.doc.commit(this.parts, drag.before)) this.changed();
  },

  // Shown at once; it becomes a step of history when the drag ends.
  replacePicked(shape) {
    if (!this.picked) return;
    const { part, shape: place } = this.picked;
    const changed = { ...this.parts[part], shapes: this.parts[part].shapes.with(place, shape) };
    this.doc.parts = this.parts.with(part, changed);
    this.redraw();
  },

  edit(make) {
    const before = this.doc.asText(), shape = this.pickedShape();
    if (!shape || this.waiting !== null) return;
    this.replacePicked(make(shape));
    if (this.doc.commit(this.parts, before)) this.changed();
  },

  removeCorner(corner) {
    const shape = this.pickedShape();
    if (shape.points.length < 4) return this.say('An outline needs three corners.', true);
    this.vertex = null;
    return this.edit(() => ({ ...shape, points: shape.points.toSpliced(corner, 1) }));
  },

  remove() {
    const shape = this.pickedShape();
    if (!shape) return;
    if (this.vertex !== null && shape.kind === 'polygon') {
      this.removeCorner(this.vertex);
      return;
    }
    const { part, shape: place } = this.picked;
    this.picked = this.vertex = null;
    const changed = { ...this.parts[part], shapes: this.parts[part].shapes.toSpliced(place, 1) };
    this.change(this.parts.with(part, changed));
  },

  duplicate() {
    const shape = this.pickedShape();
    if (!shape) return;
    const { part } = this.picked, far = 12 / this.view.scale;
    const shapes = [...this.parts[part].shapes, movedShape(shape, far, far)];
    this.change(this.parts.with(part, { ...this.parts[part], shapes }));
    this.picked = { part, shape: shapes.length - 1 };
    this.setTool('select');
    this.picked = { part, shape: shapes.length - 1 };
    this.redraw();
  },

  nudge([dx, dy], step) {
    if (this.vertex !== null && this.pickedShape()?.kind === 'polygon') {
      const corner = this.vertex;
      this.edit((shape) => {
        const [x, y] = shape.points[corner];
        return { ...shape, points: shape.points.with(corner, [x + dx * step, y + dy * step]) };
      });
    } else this.edit((shape) => movedShape(shape, dx * step, dy * step));
  },

  setBrush(size) {
    this.brush = Math.min(Math.max(this.width, this.height) / 2, Math.max(0.5, size));
    this.showBars();
    this.redraw();
  },
});

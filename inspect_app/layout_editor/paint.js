// Paint the exemplar, the parts over it, handles, and what is being drawn.

class Painter {
  constructor(editor) {
    this.editor = editor;
    this.part = document.createElement('canvas');
    this.edge = document.createElement('canvas');
  }

  paint() {
    const { canvas, view, picture, width, height } = this.editor;
    const ctx = canvas.getContext('2d');
    const ratio = window.devicePixelRatio || 1;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    this.toImage(ctx);
    ctx.fillStyle = '#000';
    ctx.fillRect(0, 0, width, height);
    if (picture) {
      ctx.imageSmoothingEnabled = view.scale * ratio < 3;
      ctx.filter = this.editor.light === 1 ? 'none' : `brightness(${this.editor.light})`;
      ctx.drawImage(picture, 0, 0, width, height);
      ctx.filter = 'none';
    }
    const { parts, chosen } = this.editor;
    if (!this.editor.peeking) {
      parts.forEach((part, place) => place === chosen || this.paintPart(ctx, part, place, false));
      if (parts[chosen]) this.paintPart(ctx, parts[chosen], chosen, true);
    }
    this.paintGuide(ctx);
    this.paintDraft(ctx);
    this.paintHandles(ctx);
    this.paintRemarks(ctx);
  }

  toImage(ctx) {
    const { view } = this.editor, ratio = window.devicePixelRatio || 1;
    ctx.setTransform(view.scale * ratio, 0, 0, view.scale * ratio, view.x * ratio, view.y * ratio);
  }

  toScreen(ctx) {
    const ratio = window.devicePixelRatio || 1;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  // All shapes of a part are put together first, so that cut-outs cut only this part.
  paintPart(ctx, part, place, chosen, transform = null, alpha = null) {
    if (part.hidden) return;
    const { canvas } = this.editor, colour = this.editor.colourOf(place);
    for (const own of [this.part, this.edge]) {
      if (own.width !== canvas.width || own.height !== canvas.height) {
        [own.width, own.height] = [canvas.width, canvas.height];
      }
    }
    const inner = this.part.getContext('2d');
    inner.setTransform(1, 0, 0, 1, 0, 0);
    inner.clearRect(0, 0, canvas.width, canvas.height);
    this.toImage(inner);
    if (transform) inner.transform(...transform);
    for (const shape of part.shapes) fillShape(inner, shape, colour, () => this.editor.redraw());
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.globalAlpha = alpha ?? (chosen ? 0.42 : 0.28);
    ctx.drawImage(this.part, 0, 0);
    ctx.globalAlpha = alpha ?? 1;
    this.paintEdge(ctx, chosen ? 1.6 : 1.1);
    ctx.globalAlpha = 1;
  }

  // The outline of whatever came out: the part moved a little each way, less the part itself.
  paintEdge(ctx, thick) {
    const edge = this.edge.getContext('2d');
    const far = thick * (window.devicePixelRatio || 1);
    edge.globalCompositeOperation = 'source-over';
    edge.clearRect(0, 0, this.edge.width, this.edge.height);
    for (let turn = 0; turn < 8; turn++) {
      const angle = turn * Math.PI / 4;
      edge.drawImage(this.part, far * Math.cos(angle), far * Math.sin(angle));
    }
    edge.globalCompositeOperation = 'destination-out';
    edge.drawImage(this.part, 0, 0);
    ctx.drawImage(this.edge, 0, 0);
  }

  paintDraft(ctx) {
    const { draft, tool, pointer, brush, view } = this.editor;
    const colour = this.editor.colourOf(Math.max(0, this.editor.chosen));
    if (draft) {
      this.toImage(ctx);
      ctx.globalAlpha = 0.5;
      if (draft.kind !== 'polygon') {
        fillShape(ctx, { ...draft, cut: false }, draft.cut ? 'rgb(255,255,255)' : colour, () => 0);
      }
      ctx.globalAlpha = 1;
      if (draft.kind === 'polygon') this.paintOpen(ctx, draft, colour);
    }
    if ((tool === 'brush' || tool === 'eraser') && pointer) {
      this.toScreen(ctx);
      ctx.beginPath();
      ctx.arc(...view.toScreen(pointer), brush * view.scale, 0, 2 * Math.PI);
      this.twoTone(ctx, tool === 'eraser' ? '#fff' : colour);
    }
  }

  // A polygon that is not closed yet.
  paintOpen(ctx, draft, colour) {
    const { view, pointer } = this.editor;
    this.toScreen(ctx);
    const corners = draft.points.map((point) => view.toScreen(point));
    ctx.beginPath();
    corners.forEach(([x, y], place) => place ? ctx.lineTo(x, y) : ctx.moveTo(x, y));
    if (pointer) ctx.lineTo(...view.toScreen(pointer));
    this.twoTone(ctx, colour);
    corners.forEach((corner, place) => this.handle(ctx, corner, place === 0 ? 6 : 4, colour));
  }

  paintHandles(ctx) {
    const { picked, view, tool, vertex, guide } = this.editor;
    const shape = this.editor.pickedShape();
    if (!shape || tool !== 'select' || guide) return;
    const colour = this.editor.colourOf(picked.part);
    this.toScreen(ctx);
    if (shape.kind === 'polygon') {
      const corners = shape.points.map((point) => view.toScreen(point));
      ctx.beginPath();
      corners.forEach(([x, y], place) => place ? ctx.lineTo(x, y) : ctx.moveTo(x, y));
      ctx.closePath();
      ctx.setLineDash(shape.cut ? [5, 4] : []);
      this.twoTone(ctx, colour);
      ctx.setLineDash([]);
      corners.forEach((corner, place) => {
        const next = corners[(place + 1) % corners.length];
        if (apart(corner, next) > 26) {
          this.handle(ctx, [(corner[0] + next[0]) / 2, (corner[1] + next[1]) / 2], 2.5, colour);
        }
      });
      corners.forEach((corner, place) =>
        this.handle(ctx, corner, place === vertex ? 6.5 : 4.5, place === vertex ? '#fff' : colour));
    } else {
      for (const point of handlesOf(shape)) this.handle(ctx, view.toScreen(point), 5, colour);
    }
  }

  paintGuide(ctx) {
    const { guide, parts, chosen, view, width, height } = this.editor;
    if (!guide || !parts[chosen]) return;
    for (const transform of guideTransforms(guide)) {
      this.paintPart(ctx, parts[chosen], chosen, false, transform, 0.6);
    }
    this.toScreen(ctx);
    ctx.beginPath();
    if (guide.kind === 'mirror') {
      const upright = guide.axis === 'left-right';
      const ends = upright ? [[guide.at, -height], [guide.at, 2 * height]]
        : [[-width, guide.at], [2 * width, guide.at]];
      ctx.moveTo(...view.toScreen(ends[0]));
      ctx.lineTo(...view.toScreen(ends[1]));
      ctx.setLineDash([8, 6]);
      this.twoTone(ctx, '#fff');
      ctx.setLineDash([]);
    } else if (guide.kind === 'around') {
      const [x, y] = view.toScreen(guide.centre);
      ctx.moveTo(x - 12, y); ctx.lineTo(x + 12, y); ctx.moveTo(x, y - 12); ctx.lineTo(x, y + 12);
      this.twoTone(ctx, '#fff');
      this.handle(ctx, [x, y], 5, '#fff');
    }
  }

  // Where something is wrong.
  paintRemarks(ctx) {
    this.toScreen(ctx);
    for (const remark of this.editor.remarks) {
      if (!remark.at || remark.level !== 'error') continue;
      const [x, y] = this.editor.view.toScreen(remark.at);
      ctx.beginPath();
      ctx.arc(x, y, 11, 0, 2 * Math.PI);
      ctx.lineWidth = 4; ctx.strokeStyle = '#000a'; ctx.stroke();
      ctx.lineWidth = 2.5; ctx.strokeStyle = '#ff5a52'; ctx.stroke();
    }
  }

  twoTone(ctx, colour) {
    ctx.lineWidth = 3.5; ctx.strokeStyle = '#000b'; ctx.stroke();
    ctx.lineWidth = 1.5; ctx.strokeStyle = colour; ctx.stroke();
  }

  handle(ctx, [x, y], radius, colour) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.fillStyle = colour; ctx.fill();
    ctx.lineWidth = 1.5; ctx.strokeStyle = '#000'; ctx.stroke();
  }
}

// Where a ring can be taken: its centre, its outer and its inner edge.
function handlesOf(shape) {
  if (shape.kind !== 'ring') return [];
  const [x, y] = shape.centre;
  return [[x, y], [x + shape.outer, y], ...(shape.inner > 0 ? [[x, y + shape.inner]] : [])];
}

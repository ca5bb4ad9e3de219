// What the mouse does with each tool. A tool gets image points; `draft` is what is being drawn.

const HANDLE_PX = 9;

const TOOLS = {
  select: {
    icon: 'M5 3l14 8-6 2 4 6-3 2-4-6-5 4z', key: 'V', word: 'Select',
    hint: 'Click a shape to take it · drag it, its corners or the dots between them · ' +
      'Alt-click or Delete removes a corner · arrows move by a pixel',
    down: selectDown, move: selectMove, up: (editor) => editor.endDrag(),
  },
  polygon: {
    icon: 'M4 18L7 5l11 2 2 10-9 3z', key: 'P', word: 'Polygon',
    hint: 'Click corner after corner · click the first one, double-click or Enter to close · ' +
      'Backspace takes one back · Shift: steps of 45° · Alt: cut out',
    down: polygonDown, move: polygonMove, up: () => {},
    twice: (editor) => closePolygon(editor),
  },
  rectangle: {
    icon: 'M4 6h16v12H4z', key: 'X', word: 'Rectangle',
    hint: 'Drag from corner to corner · Shift: a square · Alt: cut out',
    down: (editor, point, event) => {
      editor.draft = { kind: 'rectangle', from: point, points: [point, point, point, point] };
      editor.draft.cut = event.altKey;
    },
    move: rectangleMove,
    up: (editor) => {
      const { draft } = editor;
      if (!draft) return;
      const far = apart(draft.points[0], draft.points[2]) * editor.view.scale > 4;
      editor.finish(far && { kind: 'polygon', points: draft.points.map(rounded), cut: draft.cut });
    },
  },
  ring: {
    icon: 'M12 3a9 9 0 100 18 9 9 0 000-18zm0 5a4 4 0 110 8 4 4 0 010-8z', key: 'R', word: 'Ring',
    hint: 'Drag from the centre outwards, then click for the inner edge · Enter: no hole · ' +
      'Alt: cut out',
    down: ringDown, move: ringMove, up: ringUp,
  },
  brush: {
    icon: 'M4 20c1-4 2-5 4-5s3 3 0 4-3 1-4 1zm5-6L18 4l2 2-9 10z', key: 'B', word: 'Brush',
    hint: 'Paint · [ and ] change the size', down: brushDown, move: brushMove, up: brushUp,
  },
  eraser: {
    icon: 'M9 20l-5-5L14 4l6 6-9 10zM9 9l7 6', key: 'E', word: 'Eraser',
    hint: 'Rub out of the chosen part · [ and ] change the size',
    down: brushDown, move: brushMove, up: brushUp,
  },
};

function selectDown(editor, point, event) {
  const shape = editor.pickedShape(), reach = HANDLE_PX / editor.view.scale;
  if (shape?.kind === 'polygon') {
    const corner = shape.points.findIndex((one) => apart(one, point) < reach);
    if (corner >= 0 && event.altKey) return editor.removeCorner(corner);
    if (corner >= 0) return editor.startDrag({ corner });
    const edge = middleNear(shape.points, point, reach);
    if (edge >= 0) {
      editor.replacePicked({ ...shape, points: shape.points.toSpliced(edge + 1, 0, rounded(point)) });
      return editor.startDrag({ corner: edge + 1 });
    }
  } else if (shape?.kind === 'ring') {
    const handle = handlesOf(shape).findIndex((one) => apart(one, point) < reach);
    if (handle > 0) return editor.startDrag({ ring: handle === 1 ? 'outer' : 'inner' });
  }
  const found = editor.shapeAt(point);
  editor.pick(found);
  if (found) editor.startDrag({ from: point });
  else editor.panning = true;
}

// The edge whose middle is near, where that middle is shown.
function middleNear(points, point, reach) {
  return points.findIndex((one, place) => {
    const next = points[(place + 1) % points.length];
    const middle = [(one[0] + next[0]) / 2, (one[1] + next[1]) / 2];
    return apart(one, next) > 3 * reach && apart(middle, point) < reach * 0.8;
  });
}

function selectMove(editor, point) {
  const { drag } = editor;
  if (!drag) return;
  const shape = editor.pickedShape();
  let moved;
  if (drag.corner !== undefined) {
    editor.vertex = drag.corner;
    moved = { ...shape, points: shape.points.with(drag.corner, rounded(point)) };
  } else if (drag.ring) {
    const far = Math.round(apart(point, shape.centre) * 10) / 10;
    moved = drag.ring === 'outer' ? { ...shape, outer: Math.max(1, shape.inner + 0.5, far) }
      : { ...shape, inner: Math.min(far, shape.outer - 0.5) };
  } else {
    const [dx, dy] = [point[0] - drag.from[0], point[1] - drag.from[1]];
    if (!drag.moved && Math.hypot(dx, dy) * editor.view.scale < 4) return;
    moved = movedShape(drag.shape, dx, dy);
  }
  drag.moved = true;
  editor.replacePicked(moved);
}

function polygonDown(editor, point, event) {
  const { draft, view } = editor;
  if (!draft) {
    editor.draft = { kind: 'polygon', points: [rounded(point)], cut: event.altKey };
    return;
  }
  const closes = apart(view.toScreen(draft.points[0]), view.toScreen(point)) < HANDLE_PX;
  if (closes && draft.points.length > 2) return closePolygon(editor);
  const corner = straightened(editor, point, event.shiftKey);
  const last = draft.points.at(-1);
  if (apart(last, corner) * view.scale > 2) draft.points.push(rounded(corner));
}

function polygonMove(editor, point, event) {
  if (editor.draft) editor.pointer = straightened(editor, point, event.shiftKey);
}

function straightened(editor, point, straight) {
  const last = editor.draft?.points?.at(-1);
  if (!straight || !last) return point;
  const step = Math.PI / 4;
  const angle = Math.round(Math.atan2(point[1] - last[1], point[0] - last[0]) / step) * step;
  const far = apart(last, point);
  return [last[0] + far * Math.cos(angle), last[1] + far * Math.sin(angle)];
}

function closePolygon(editor) {
  const { draft } = editor;
  if (!draft || draft.kind !== 'polygon') return;
  editor.finish(draft.points.length > 2 &&
    { kind: 'polygon', points: draft.points, cut: draft.cut });
}

function rectangleMove(editor, point, event) {
  const { draft } = editor;
  if (!draft) return;
  let [x, y] = point;
  const [left, top] = draft.from;
  if (event.shiftKey) {
    const side = Math.max(Math.abs(x - left), Math.abs(y - top));
    [x, y] = [left + side * Math.sign(x - left || 1), top + side * Math.sign(y - top || 1)];
  }
  draft.points = [[left, top], [x, top], [x, y], [left, y]];
}

function ringDown(editor, point, event) {
  if (editor.draft?.waits) return finishRing(editor);
  editor.draft = { kind: 'ring', centre: rounded(point), outer: 0.1, inner: 0, cut: event.altKey };
}

function ringMove(editor, point, event, pressed) {
  const { draft } = editor;
  if (!draft) return;
  const far = Math.round(apart(point, draft.centre) * 10) / 10;
  if (draft.waits) draft.inner = Math.min(far, draft.outer - 0.5);
  else if (pressed) draft.outer = Math.max(0.1, far);
}

function ringUp(editor) {
  const { draft } = editor;
  if (!draft || draft.waits) return;
  if (draft.outer * editor.view.scale < 3) editor.finish(null);
  else { draft.waits = true; draft.inner = 0; }
}

function finishRing(editor, hole = true) {
  const { draft } = editor;
  const { centre, outer, inner, cut } = draft;
  const tiny = inner * editor.view.scale < 4;
  editor.finish({ kind: 'ring', centre, outer, inner: hole && !tiny ? inner : 0, cut });
}

function brushDown(editor, point) {
  editor.draft = {
    kind: 'stroke', points: [rounded(point)], radius: editor.brush, cut: editor.tool === 'eraser',
  };
}

function brushMove(editor, point, event, pressed) {
  const { draft } = editor;
  if (!draft || !pressed) return;
  if (apart(draft.points.at(-1), point) > Math.max(0.5, editor.brush / 5)) {
    draft.points.push(rounded(point));
  }
}

function brushUp(editor) {
  if (editor.draft) editor.finish(editor.draft);
}

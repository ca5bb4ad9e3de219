// Repeating a part: a guide shows the copies before they are made; Python makes them.

function newGuide(kind, editor) {
  if (kind === 'propose') return { kind, count: 4 };
  const part = editor.parts[editor.chosen];
  const box = part && boundsOf(part);
  if (!box) return null;
  const middle = [editor.width / 2, editor.height / 2];
  if (kind === 'mirror') return { kind, axis: 'left-right', at: middle[0], one: false };
  if (kind === 'around') return { kind, count: 4, centre: middle, one: false };
  return { kind, count: 3, step: rounded([(box[2] - box[0]) * 1.5, 0]), one: false };
}

// Canvas transforms that put a part where each copy will be.
function guideTransforms(guide) {
  if (guide.kind === 'propose') return [];
  if (guide.kind === 'mirror') {
    return [guide.axis === 'left-right' ? [-1, 0, 0, 1, 2 * guide.at, 0]
      : [1, 0, 0, -1, 0, 2 * guide.at]];
  }
  const copies = Array.from({ length: Math.max(1, guide.count) - 1 }, (_, place) => place + 1);
  if (guide.kind === 'row') {
    return copies.map((place) => [1, 0, 0, 1, guide.step[0] * place, guide.step[1] * place]);
  }
  const [x, y] = guide.centre;
  return copies.map((place) => {
    const angle = 2 * Math.PI * place / guide.count;
    const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
    return [cosine, sine, -sine, cosine, x - cosine * x + sine * y, y - sine * x - cosine * y];
  });
}

// Dragging on the picture: the axis, the centre, or the place of the last copy.
function dragGuide(guide, editor, point, straight) {
  if (guide.kind === 'mirror') {
    guide.at = Math.round(2 * point[guide.axis === 'left-right' ? 0 : 1]) / 2;
  } else if (guide.kind === 'around') guide.centre = rounded(point);
  else if (guide.kind === 'row') {
    const box = boundsOf(editor.parts[editor.chosen]);
    const steps = Math.max(1, guide.count - 1);
    let [dx, dy] = [point[0] - (box[0] + box[2]) / 2, point[1] - (box[1] + box[3]) / 2];
    if (straight) Math.abs(dx) > Math.abs(dy) ? dy = 0 : dx = 0;
    guide.step = rounded([dx / steps, dy / steps]);
  }
}

const GUIDE_WORDS = {
  mirror: 'Mirror: drag the line to the axis of the product',
  row: 'Row: drag to where the last copy lies · Shift keeps it straight',
  around: 'Around: drag the cross to the centre of the product',
  propose: 'Propose: regions that look and vary alike over the images, to start from',
};

// The bar above the picture while a guide is shown.
function guideBar(editor) {
  const { guide } = editor;
  const bar = element('div', 'guide');
  bar.append(element('b', '', GUIDE_WORDS[guide.kind]));
  const number = (label, value, set, least, most, step = 1) => {
    const input = element('input');
    Object.assign(input, { type: 'number', value, min: least, max: most, step });
    input.setAttribute('aria-label', label);
    input.oninput = () => { set(Number(input.value)); editor.redraw(); };
    const field = element('label', '', label);
    field.append(input);
    bar.append(field);
  };
  const choice = (label, pairs, current, set) => {
    const group = element('div', 'choice');
    group.setAttribute('aria-label', label);
    for (const [value, text] of pairs) {
      const button = element('button', value === current ? 'on' : '', text);
      button.onclick = () => { set(value); editor.showBars(); editor.redraw(); };
      group.append(button);
    }
    bar.append(group);
  };
  if (guide.kind === 'mirror') {
    choice('axis', [['left-right', 'left – right'], ['top-bottom', 'top – bottom']], guide.axis,
      (axis) => {
        guide.axis = axis;
        guide.at = (axis === 'left-right' ? editor.width : editor.height) / 2;
      });
    number('at', guide.at, (at) => { guide.at = at; }, 0, Math.max(editor.width, editor.height), 0.5);
  } else {
    const [least, most] = guide.kind === 'propose' ? [1, 16] : [2, 64];
    number('count', guide.count,
      (count) => { guide.count = Math.min(most, Math.max(least, Math.round(count))); }, least, most);
  }
  if (guide.kind !== 'propose') {
    choice('copies', [[false, 'new parts'], [true, 'same part']], guide.one,
      (one) => { guide.one = one; });
  }
  const apply = element('button', 'primary', 'Apply ⏎');
  apply.onclick = () => editor.applyGuide();
  const cancel = element('button', '', 'Cancel');
  cancel.onclick = () => editor.setGuide(null);
  bar.append(apply, cancel);
  return bar;
}

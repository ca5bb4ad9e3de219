// Everything around the picture: tools, parts, remarks, words, and the twelve images.

function element(name, className = '', text = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function icon(path) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

function button(label, key, run, className = '') {
  const made = element('button', className, label);
  if (key) made.append(element('kbd', '', key));
  made.title = key ? `${label} (${key})` : label;
  made.onclick = run;
  return made;
}

const PANEL_HTML = `
  <header><span class="brand"><i></i><b class="line"></b><span class="exemplar"></span></span>
    <span class="history"></span><span class="actions"></span></header>
  <nav></nav>
  <main><canvas tabindex="0" aria-label="Exemplar"></canvas><div class="bars"></div>
    <div class="toast" role="status"></div></main>
  <aside><div class="head"><h2>Parts</h2><span class="new"></span></div><ol class="parts"></ol>
    <h2 class="checks">Checks</h2><ul class="remarks"></ul></aside>
  <footer><span class="hint"></span><span class="where"></span>
    <label class="light">Light<input type="range" min="0.5" max="4" step="0.1" value="1"
      aria-label="Light"></label><span class="zoom"></span></footer>
  <div class="sheet" hidden></div>`;

function buildPanel(editor) {
  const { root } = editor;
  root.innerHTML = PANEL_HTML;
  const find = (selector) => root.querySelector(selector);
  for (const [name, tool] of Object.entries(TOOLS)) {
    const made = button('', '', () => editor.setTool(name), name);
    made.append(icon(tool.icon), element('span', '', tool.word), element('kbd', '', tool.key));
    made.title = `${tool.word} (${tool.key})`;
    made.setAttribute('aria-label', tool.word);
    find('nav').append(made);
  }
  const size = element('div', 'size');
  size.append(button('–', '', () => editor.setBrush(editor.brush / 1.25)), element('output'),
    button('+', '', () => editor.setBrush(editor.brush * 1.25)));
  find('nav').append(size);
  find('.history').append(
    button('↶', '', () => editor.undo(), 'undo'), button('↷', '', () => editor.redo(), 'redo'));
  find('.undo').title = 'Undo (Ctrl+Z)';
  find('.redo').title = 'Redo (Ctrl+Shift+Z)';
  find('.actions').append(
    button('Mirror', 'M', () => editor.setGuide('mirror')),
    button('Row', 'W', () => editor.setGuide('row')),
    button('Around', 'A', () => editor.setGuide('around')),
    button('Corners', 'C', () => editor.ask({ kind: 'outline', part: editor.chosen }), 'outline'),
    button('Propose', 'G', () => editor.setGuide('propose'), 'propose'),
    button('12 images', 'L', () => editor.look(), 'look'),
    button('Keys', '?', () => editor.showKeys()),
    button('Save', 'Ctrl+S', () => editor.save(), 'primary save'));
  find('.outline').title = 'Turn everything of the part into outlines with corners (C)';
  find('.new').append(button('New part', 'N', () => editor.newPart()));
  find('.light input').oninput = (event) => {
    editor.light = Number(event.target.value);
    editor.redraw();
  };
}

// The field that is being written in, if it is below what a selector finds.
function writtenIn(editor, selector) {
  const field = editor.root.getRootNode().activeElement;
  return field?.matches?.(`${selector} input:not([type=range])`) ? field : null;
}

function showParts(editor) {
  if (writtenIn(editor, '.parts')) return;  // it is shown again when the name is written
  const list = editor.root.querySelector('.parts');
  list.replaceChildren(...editor.parts.map((part, place) => partRow(editor, part, place)));
  if (!editor.parts.length) {
    list.append(element('li', 'empty',
      'Add a part (N), name it, and draw it. Or start from what statistics propose.'));
  }
}

function partRow(editor, part, place) {
  const row = element('li', place === editor.chosen ? 'part chosen' : 'part');
  const worst = editor.remarks.filter((one) => one.part === place).map((one) => one.level).sort()[0];
  if (worst) row.classList.add(worst);
  const swatch = element('i', 'swatch', String(place + 1));
  swatch.style.background = editor.colourOf(place);
  const name = element('input', 'name');
  name.value = name.defaultValue = part.name;
  name.setAttribute('aria-label', `Name of part ${place + 1}`);
  name.onfocus = () => { editor.choose(place, false); };
  name.onblur = () => editor.rename(place, name.value.trim());
  const patches = editor.patches[place], share = editor.shares[place];
  const area = element('small', '', patches === undefined ? '' :
    `${patches.toFixed(1)} patches · ${(100 * share).toFixed(1)} %`);
  const eye = element('button', part.hidden ? 'eye off' : 'eye', part.hidden ? '○' : '●');
  eye.title = part.hidden ? 'Show' : 'Hide';
  eye.onclick = (event) => { event.stopPropagation(); editor.hide(place); };
  const away = element('button', 'away', '✕');
  away.title = `Remove ${part.name}`;
  away.onclick = (event) => { event.stopPropagation(); editor.removePart(place); };
  row.append(swatch, name, area, eye, away);
  row.onpointerdown = (event) => { if (event.target !== name) editor.choose(place); };
  return row;
}

function showRemarks(editor) {
  const list = editor.root.querySelector('.remarks');
  list.replaceChildren(...editor.remarks.map((remark) => {
    const row = element('li', remark.level);
    row.append(element('b', '', remark.level === 'error' ? '●' : '▲'),
      element('span', '', remark.text));
    row.onclick = () => {
      if (remark.part !== null) editor.choose(remark.part);
      if (remark.at) editor.lookAt(remark.at);
    };
    return row;
  }));
  editor.notes.forEach((note) => {
    const row = element('li', 'note');
    row.append(element('b', '', 'i'), element('span', '', note));
    list.append(row);
  });
  if (editor.told < 0) list.append(element('li', 'fine', 'Checking …'));
  else if (!editor.remarks.length) list.prepend(element('li', 'fine', '✓ Nothing is wrong.'));
}

// The twelve images, over everything.
function showSamples(editor, samples) {
  const sheet = openSheet(editor, 'Does the layout hold?');
  const odd = samples.filter((one) => one.odd).length;
  sheet.append(element('p', '', 'White lines: as drawn on the exemplar. Coloured lines: where ' +
    'training carries the parts over to. ' + (odd ? `Look at the ${odd} marked ones.` : '')));
  const grid = element('div', 'grid');
  for (const one of samples) {
    const figure = element('figure', one.odd ? 'odd' : '');
    const image = element('img');
    image.src = 'data:image/jpeg;base64,' + one.jpeg;
    image.alt = one.name;
    figure.append(image, element('figcaption', '', `${one.name} · ${one.told}`));
    grid.append(figure);
  }
  sheet.append(grid);
  sheet.querySelector('.title').append(
    button('Other images', 'L', () => editor.look()), button('Close', 'Esc', () => editor.close()));
}

const KEY_LIST = [
  ['V P X R B E', 'select, polygon, rectangle, ring, brush, eraser'],
  ['N · F2', 'new part · rename the chosen one'], ['1 … 9', 'choose a part'],
  ['Enter · Esc', 'finish · give up what is being drawn'],
  ['Delete', 'remove the chosen corner or shape'], ['Arrows', 'move by 1 px, with Shift by 10'],
  ['Ctrl+D', 'the shape once more'], ['[ ]', 'size of brush and eraser'],
  ['Alt while drawing', 'cut out of the part'], ['M · W · A', 'mirror, row, around'],
  ['G', 'propose parts from statistics'],
  ['C', 'turn the part into outlines with corners'], ['Ctrl+Z · Ctrl+Shift+Z', 'undo · redo'],
  ['Wheel · Space and drag', 'zoom · move the picture'], ['0 · + · −', 'whole picture · zoom'],
  ['H (held)', 'see the picture without parts'], ['L', 'twelve other images'],
  ['Ctrl+S', 'save'],
];

function showKeyList(editor) {
  const sheet = openSheet(editor, 'Keys');
  const list = element('dl', 'keys');
  for (const [keys, what] of KEY_LIST) {
    list.append(element('dt', '', keys), element('dd', '', what));
  }
  sheet.append(list);
  sheet.querySelector('.title').append(button('Close', 'Esc', () => editor.close()));
}

function openSheet(editor, title) {
  const sheet = editor.root.querySelector('.sheet');
  const head = element('div', 'title');
  head.append(element('h2', '', title));
  sheet.replaceChildren(head);
  sheet.hidden = false;
  return sheet;
}

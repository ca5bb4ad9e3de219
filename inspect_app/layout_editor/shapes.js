// The shapes of a part on a canvas: filling, hitting and moving them. What is saved is computed in
// Python from the same numbers; this only shows it.

const PIXELS = new Map();  // decoded pictures by content and colour

function pathOf(shape) {
  const path = new Path2D();
  if (shape.kind === 'polygon') {
    shape.points.forEach(([x, y], place) => place ? path.lineTo(x, y) : path.moveTo(x, y));
    path.closePath();
  } else if (shape.kind === 'ring') {
    const [x, y] = shape.centre;
    path.arc(x, y, shape.outer, 0, 2 * Math.PI);
    if (shape.inner > 0) {
      path.moveTo(x + shape.inner, y);
      path.arc(x, y, shape.inner, 0, 2 * Math.PI, true);
    }
  } else if (shape.kind === 'stroke') {
    shape.points.forEach(([x, y], place) => place ? path.lineTo(x, y) : path.moveTo(x, y));
    if (shape.points.length === 1) path.lineTo(shape.points[0][0], shape.points[0][1] + 1e-3);
  }
  return path;
}

function fillShape(ctx, shape, colour, changed) {
  ctx.globalCompositeOperation = shape.cut ? 'destination-out' : 'source-over';
  ctx.fillStyle = ctx.strokeStyle = colour;
  if (shape.kind === 'stroke') {
    ctx.lineWidth = 2 * shape.radius;
    ctx.lineCap = ctx.lineJoin = 'round';
    ctx.stroke(pathOf(shape));
  } else if (shape.kind === 'pixels') {
    const picture = pixelsOf(shape, colour, changed);
    ctx.imageSmoothingEnabled = false;
    if (picture) ctx.drawImage(picture, shape.left, shape.top);
  } else ctx.fill(pathOf(shape));
  ctx.globalCompositeOperation = 'source-over';
}

// A black-and-white picture as colour and alpha; null until the browser has decoded it.
function pixelsOf(shape, colour, changed) {
  const key = colour + shape.png;
  if (PIXELS.has(key)) return PIXELS.get(key);
  PIXELS.set(key, null);
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.width, image.height];
    const ctx = canvas.getContext('2d', { willReadFrequently: true });
    ctx.drawImage(image, 0, 0);
    const pixels = ctx.getImageData(0, 0, canvas.width, canvas.height);
    const [red, green, blue] = colour.match(/\d+/g).map(Number);
    for (let at = 0; at < pixels.data.length; at += 4) {
      const inside = pixels.data[at] > 127 ? 255 : 0;
      pixels.data.set([red, green, blue, inside], at);
    }
    ctx.putImageData(pixels, 0, 0);
    PIXELS.set(key, canvas);
    changed();
  };
  image.src = 'data:image/png;base64,' + shape.png;
  return null;
}

function isInside(ctx, shape, point) {
  if (shape.kind === 'polygon') {
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    return ctx.isPointInPath(pathOf(shape), point[0], point[1]);
  }
  if (shape.kind === 'ring') {
    const distance = apart(point, shape.centre);
    return distance <= shape.outer && distance >= shape.inner;
  }
  if (shape.kind === 'stroke') return nearLine(shape.points, point) <= shape.radius;
  for (const [key, picture] of PIXELS) {
    if (!picture || !key.endsWith(shape.png)) continue;
    const [x, y] = [Math.floor(point[0] - shape.left), Math.floor(point[1] - shape.top)];
    if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return false;
    return picture.getContext('2d').getImageData(x, y, 1, 1).data[3] > 0;
  }
  return false;
}

// How far a point is from a line of points.
function nearLine(points, point) {
  let nearest = apart(points[0], point);
  for (let place = 1; place < points.length; place++) {
    nearest = Math.min(nearest, apart(onEdge(points[place - 1], points[place], point), point));
  }
  return nearest;
}

// The point of an edge that is nearest.
function onEdge(first, second, point) {
  const [dx, dy] = [second[0] - first[0], second[1] - first[1]];
  const length = dx * dx + dy * dy;
  const along = ((point[0] - first[0]) * dx + (point[1] - first[1]) * dy) / (length || 1);
  const share = Math.min(1, Math.max(0, along));
  return [first[0] + share * dx, first[1] + share * dy];
}

function movedShape(shape, dx, dy) {
  const moved = ([x, y]) => rounded([x + dx, y + dy]);
  if (shape.kind === 'ring') return { ...shape, centre: moved(shape.centre) };
  if (shape.kind === 'pixels') {
    return { ...shape, left: shape.left + Math.round(dx), top: shape.top + Math.round(dy) };
  }
  return { ...shape, points: shape.points.map(moved) };
}

// Left, top, right, bottom of what a part adds, or null.
function boundsOf(part) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const take = (x, y, far) => {
    box[0] = Math.min(box[0], x - far); box[1] = Math.min(box[1], y - far);
    box[2] = Math.max(box[2], x + far); box[3] = Math.max(box[3], y + far);
  };
  for (const shape of part.shapes.filter((one) => !one.cut)) {
    if (shape.kind === 'ring') take(...shape.centre, shape.outer);
    else if (shape.kind === 'pixels') {
      const picture = [...PIXELS].find(([key, it]) => it && key.endsWith(shape.png));
      take(shape.left, shape.top, 0);
      if (picture) take(shape.left + picture[1].width, shape.top + picture[1].height, 0);
    } else shape.points.forEach(([x, y]) => take(x, y, shape.radius || 0));
  }
  return box[0] === Infinity ? null : box;
}

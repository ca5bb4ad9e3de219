// What part of the picture is seen: zoom, place, and the way between screen and image pixels.

const ZOOM_STEP = 1.2, MOST_ZOOM = 40, LEAST_ZOOM = 0.02;

class View {
  constructor() { this.scale = 1; this.x = 0; this.y = 0; this.fitted = true; }

  fit(width, height, imageWidth, imageHeight) {
    const margin = 28;
    this.scale = Math.min((width - 2 * margin) / imageWidth, (height - 2 * margin) / imageHeight);
    this.scale = Math.max(LEAST_ZOOM, this.scale);
    this.x = (width - imageWidth * this.scale) / 2;
    this.y = (height - imageHeight * this.scale) / 2;
    this.fitted = true;
  }

  zoom(factor, at) {
    const scale = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, this.scale * factor));
    this.x = at[0] - (at[0] - this.x) * scale / this.scale;
    this.y = at[1] - (at[1] - this.y) * scale / this.scale;
    this.scale = scale;
    this.fitted = false;
  }

  move(dx, dy) { this.x += dx; this.y += dy; this.fitted = false; }

  centre(point, width, height) {
    this.x = width / 2 - point[0] * this.scale;
    this.y = height / 2 - point[1] * this.scale;
    this.fitted = false;
  }

  toImage(at) { return [(at[0] - this.x) / this.scale, (at[1] - this.y) / this.scale]; }
  toScreen(point) { return [point[0] * this.scale + this.x, point[1] * this.scale + this.y]; }
}

const apart = (first, second) => Math.hypot(first[0] - second[0], first[1] - second[1]);
const rounded = (point) => point.map((value) => Math.round(value * 100) / 100);

// The skeletons over the video, or on a plain ground.
const UNSEEN = -32768;
const INK = "#15171b";
const ROUNDED = 2;  // milliseconds that the times of frames may be off
const HEAD = 0.12;  // of the height of what was seen of a person

class Overlay {
  constructor(canvas, skeletons, rows) {
    this.canvas = canvas;
    this.skeletons = skeletons;
    this.group = rows[0];
    this.lines = new Map(rows.slice(1).map(row => [row.person, row]));
    this.persons = skeletons.persons.map(person => {
      const points = new Int16Array(bytesOf(person.points).buffer);
      return { ...person, points, frames: points.length / (2 * skeletons.keypoints) };
    });
    this.skeletonsShown = this.labelsShown = true;
    this.time = 0;
    new ResizeObserver(() => this.draw(this.time)).observe(canvas);
  }

  draw(time) {
    this.time = time;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(this.canvas.clientWidth * ratio), height = Math.round(this.canvas.clientHeight * ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    const frame = Math.max(0, lastNotAbove(this.skeletons.times, time * 1000 + ROUNDED));
    const shown = this.persons
      .map(person => ({ person, points: this.pointsOf(person, frame, width) }))
      .filter(one => one.points && one.points.some(Boolean));
    const line = Math.max(1.5 * ratio, Math.min(width, height) / 200);
    if (this.skeletonsShown) for (const one of shown) this.drawSkeleton(context, one, line);
    if (!this.labelsShown) return;
    const taken = [];
    for (const one of shown) this.drawLabel(context, one, ratio, width, taken);
  }

  // [x, y] of each keypoint in the canvas, null where it was not seen.
  pointsOf(person, frame, width) {
    const row = frame - person.first, count = this.skeletons.keypoints;
    if (row < 0 || row >= person.frames) return null;
    const scale = width / (this.skeletons.units * this.skeletons.size[0]);
    const points = [];
    for (let k = 0; k < count; k++) {
      const place = 2 * (row * count + k), x = person.points[place];
      points.push(x === UNSEEN ? null : [x * scale, person.points[place + 1] * scale]);
    }
    return points;
  }

  drawSkeleton(context, { person, points }, line) {
    context.lineCap = "round";
    for (const [from, to, part] of this.skeletons.links) {
      if (!points[from] || !points[to]) continue;
      context.strokeStyle = this.skeletons.hands[part] || person.colour;
      context.lineWidth = part === "body" ? line : line / 2;
      context.beginPath();
      context.moveTo(...points[from]);
      context.lineTo(...points[to]);
      context.stroke();
    }
    const parts = new Map(this.skeletons.links.map(([from, , part]) => [from, part]));
    points.forEach((point, k) => {
      if (!point) return;
      const part = parts.get(k) || "body";
      context.fillStyle = this.skeletons.hands[part] || person.colour;
      context.beginPath();
      context.arc(...point, part === "body" ? line * 0.95 : line * 0.5, 0, 2 * Math.PI);
      context.fill();
    });
  }

  labelOf(person) {
    const row = this.lines.get(person.id) || this.group;
    const segment = segmentAt(row, this.time);
    if (!segment || (row === this.group && !segment.persons.includes(person.id))) return `${person.id}`;
    const share = probabilityAt(row, segment.action, this.time) ?? segment.probability;
    return `${person.id}  ${segment.action}  ${percent(share)}`;
  }

  // A tag above the person, inside the picture, and below those drawn before where they meet.
  drawLabel(context, { person, points }, ratio, width, taken) {
    const seen = points.filter(Boolean);
    const size = 14 * ratio, pad = 6 * ratio, height = size + 1.4 * pad;
    context.font = `600 ${size}px system-ui, "DejaVu Sans", sans-serif`;
    context.textBaseline = "middle";
    const text = this.labelOf(person);
    const wide = Math.min(context.measureText(text).width + 2 * pad, width);
    const middle = seen.reduce((sum, point) => sum + point[0], 0) / seen.length;
    const left = Math.min(Math.max(0, middle - wide / 2), width - wide);
    const rows = seen.map(point => point[1]), highest = Math.min(...rows);
    // The keypoints of a head end at the eyes.
    let top = Math.max(0, highest - HEAD * (Math.max(...rows) - highest) - height - pad);
    for (let k = 0; k < taken.length; k++) {
      const other = taken.find(box => left < box.right && box.left < left + wide && top < box.bottom && box.top < top + height);
      if (!other) break;
      top = other.bottom + ratio;
    }
    taken.push({ left, top, right: left + wide, bottom: top + height });
    context.fillStyle = person.colour;
    context.beginPath();
    if (context.roundRect) context.roundRect(left, top, wide, height, 4 * ratio); else context.rect(left, top, wide, height);
    context.fill();
    context.fillStyle = INK;
    context.fillText(text, left + pad, top + height / 2 + ratio / 2, width - 2 * pad);
  }
}

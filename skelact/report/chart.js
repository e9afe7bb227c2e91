// Probabilities over time of the classes of one timeline, with the threshold below which nothing is told.
class Chart {
  constructor(tracks, legend) {
    this.legend = legend;
    this.svg = createSvg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": "Probabilities over time" });
    const box = create("div", "chart");
    box.append(this.svg);
    tracks.append(box);
  }

  scale() {
    const scale = create("div", "scale");
    for (const share of [1, 0.5, 0]) {
      const mark = create("span", "", percent(share));
      mark.style.top = `${12 + 120 * (1 - share)}px`;
      scale.append(mark);
    }
    return scale;
  }

  choose(row) {
    this.row = row;
    this.svg.replaceChildren(...[0, 0.5, 1].map(share => this.level(share, "")));
    if (content.threshold > 0) this.svg.append(this.level(content.threshold, "threshold"));
    for (const curve of [...row.curves].reverse()) this.draw(row, curve);
    this.values = row.curves.map(curve => {
      const item = create("li"), value = create("span", "number");
      item.append(dot(actionColour(curve.action)), curve.action, value);
      return { item, value, action: curve.action };
    });
    this.legend.replaceChildren(...this.values.map(each => each.item));
    if (content.threshold > 0) {
      const item = create("li");
      item.append(create("span", "dash"), `threshold ${percent(content.threshold)}`);
      this.legend.append(item);
    }
  }

  level(share, kind) {
    const y = 100 * (1 - share);
    return createSvg("line", { x1: 0, x2: 1000, y1: y, y2: y, class: kind });
  }

  draw(row, curve) {
    const told = row.segments.some(segment => segment.action === curve.action);
    const half = row.times.length > 1 ? (row.times[1] - row.times[0]) / 2 : content.seconds / 2;
    const place = time => Math.min(1000, Math.max(0, time / content.seconds * 1000)).toFixed(1);
    let points = [];
    const finish = last => {
      if (!points.length) return;
      points.push(`${place(row.times[last] + half)},${points.at(-1).split(",")[1]}`);
      const line = createSvg("polyline", { points: points.join(" "), class: told ? "" : "weak" });
      this.svg.append(coloured(line, actionColour(curve.action)));
      points = [];
    };
    curve.values.forEach((value, k) => {
      if (value === null) { finish(k - 1); return; }
      const y = (100 - value / 10).toFixed(1);
      if (!points.length) points.push(`${place(row.times[k] - half)},${y}`);
      points.push(`${place(row.times[k])},${y}`);
    });
    finish(row.times.length - 1);
  }

  show(time) {
    for (const { value, action } of this.values || []) {
      const share = probabilityAt(this.row, action, time);
      value.textContent = share === null ? "–" : percent(share);
    }
  }
}

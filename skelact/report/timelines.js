// The timelines of the group and of each person over one axis of time, with the chart of one of them below.
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];
const TICK_ROOM = 80, ZOOM_FROM = 20, NARROW = 46;

class Timelines {
  constructor(player) {
    this.player = player;
    this.zoom = 1;
    this.blocks = [];
    this.tracks = find("tracks");
    this.axis = create("div", "axis");
    this.tracks.append(this.axis, ...content.timelines.map(row => this.track(row)));
    this.chart = content.oneClip ? null : new Chart(this.tracks, find("legend"));
    this.playhead = create("div", "playhead");
    this.tracks.append(this.playhead);
    this.addNames();
    this.tracks.setAttribute("aria-valuemax", content.seconds.toFixed(1));
    this.tracks.addEventListener("pointerdown", event => this.scrub(event));
    this.tracks.addEventListener("pointermove", event => { if (event.buttons & 1 && this.scrubbing) this.scrub(event); });
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { this.scrubbing = false; });
    find("zoom").hidden = content.seconds < ZOOM_FROM;
    find("zoom-in").addEventListener("click", () => this.setZoom(this.zoom * 2));
    find("zoom-out").addEventListener("click", () => this.setZoom(this.zoom / 2));
    new ResizeObserver(() => this.layOut()).observe(this.tracks);
    this.show(0);
    if (this.chart) this.choose(0);
  }

  share(time) {
    return `${100 * Math.min(1, Math.max(0, time / content.seconds))}%`;
  }

  track(row) {
    const track = create("div", "track");
    if (row.times.length > 1 && row.person !== null) {
      const half = (row.times[1] - row.times[0]) / 2, there = create("div", "there");
      const start = Math.max(0, row.times[0] - half), end = Math.min(content.seconds, row.times.at(-1) + half);
      there.style.left = this.share(start);
      there.style.width = this.share(end - start);
      track.append(there);
    }
    for (const segment of row.segments) {
      const block = coloured(create("button", "block", segment.action), actionColour(segment.action));
      block.type = "button";
      block.style.left = this.share(segment.start);
      block.style.width = this.share(segment.end - segment.start);
      block.title = `${segment.action}, ${clock(segment.start)} to ${clock(segment.end)}, ${percent(segment.probability)}`;
      block.setAttribute("aria-label", `${row.name}: ${block.title}`);
      // A pointer seeks where it is, see scrub; the keyboard the start.
      block.addEventListener("click", event => { if (event.detail === 0) this.player.seek(segment.start); });
      this.blocks.push({ block, seconds: segment.end - segment.start });
      track.append(block);
    }
    return track;
  }

  addNames() {
    const names = find("names");
    names.append(create("div", "axis"));
    this.buttons = content.timelines.map((row, number) => {
      const chosen = this.chart && content.timelines.length > 1;
      const name = create(chosen ? "button" : "span");
      if (row.colour) name.append(dot(row.colour));
      name.append(row.name);
      if (chosen) {
        name.type = "button";
        name.title = `Show the probabilities of ${row.name.toLowerCase()}`;
        name.addEventListener("click", () => this.choose(number));
      }
      names.append(name);
      return name;
    });
    if (this.chart) names.append(this.chart.scale());
  }

  choose(number) {
    this.buttons.forEach((button, k) => { if (button.type) button.setAttribute("aria-pressed", k === number); });
    this.chart.choose(content.timelines[number]);
    this.chart.show(this.player.time);
  }

  scrub(event) {
    if (event.button > 0) return;
    this.scrubbing = true;
    const box = this.tracks.getBoundingClientRect();
    this.player.seek((event.clientX - box.left) / box.width * content.seconds);
  }

  setZoom(zoom) {
    this.zoom = Math.min(64, Math.max(1, zoom));
    this.tracks.style.width = `${100 * this.zoom}%`;
    this.follow(true);
  }

  layOut() {
    const width = this.tracks.clientWidth;
    const room = content.seconds * TICK_ROOM / Math.max(1, width);
    const step = TICKS.find(each => each >= room) || TICKS.at(-1);
    const marks = [];
    for (let k = 0; k * step <= content.seconds + 1e-9; k++) {
      const place = k * step / content.seconds * width;
      if (k && place > width - 12) break;
      const mark = create("span", k ? "" : "first", clock(k * step, step < 1 ? 1 : 0));
      mark.style.left = this.share(k * step);
      marks.push(mark);
    }
    this.axis.replaceChildren(...marks);
    for (const { block, seconds } of this.blocks) block.classList.toggle("narrow", seconds / content.seconds * width < NARROW);
    this.follow(true);
  }

  show(time) {
    this.playhead.style.left = this.share(time);
    this.tracks.setAttribute("aria-valuenow", time.toFixed(2));
    this.tracks.setAttribute("aria-valuetext", clock(time));
    if (this.chart) this.chart.show(time);
    this.follow(false);
  }

  // Keep the playhead in view where the timeline is wider than the page.
  follow(always) {
    const scroll = find("scroll"), place = Math.min(1, this.player.time / content.seconds) * this.tracks.clientWidth;
    if (this.zoom === 1) return;
    if (always || place < scroll.scrollLeft || place > scroll.scrollLeft + scroll.clientWidth) {
      if (!this.scrubbing) scroll.scrollLeft = place - scroll.clientWidth / 3;
    }
  }
}

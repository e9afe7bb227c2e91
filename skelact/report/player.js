// Time: of the video where there is one that plays, else of a clock of its own.
class Player {
  constructor(video, seconds) {
    this.video = video;
    this.seconds = seconds;
    this.watchers = [];
    this.time = 0;
    this.paused = true;
    if (video) this.follow(video);
  }

  follow(video) {
    const told = paused => { if (this.video) this.tellPaused(paused); };
    video.addEventListener("play", () => told(false));
    video.addEventListener("pause", () => told(true));
    video.addEventListener("seeked", () => { if (this.video) this.tell(video.currentTime); });
    if (video.requestVideoFrameCallback) {
      const shown = (now, frame) => {
        if (!this.video) return;
        // While it stands still the time is what was asked for, which may be within a frame.
        if (!video.paused) this.tell(frame.mediaTime);
        video.requestVideoFrameCallback(shown);
      };
      video.requestVideoFrameCallback(shown);
    } else {
      const tick = () => {
        if (!this.video) return;
        if (!video.paused) this.tell(video.currentTime);
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }
  }

  watch(watcher) {
    this.watchers.push(watcher);
  }

  tell(time) {
    this.time = time;
    for (const watcher of this.watchers) watcher(time, this.paused);
  }

  tellPaused(paused) {
    this.paused = paused;
    this.tell(this.time);
  }

  seek(time) {
    const place = Math.min(Math.max(0, time), this.seconds);
    if (this.video) this.video.currentTime = place;
    this.tell(place);
  }

  toggle() {
    if (!this.paused) this.pause(); else this.play();
  }

  play() {
    if (this.video) {
      this.video.play().catch(() => {});  // what it cannot play is told by its error event
      return;
    }
    if (this.time >= this.seconds) this.time = 0;
    this.tellPaused(false);
    let last = performance.now();
    const tick = now => {
      if (this.paused || this.video) return;
      const time = this.time + Math.max(0, now - last) / 1000;
      last = now;
      this.tell(Math.min(time, this.seconds));
      if (this.time >= this.seconds) this.tellPaused(true); else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    if (this.video) this.video.pause(); else this.tellPaused(true);
  }

  // The video turned out not to play: go on without it.
  leaveVideo() {
    this.video = null;
    this.paused = true;
    this.tell(this.time);
  }
}

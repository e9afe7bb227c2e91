// Put the page together.
const NOT_PLAYED = "This browser cannot play the video in this page: only the skeletons are shown. Chrome, Edge, Firefox and Safari can.";

function openVideo(video) {
  const text = find("video").textContent.trim();
  if (!text) {
    video.remove();
    return null;
  }
  try {
    video.src = URL.createObjectURL(new Blob([bytesOf(text)], { type: "video/mp4" }));
  } catch {
    video.dispatchEvent(new Event("error"));
  }
  return video;
}

function sizeStage() {
  const [width, height] = content.skeletons.size, stage = find("stage");
  stage.style.aspectRatio = `${width} / ${height}`;
  stage.style.maxWidth = `calc(min(72vh, 640px) * ${width / height})`;
}

function showNow(items, time) {
  for (const { row, what, share } of items) {
    const segment = segmentAt(row, time);
    what.textContent = segment ? segment.action : "no action";
    what.classList.toggle("none", !segment);
    share.textContent = segment ? percent(probabilityAt(row, segment.action, time) ?? segment.probability) : "";
  }
}

function nowItems() {
  return content.timelines.map(row => {
    const item = create("li"), who = create("span", "who");
    if (row.colour) who.append(dot(row.colour));
    who.append(row.name);
    const what = create("span", "what"), share = create("span", "number");
    if (content.timelines.length > 1) item.append(who);
    item.append(what, share);
    find("now").append(item);
    return { row, what, share };
  });
}

function listOverall() {
  for (const { name, probability } of content.timelines[0].actions) {
    const item = create("li"), known = content.actions.includes(name);
    item.append(create("span", "", name), create("span", "number", percent(probability)));
    item.append(bar(probability, known ? actionColour(name) : "var(--soft)"));
    find("overall").append(item);
  }
}

function setUpTable(player) {
  const rows = [...document.querySelectorAll("#segments tr[data-start]")];
  for (const row of rows) {
    const cell = row.querySelector(".action");
    cell.prepend(dot(actionColour(cell.textContent)));
    row.tabIndex = 0;
    const seek = () => player.seek(Number(row.dataset.start));
    row.addEventListener("click", seek);
    row.addEventListener("keydown", event => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      seek();
    });
  }
  const told = content.timelines.map(row => row.segments);
  const numbered = told.flatMap(segments => segments);
  return time => rows.forEach((row, k) => {
    row.classList.toggle("current", numbered[k].start <= time && time < numbered[k].end);
  });
}

function listenToKeys(player) {
  const [first, second] = content.skeletons.times, frame = second ? (second - first) / 1000 : 0.04;
  const moves = { ArrowLeft: -1, ArrowRight: 1, ",": -frame, ".": frame, Home: -Infinity, End: Infinity };
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && !event.target.closest("button, input, a")) {
      event.preventDefault();
      player.toggle();
    } else if (event.key in moves) {
      event.preventDefault();
      player.seek(player.time + moves[event.key]);
    }
  });
}

function start() {
  const video = find("picture");
  sizeStage();
  const player = new Player(find("video").textContent.trim() ? video : null, content.seconds);
  video.addEventListener("error", () => {
    find("fault").textContent = NOT_PLAYED;
    find("fault").hidden = false;
    video.remove();
    player.leaveVideo();
  });
  const overlay = new Overlay(find("skeletons"), content.skeletons, content.timelines);
  const timelines = new Timelines(player), items = nowItems(), markRows = setUpTable(player);
  player.watch((time, paused) => {
    overlay.draw(time);
    timelines.show(time);
    showNow(items, time);
    markRows(time);
    find("clock").textContent = `${clock(time)} / ${clock(content.seconds)}`;
    find("play").classList.toggle("playing", !paused);
    find("play").setAttribute("aria-label", paused ? "Play" : "Pause");
  });
  find("play").addEventListener("click", () => player.toggle());
  find("stage").addEventListener("click", () => player.toggle());
  find("show-skeletons").addEventListener("change", event => { overlay.skeletonsShown = event.target.checked; overlay.draw(player.time); });
  find("show-labels").addEventListener("change", event => { overlay.labelsShown = event.target.checked; overlay.draw(player.time); });
  listOverall();
  listenToKeys(player);
  find("keypoints").append(...content.explained.map(keypointCard));
  if (!content.explained.length) find("keypoints-title").parentElement.hidden = true;
  player.tell(0);
  openVideo(video);
}

start();

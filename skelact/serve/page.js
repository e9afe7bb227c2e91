"use strict";
// Sends a video, follows its job, and shows the result. The job's id stands behind the # of the address, so that a page
// that is loaded again goes on where it was. Whatever comes from the server is shown as text, never as HTML.

const POLL = 500; // milliseconds
const PERCENT = new Intl.NumberFormat("en", {style: "percent"});
const at = (id) => document.getElementById(id);
let upload = null; // the request that sends a file
let followed = ""; // the job whose result is awaited

function show(...ids) {
  for (const id of ["choose", "work", "result", "error"]) at(id).hidden = !ids.includes(id);
}

function fail(message) {
  leave();
  at("error").textContent = message;
  show("choose", "error");
  at("file").focus();
}

function leave() {
  followed = "";
  history.replaceState(null, "", location.pathname);
}

function name(text) {
  for (const heading of document.querySelectorAll(".name")) heading.textContent = text;
}

function progress(text, share) {
  at("status").textContent = text;
  if (share === null) at("progress").removeAttribute("value");
  else at("progress").value = share;
}

function send(file) {
  if (upload || !file) return;
  at("file").value = "";
  if (file.size > Number(document.body.dataset.bytes)) {
    fail("The file is larger than the " + document.body.dataset.megabytes + " MB that are taken: cut it or scale it down.");
    return;
  }
  name(file.name);
  progress("Sending", 0);
  show("work");
  const form = new FormData();
  form.append("file", file);
  upload = new XMLHttpRequest();
  upload.open("POST", "jobs");
  upload.responseType = "json";
  upload.upload.onprogress = (event) => progress("Sending: " + PERCENT.format(event.loaded / event.total), event.loaded / event.total);
  upload.onload = () => {
    const {status, response} = upload;
    upload = null;
    if (status !== 202) return fail(sentence(response, status));
    history.replaceState(null, "", "#" + response.id);
    follow(response.id);
  };
  upload.onerror = () => { upload = null; fail("The server does not answer, or refuses the file."); };
  upload.onabort = () => { upload = null; show("choose"); };
  upload.send(form);
}

function sentence(response, status) {
  const text = response && response.error ? response.error : "The server answers with status " + status;
  return text[0].toUpperCase() + text.slice(1) + ".";
}

async function follow(id) {
  followed = id;
  while (followed === id) {
    let job = null;
    try {
      const response = await fetch("jobs/" + encodeURIComponent(id));
      job = await response.json();
      if (!response.ok) return fail(sentence(job, response.status));
    } catch {
      return fail("The server does not answer: it may have been stopped.");
    }
    if (followed !== id) return;
    if (!update(job)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

// Shows a job as it is; whether there is more to wait for.
function update(job) {
  name(job.name);
  if (job.result) showResult(job);
  if (job.state === "failed") { fail(sentence(job)); return false; }
  if (job.state === "cancelled") { leave(); show("choose"); return false; }
  if (job.state === "done") return false;
  if (job.state === "waiting") {
    progress(job.position > 1 ? "Waiting: " + job.position + " videos are before it" : "Waiting: it is the next", null);
  } else if (!job.progress || job.progress.stage === "keypoints") {
    const {done, total} = job.progress || {done: 0, total: null};
    progress("Looking: frame " + done + (total ? " of " + total : ""), total ? Math.min(1, done / total) : null);
  }
  if (!job.result) show("work");
  return true;
}

function showResult(job) {
  const ended = job.state === "done";
  at("report").hidden = !job.report;
  if (job.report) at("report").href = job.report.slice(1);
  at("delete").hidden = !ended;
  const drawn = job.progress && job.progress.stage === "report" && job.progress.total;
  at("drawing").textContent = ended ? "" : "Writing the report" + (drawn ? ": " + PERCENT.format(job.progress.done / job.progress.total) : "");
  at("drawing").hidden = ended;
  if (at("result").dataset.id !== job.id) {
    at("result").dataset.id = job.id;
    fill(job.result);
    show("result");
    at("result").focus();
  }
  if (job.report_error && ended) note("There is no report: " + job.report_error);
}

function fill(result) {
  const persons = result.persons.length === 1 ? "1 person" : result.persons.length + " persons";
  at("summary").textContent = result.seconds.toFixed(1) + " s, " + persons + "; keypoints by " + result.estimator +
    ", actions by " + result.model;
  at("told").replaceChildren();
  at("notes").replaceChildren();
  const each = result.persons.length > 1 ? result.individuals : [];
  tell(result, each.length ? "The group" : "", result);
  for (const one of each) tell(one, "Person " + one.person, result);
  for (const text of result.notes) note(text);
}

function note(text) {
  at("notes").append(element("li", text));
}

// What a group or person does: of one clip the most probable actions, of a longer video its segments too.
function tell(timeline, title, result) {
  if (title) at("told").append(element("h3", title));
  if (!timeline.segments.length) {
    at("told").append(element("p", "No action is told: none is as probable as " + PERCENT.format(result.threshold) +
      ", or nothing is done that the model knows. The most probable:"));
  } else if (result.window < result.seconds) {
    const persons = "person" in timeline || result.persons.length < 2 ? [] : ["persons"];
    at("told").append(table(["time", "action", "probability", ...persons], timeline.segments.map((one) => [
      clock(one.start) + " – " + clock(one.end), one.action, PERCENT.format(one.probability),
      ...persons.map(() => one.persons.join(" ")),
    ])));
    return;
  }
  at("told").append(table(["action", "probability", ""], timeline.actions.map((one) => [
    one.name, PERCENT.format(one.probability), meter(one.probability),
  ])));
}

function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  return Math.floor(tenths / 600) + ":" + String(Math.floor(tenths / 10) % 60).padStart(2, "0") + "." + tenths % 10;
}

function meter(value) {
  const bar = element("meter", "");
  bar.value = value;
  bar.setAttribute("aria-hidden", "true");
  return bar;
}

function table(header, rows) {
  const whole = element("table", "");
  for (const [cell, cells] of [["th", header], ...rows.map((row) => ["td", row])]) {
    const row = element("tr", "");
    cells.forEach((content, k) => {
      const one = element(cell, content);
      if (cell === "th" && content) one.scope = "col";
      one.className = header[k] || "share";
      row.append(one);
    });
    whole.append(row);
  }
  return whole;
}

function element(tag, content) {
  const made = document.createElement(tag);
  made.append(content);
  return made;
}

function end() {
  if (followed) fetch("jobs/" + encodeURIComponent(followed), {method: "DELETE"});
}

function again() {
  leave();
  at("result").dataset.id = "";
  show("choose");
  at("file").focus();
}

at("file").addEventListener("change", (event) => send(event.target.files[0]));
at("cancel").addEventListener("click", () => upload ? upload.abort() : end());
at("delete").addEventListener("click", () => { end(); again(); });
at("again").addEventListener("click", again);
// Wherever on the page a file is dropped, the browser is not to leave the page for it.
addEventListener("dragover", (event) => { event.preventDefault(); at("drop").classList.add("over"); });
addEventListener("dragleave", () => at("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  if (!at("choose").hidden) send(event.dataTransfer.files[0]);
});
if (location.hash.length > 1) follow(location.hash.slice(1));

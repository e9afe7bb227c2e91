"use strict";

// The content as the page was written with, and small helpers of all parts.
const content = JSON.parse(document.getElementById("content").textContent);
const find = id => document.getElementById(id);
const COLOURS = 8;

function create(kind, classes = "", text = "") {
  const element = document.createElement(kind);
  if (classes) element.className = classes;
  if (text) element.textContent = text;
  return element;
}

function createSvg(kind, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// An action has one colour everywhere; after eight they come again.
function actionColour(action) {
  if (action === content.noAction) return "var(--soft)";
  return `var(--c${content.actions.indexOf(action) % COLOURS})`;
}

function coloured(element, colour) {
  element.style.setProperty("--colour", colour);
  return element;
}

function dot(colour) {
  return coloured(create("span", "dot"), colour);
}

function bar(share, colour) {
  const outer = coloured(create("span", "bar"), colour);
  outer.append(create("i"));
  outer.style.setProperty("--share", `${100 * share}%`);
  return outer;
}

function percent(share) {
  return `${Math.round(100 * share)}%`;
}

function clock(seconds, digits = 1) {
  const factor = 10 ** digits;
  const units = Math.round(seconds * factor);
  const minutes = Math.floor(units / (60 * factor));
  const rest = ((units - minutes * 60 * factor) / factor).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${minutes}:${rest}`;
}

// The place of the last of some rising numbers that is not above one; -1 if all are.
function lastNotAbove(numbers, number) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= number) low = middle + 1; else high = middle;
  }
  return low - 1;
}

function nearest(numbers, number) {
  const before = lastNotAbove(numbers, number);
  if (before < 0) return 0;
  return before + 1 < numbers.length && numbers[before + 1] - number < number - numbers[before] ? before + 1 : before;
}

function segmentAt(row, time) {
  return row.segments.find(segment => segment.start <= time && time < segment.end);
}

// How probable an action is in the step at a time; null where nobody was seen, or the action has no curve.
function probabilityAt(row, action, time) {
  const curve = row.curves.find(each => each.action === action);
  if (!curve || !row.times.length) return null;
  const value = curve.values[nearest(row.times, time)];
  return value === null ? null : value / 1000;
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

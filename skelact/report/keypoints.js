// Which keypoints mattered: for each action a figure, and the first ten by name.
const LEAST_DOT = 1.6, MOST_DOT = 7.5;

function keypointFigure(one) {
  const [width, height] = one.size;
  const svg = createSvg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Keypoints that mattered for ${one.action}: ${one.top.map(each => each.name).join(", ")}` });
  for (const [x1, y1, x2, y2] of one.lines) svg.append(createSvg("line", { x1, y1, x2, y2 }));
  for (const [cx, cy, share, name] of [...one.dots].sort((a, b) => b[2] - a[2])) {
    const circle = createSvg("circle", { cx, cy, r: share ? LEAST_DOT + (MOST_DOT - LEAST_DOT) * Math.sqrt(share) : LEAST_DOT, class: share ? "" : "none", "fill-opacity": share ? 0.35 + 0.65 * share : 1 });
    const title = createSvg("title", {});
    title.textContent = name;
    circle.append(title);
    svg.append(circle);
  }
  if (one.dots.some(each => each[3] === "right hand root")) {
    for (const [x, side] of [[48, "right hand"], [width - 48, "left hand"]]) {
      const text = createSvg("text", { x, y: 118 });
      text.textContent = side;
      svg.append(text);
    }
  }
  return svg;
}

function keypointTable(one) {
  const table = create("table"), head = create("tr"), body = create("tbody");
  const columns = one.weighed ? ["Keypoint", "", "Gradient", "Weight"] : ["Keypoint", "", "Gradient"];
  columns.forEach((name, k) => head.append(create("th", k > 1 ? "number" : "", name)));
  const most = Math.max(...one.top.map(each => each.both));
  for (const each of one.top) {
    const row = create("tr"), share = create("td", "share");
    share.append(bar(each.both / most, actionColour(one.action)));
    row.append(create("td", "", each.name), share, create("td", "number", `${(100 * each.gradient).toFixed(1)}%`));
    if (one.weighed) row.append(create("td", "number", `${(100 * each.weight).toFixed(1)}%`));
    body.append(row);
  }
  const header = create("thead");
  header.append(head);
  table.append(header, body);
  return table;
}

function keypointCard(one) {
  const card = coloured(create("article", "card"), actionColour(one.action));
  const header = create("header"), title = create("h3");
  title.append(dot(actionColour(one.action)), one.action);
  const who = `${one.persons.length > 1 ? "persons" : "person"} ${one.persons.join(", ")}`;
  header.append(title, create("p", "", `${who}, ${clock(one.start)} to ${clock(one.end)}`));
  card.append(header, keypointFigure(one), keypointTable(one));
  return card;
}

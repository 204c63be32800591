"use strict";
// Replays a training run: the data are in <script id="data">, one frame for each epoch kept.
const at = (id) => document.getElementById(id);
const { rows, curves, layers, unshown, frames, plane } = JSON.parse(at("data").textContent);  // rows: their epochs
const last = frames.length - 1;
const updates = [];  // what is done for each frame shown; each says its part of the announcement, or nothing
let shown = last, timer = null;

const finite = (x) => typeof x === "number";
function format(x, digits = 4) {  // a number to so many digits, a large or tiny one with its power of ten
  if (!finite(x)) return x ?? "none";
  const rounded = Number(x.toPrecision(digits)), size = Math.abs(rounded);
  const text = size && (size < 1e-4 || size >= 1e6) ? rounded.toExponential().replace("e+", "e") : String(rounded);
  return text.replaceAll("-", "−");
}
const within = (x, low, high) => Math.min(Math.max(x, low), high);
const set = (part, look) => Object.entries(look).forEach(([key, value]) => part.setAttribute(key, value));

function element(name, attributes, parent, text = "") {
  const drawn = ["svg", "g", "path", "line", "rect", "text", "circle"].includes(name);
  const made = document.createElementNS(`http://www.w3.org/${drawn ? "2000/svg" : "1999/xhtml"}`, name);
  set(made, attributes);
  made.textContent = text;  // never markup: names are data
  parent.append(made);
  return made;
}
function entry(legend, look, text) {  // a line or shape, and what it stands for
  const item = element("li", {}, legend);
  element("path", look, element("svg", { viewBox: "-14 -6 28 12", "aria-hidden": "true" }, item));
  return element("span", {}, item, text);
}

const LETTER = 7.6;  // the width of a digit
const width = (section) => within(section.clientWidth - 24, 240, 400);  // of a picture: its letters do not shrink

function scale(values, roomy) {  // from values to 0 … 1: logarithmic where they are positive and spread tenfold
  const all = values.filter(finite);
  let low = all.length ? Math.min(...all) : 0, high = all.length ? Math.max(...all) : 1;
  const log = roomy && low > 0 && high >= 10 * low;
  if (high === low) { high += Math.abs(low) / 2 || 1; low -= Math.abs(low) / 2; }
  const bend = log ? Math.log10 : (x) => x;
  const ticks = [];
  let digits = 4;
  if (log) {
    const wide = Math.ceil(bend(high / low) / 4), parts = high / low < 50 ? [1, 2, 5] : [1];
    for (let k = Math.floor(bend(low)); k <= bend(high); k += wide) ticks.push(...parts.map((m) => m * 10 ** k));
  } else {
    const rough = (high - low) / 5, ten = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * ten).find((s) => s >= rough) || rough;
    digits = within(Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / step)) + 1, 1, 15);
    for (let k = Math.ceil(low / step); k * step <= high * (1 + 1e-9); k += 1) ticks.push(k * step);
  }
  const from = bend(low), span = bend(high) - from;
  const shown = ticks.filter((t) => t >= low && t <= high).map((t) => [t, format(t, digits)]);  // with their labels
  const room = LETTER * Math.max(...shown.map(([, text]) => text.length), 3);  // for the longest
  return { low, high, log, ticks: shown, room, to: (x) => (bend(x) - from) / span };
}

function axes(picture, [left, right, top, bottom], columns, across, label, rows, up) {
  element("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "frame" }, picture);
  const middle = { "text-anchor": "middle" };
  const wide = LETTER * (Math.max(...columns.map(([, text]) => text.length)) + 1);
  const every = columns.length > 1 && across(columns[1][0]) - across(columns[0][0]) < wide ? 2 : 1;
  columns.forEach(([x, text], i) => {
    if (i % every === 0) element("text", { x: across(x), y: bottom + 17, ...middle }, picture, text);
  });
  for (const [y, text] of rows) element("text", { x: left - 6, y: up(y) + 4, "text-anchor": "end" }, picture, text);
  element("text", { x: (left + right) / 2, y: bottom + 35, ...middle }, picture, label);
}

function chart(title, chosen) {
  const section = element("section", {}, at("charts"));
  element("h2", {}, section, title);
  const wide = width(section), picture = element("svg", { viewBox: `0 0 ${wide} 230`, role: "img" }, section);
  const y = scale(chosen.flatMap((c) => c.values), true);
  const x = scale([...rows, ...frames.map((f) => f.epoch)]);
  const left = 12 + y.room, right = wide - 6 - x.room / 2, top = 8, bottom = 190;
  const across = (epoch) => left + (right - left) * x.to(epoch);
  const up = (value) => bottom - (bottom - top) * (0.04 + 0.92 * y.to(value));
  for (const [tick] of y.ticks) element("line", { x1: left, x2: right, y1: up(tick), y2: up(tick), class: "rule" }, picture);
  axes(picture, [left, right, top, bottom], x.ticks.filter(([t]) => Number.isInteger(t)), across, "epoch", y.ticks, up);
  const now = element("line", { y1: top, y2: bottom, class: "now" }, picture);
  const legend = element("ul", { class: "legend" }, section);
  const parts = chosen.map((curve, i) => {
    const look = `curve s${i % 8} d${i % 4}`;
    let path = "", pen = "M";
    curve.values.forEach((v, k) => {
      if (finite(v)) path += `${pen}${across(rows[k]).toFixed(1)} ${up(v).toFixed(1)}`;
      pen = finite(v) ? "L" : "M";
    });
    element("path", { d: path, class: look }, picture);
    const dot = element("circle", { r: 4.5, class: `f${i % 8}` }, picture);
    return { curve, dot, label: entry(legend, { d: "M-14 0H14", class: look }) };
  });
  updates.push((frame) => {
    const k = rows.findLastIndex((row) => row <= frame.epoch);
    for (const end of ["x1", "x2"]) now.setAttribute(end, across(frame.epoch));
    const said = parts.map(({ curve, dot, label }) => {
      const value = curve.values[k];
      label.textContent = `${curve.name} ${k < 0 ? "not measured yet" : format(value)}`;
      set(dot, finite(value) ? { cx: across(rows[k]), cy: up(value), r: 4.5 } : { r: 0 });
      return label.textContent;
    }).join(", ");
    set(picture, { "aria-label": `${title} over the epochs${y.log ? ", logarithmic" : ""}; now ${said}` });
    return said;
  });
}

const SHAPES = [  // so that colour is not all that tells classes apart
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M-3.6-3.6h7.2v7.2h-7.2z", "M0-4.8L4.5 3.4H-4.5z", "M0-5L4.2 0L0 5L-4.2 0z",
  "M0 4.8L4.5-3.4H-4.5z", "M-1.6-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
];
const shade = (x) => `color-mix(in oklab, #fee838 ${within(100 * x, 0, 100)}%, #00224e)`;

function tiles(kinds, side) {  // a square around each point of a surface
  const paths = Array(plane.levels).fill("");
  kinds.forEach((kind, i) => {
    if (kind >= 0) paths[kind] += `M${i % side} ${Math.floor(i / side)}h1v1h-1z`;
  });
  return { paths };
}

function outlines(kinds, leads, side) {  // of regions, in squares between four points; a border runs where leads meet
  const paths = plane.classes.map(() => "");
  let border = "";
  const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}`;
  const add = (kind, points) => { if (kind >= 0) paths[kind] += `${path(points)}z`; };
  for (let row = 0; row < side - 1; row += 1) for (let column = 0; column < side - 1; column += 1) {
    const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([x, y]) => [column + x, row + y]);
    const places = corners.map(([x, y]) => y * side + x), here = places.map((i) => kinds[i]);
    const meets = corners.map(([x, y], k) => {  // on the side to the next corner
      const next = (k + 1) % 4, own = leads[places[k]], other = leads[places[next]];
      const share = here[k] === here[next] ? 0.5 : own / (own + other);
      return [x + share * (corners[next][0] - x), y + share * (corners[next][1] - y)];
    });
    const cut = meets.filter((_, k) => here[k] !== here[(k + 1) % 4]);
    if (!cut.length) add(here[0], corners);
    else if (cut.length === 2) {
      border += path(cut);
      for (const kind of new Set(here)) {
        add(kind, corners.flatMap((corner, k) => [
          ...(here[k] === kind ? [corner] : []), ...((here[k] === kind) !== (here[(k + 1) % 4] === kind) ? [meets[k]] : []),
        ]));
      }
    } else {
      const middle = [0, 1].map((axis) => cut.reduce((sum, point) => sum + point[axis], 0) / cut.length);
      cut.forEach((point) => { border += path([point, middle]); });
      corners.forEach((corner, k) => add(here[k], [meets[(k + 3) % 4], corner, meets[k], middle]));
    }
  }
  return { paths, border };
}

function drawPlane() {
  const { side, levels, classes, range } = plane;
  const x = scale(plane.limits.slice(0, 2)), y = scale(plane.limits.slice(2));
  const all = width(at("plane")), x0 = 26 + y.room, y0 = 6, wide = all - 6 - x.room / 2 - x0;
  const picture = element("svg", { viewBox: `0 0 ${all} ${wide + 46}`, role: "img" }, at("plane"));
  const across = (value) => x0 + wide * x.to(value), down = (value) => y0 + wide * (1 - y.to(value));
  const area = (i) => (classes ? { class: `region f${i % 8}` } : { class: "height", fill: shade((i + 0.5) / levels) });
  const unit = wide / (classes ? side - 1 : side);  // between points, or around them
  const ground = element("g", { transform: `translate(${x0} ${y0 + wide}) scale(${unit} ${-unit})` }, picture);
  const regions = Array.from(classes || Array(levels), (_, i) => element("path", area(i), ground));
  const edge = element("path", { class: "edge" }, ground);
  const mark = (t) => (classes ? { d: SHAPES[t % SHAPES.length], class: `point f${t % 8}` }
    : { d: SHAPES[0], class: "target", fill: shade((t - range[0]) / (range[1] - range[0])) });
  for (const [first, second, t] of plane.points) {
    element("path", { transform: `translate(${across(first)} ${down(second)})`, ...mark(t) }, picture);
  }
  axes(picture, [x0, x0 + wide, y0, y0 + wide], x.ticks, across, "input 0", y.ticks, down);
  element("text", { transform: `translate(12 ${y0 + wide / 2}) rotate(-90)`, "text-anchor": "middle" }, picture, "input 1");
  const legend = element("ul", { class: "legend" }, at("plane"));
  if (classes) classes.slice(0, 12).forEach((name, i) => entry(legend, mark(i), `class ${name}`));
  else range.forEach((value, i) => entry(legend, { d: "M-12-5h24v10h-24z", fill: shade(i), stroke: "currentColor" }, format(value)));
  if (!classes) element("li", {}, legend, "circles: targets");
  const title = at("plane-title").textContent;
  updates.push((stop) => {
    const frame = frames.slice(0, frames.indexOf(stop) + 1).findLast((f) => f.plane);  // not every stop has its own
    at("plane-title").textContent = title + (frame === stop ? "" : ` at epoch ${frame.epoch}`);
    const kinds = Array.from(frame.plane, (letter) => letter.charCodeAt(0) - 48);
    const leads = classes && Array.from(frame.leads, (letter) => 2 ** ((letter.charCodeAt(0) - 48) / 6));
    const { paths, border } = classes ? outlines(kinds, leads, side) : tiles(kinds, side);
    regions.forEach((region, i) => set(region, { d: paths[i] }));
    if (classes) set(edge, { d: border });
    const share = (i) => Math.round((100 * kinds.filter((kind) => kind === i).length) / kinds.length);
    const shares = classes && classes.map((name, i) => `class ${name} on ${share(i)} %`);
    set(picture, { "aria-label": classes ? `Regions of the plane: ${shares.join(", ")}` : "Surface over the plane" });
  });
}

function drawLayers() {
  const norms = frames.flatMap((f) => f.gradient).filter((x) => x > 0), spread = scale(norms, true);
  const norm = spread.log ? spread : scale([0, ...norms]);
  const long = (x) => (x > 0 ? 2 + 98 * norm.to(x) : 0);
  const far = Math.max(...frames.flatMap((f) => f.spread.flat()).filter(finite).map(Math.abs), 0);
  const place = (x) => (finite(x) && far ? 50 + (50 * x) / far : 50);
  const lines = layers.map((name) => {
    const row = element("tr", {}, at("rows"));
    element("th", { scope: "row" }, row, name);
    return ["bar", "box"].map((kind) => {
      const cell = element("td", {}, row), text = element("span", {}, cell);
      const look = { viewBox: "0 0 100 8", preserveAspectRatio: "none", height: 8, "aria-hidden": "true" };
      return { text, path: element("path", { class: kind }, element("svg", look, cell)) };
    });
  });
  const bars = `Gradient: bars from ${format(norm.low)} to ${format(norm.high)}${norm.log ? ", logarithmic" : ""}. `;
  const blocks = `Weights: from ${format(-far)} to ${format(far)}, line from least to largest, block the middle half.`;
  at("scales").textContent = (norms.length ? bars : "") + (far ? blocks : "No weight is a number other than 0.")
    + (unshown ? ` ${unshown} more layers are left out.` : "");
  const block = (from, to, half) => `M${from} ${4 - half}H${to}V${4 + half}H${from}z`;
  updates.push((frame) => lines.forEach(([gradient, weight], i) => {
    const [low, quarter, , threeQuarters, high] = frame.spread[i].map(place);
    gradient.text.textContent = format(frame.gradient[i]);
    weight.text.textContent = `norm ${format(frame.weight[i])}`;
    set(gradient.path, { d: block(0, long(frame.gradient[i]), 4) });
    set(weight.path, { d: block(low, high, 0.5) + block(quarter, Math.max(threeQuarters, quarter + 1), 4) });
  }));
}

function show(index) {
  shown = within(index, 0, last);
  const frame = frames[shown], place = `${frame.epoch} of ${frames[last].epoch}`;
  const said = updates.map((update) => update(frame)).filter(Boolean).join(", ");
  at("slider").value = shown;
  at("slider").setAttribute("aria-valuetext", `epoch ${place}`);
  at("count").textContent = place;
  at("previous").setAttribute("aria-disabled", shown === 0);
  at("next").setAttribute("aria-disabled", shown === last);
  if (!timer) at("say").textContent = `Epoch ${place}: ${said || "no numbers"}`;
}

function play(on) {
  clearInterval(timer);
  timer = on && setInterval(() => (shown === last ? play(false) : show(shown + 1)), within(12000 / last, 60, 500));
  at("play").textContent = on ? "Pause" : "Play";
  show(on && shown === last ? 0 : shown);
}

at("plane").hidden = !plane;  // before anything is measured
for (const [title, isLoss] of [["Loss", true], ["Metrics", false]]) {
  const chosen = curves.filter(({ name }) => name.endsWith("loss") === isLoss);
  if (chosen.length) chart(title, chosen);
}
if (plane) drawPlane();
drawLayers();
at("slider").max = last;
const go = (index) => { play(false); show(index); };
at("slider").addEventListener("input", () => go(Number(at("slider").value)));
for (const [id, by] of [["previous", -1], ["next", 1]]) at(id).addEventListener("click", () => go(shown + by));
at("play").addEventListener("click", () => play(!timer));
document.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: last };
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key in moves && event.target !== at("slider")) { event.preventDefault(); go(moves[event.key]); }
  if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); play(!timer); }
});
show(last);

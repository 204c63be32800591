"use strict";
// Replays a training run: the data are in <script id="data">, one frame for each epoch kept.
const data = JSON.parse(document.getElementById("data").textContent);
const { frames, plane } = data;
const at = (id) => document.getElementById(id);
const last = frames.length - 1;
const updates = [];  // what is done for each frame shown; each says its part of the announcement, or nothing
let shown = last, timer = null;

function element(name, attributes, parent, text) {
  const drawn = ["svg", "path", "line", "rect", "text", "circle"].includes(name);
  const made = document.createElementNS(`http://www.w3.org/${drawn ? "2000/svg" : "1999/xhtml"}`, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;  // never markup: names are data
  if (parent) parent.append(made);
  return made;
}
const finite = (x) => typeof x === "number";
const told = (x) => (x === null || x === undefined ? "none" : finite(x) ? String(Number(x.toPrecision(4))).replace("-", "−") : x);
const within = (x, low, high) => Math.min(Math.max(x, low), high);

function scale(values, roomy) {  // from values to 0 … 1: logarithmic where they are positive and spread tenfold
  const all = values.filter(finite);
  let low = all.length ? Math.min(...all) : 0, high = all.length ? Math.max(...all) : 1;
  const log = roomy && low > 0 && high >= 10 * low;
  if (high === low) { high += Math.abs(low) / 2 || 1; low -= Math.abs(low) / 2; }
  const bend = log ? Math.log10 : (x) => x;
  const ticks = [];
  if (log) {
    const wide = Math.ceil(bend(high / low) / 4), parts = high / low < 50 ? [1, 2, 5] : [1];
    for (let k = Math.floor(bend(low)); k <= bend(high); k += wide) ticks.push(...parts.map((m) => m * 10 ** k));
  } else {
    const rough = (high - low) / 4, ten = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * ten).find((s) => s >= rough) || rough;
    for (let k = Math.ceil(low / step); k * step <= high * (1 + 1e-9); k += 1) ticks.push(k * step);
  }
  const from = bend(low), span = bend(high) - from;
  return { log, ticks: ticks.filter((t) => t >= low && t <= high), to: (x) => (bend(x) - from) / span };
}

function axes(picture, [left, right, top, bottom], columns, across, label, rows, up) {
  element("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "frame" }, picture);
  const middle = { "text-anchor": "middle" };
  for (const x of columns) element("text", { x: across(x), y: bottom + 17, ...middle }, picture, told(x));
  for (const y of rows) element("text", { x: left - 6, y: up(y) + 4, "text-anchor": "end" }, picture, told(y));
  element("text", { x: (left + right) / 2, y: bottom + 35, ...middle }, picture, label);
}

function chart(title, curves) {
  const section = element("section", {}, at("charts"));
  element("h2", {}, section, title);
  const picture = element("svg", { viewBox: "0 0 400 230", role: "img" }, section);
  const left = 56, right = 380, top = 8, bottom = 190;
  const y = scale(curves.flatMap((c) => c.values), true);
  const epochs = data.rows.concat(frames.map((f) => f.epoch));
  const first = Math.min(...epochs), end = Math.max(...epochs, first + 1);
  const across = (epoch) => left + ((right - left) * (epoch - first)) / (end - first);
  const up = (value) => bottom - (bottom - top) * (0.04 + 0.92 * y.to(value));
  for (const tick of y.ticks) element("line", { x1: left, x2: right, y1: up(tick), y2: up(tick), class: "rule" }, picture);
  axes(picture, [left, right, top, bottom], scale([first, end]).ticks.filter(Number.isInteger), across, "epoch", y.ticks, up);
  const now = element("line", { y1: top, y2: bottom, class: "now" }, picture);
  const legend = element("ul", { class: "legend" }, section);
  const parts = curves.map((curve, i) => {
    const style = `s${i % 8} d${i % 4}`;
    let path = "", pen = "M";
    curve.values.forEach((v, k) => {
      if (finite(v)) path += `${pen}${across(data.rows[k]).toFixed(1)} ${up(v).toFixed(1)}`;
      pen = finite(v) ? "L" : "M";
    });
    element("path", { d: path, class: `curve ${style}` }, picture);
    const item = element("li", {}, legend);
    const sample = element("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" }, item);
    element("path", { d: "M0 5H28", class: `curve ${style}` }, sample);
    const dot = element("circle", { r: 4.5, class: `f${i % 8}` }, picture);
    return { curve, dot, label: element("span", {}, item) };
  });
  updates.push((frame) => {
    let k = data.rows.length - 1;
    while (k >= 0 && data.rows[k] > frame.epoch) k -= 1;
    for (const end of ["x1", "x2"]) now.setAttribute(end, across(frame.epoch));
    const said = parts.map(({ curve, dot, label }) => {
      const value = k < 0 ? null : curve.values[k];
      label.textContent = `${curve.name} ${k < 0 ? "–" : told(value)}`;
      dot.setAttribute("visibility", finite(value) ? "visible" : "hidden");
      if (finite(value)) { dot.setAttribute("cx", across(data.rows[k])); dot.setAttribute("cy", up(value)); }
      return `${curve.name} ${k < 0 ? "not measured yet" : told(value)}`;
    });
    picture.setAttribute("aria-label", `${title} over the epochs${y.log ? ", logarithmic" : ""}; now ${said.join(", ")}`);
    return said.join(", ");
  });
}

const SHAPES = [  // one for each class, so that colour is not all that tells them apart
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M-3.6-3.6h7.2v7.2h-7.2z", "M0-4.8L4.5 3.4H-4.5z", "M0-5L4.2 0L0 5L-4.2 0z",
  "M0 4.8L4.5-3.4H-4.5z", "M-1.6-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z", "M-4.6-2L0-4.8L4.6-2L2.9 4.2H-2.9z",
  "M0-5.4L1.5-1.6L5.2-1.5L2.3 0.9L3.2 4.6L0 2.5L-3.2 4.6L-2.3 0.9L-5.2-1.5L-1.5-1.6z",
];
const MAP = [[0, 34, 78], [60, 77, 110], [124, 123, 120], [187, 174, 108], [254, 232, 56]];  // cividis
const shade = (x, k = within(x, 0, 0.9999) * 4, i = Math.floor(k)) =>
  `rgb(${MAP[i].map((c, j) => Math.round(c + (k - i) * (MAP[i + 1][j] - c))).join()})`;

function drawPlane() {
  at("plane").hidden = false;
  const { side, levels, classes, range } = plane;
  const [left, right, bottom, top] = plane.limits;
  const picture = element("svg", { viewBox: "0 0 400 396", role: "img" }, at("plane"));
  const x0 = 44, y0 = 6, wide = 350, cell = wide / side;
  const across = (x) => x0 + (wide * (x - left)) / (right - left);
  const down = (y) => y0 + (wide * (top - y)) / (top - bottom);
  const regions = Array.from({ length: classes ? classes.length : levels }, (_, i) =>
    element("path", classes ? { class: `region f${i % 8}` } : { class: "height", fill: shade((i + 0.5) / levels) }, picture));
  const edge = element("path", { class: "edge" }, picture);
  for (const [x, y, t] of plane.points) {
    const place = `translate(${across(x).toFixed(1)} ${down(y).toFixed(1)})`;
    if (classes && t >= 0) element("path", { d: SHAPES[t % 8], transform: place, class: `point f${t % 8}` }, picture);
    const fill = shade((t - range[0]) / (range[1] - range[0]));
    if (!classes && finite(t)) element("circle", { r: 4, transform: place, class: "target", fill }, picture);
  }
  axes(picture, [x0, x0 + wide, y0, y0 + wide], scale([left, right]).ticks, across, "input 0", scale([bottom, top]).ticks, down);
  element("text", { transform: `translate(12 ${y0 + wide / 2}) rotate(-90)`, "text-anchor": "middle" }, picture, "input 1");
  const legend = element("ul", { class: "legend" }, at("plane"));
  const items = classes ? classes.slice(0, 12).map((name) => `class ${name}`) : [told(range[0]), told(range[1])];
  items.forEach((text, i) => {
    const item = element("li", {}, legend);
    const sample = element("svg", { viewBox: "-14 -6 28 12", "aria-hidden": "true" }, item);
    const look = classes ? { d: SHAPES[i % 8], class: `f${i % 8}` } : { d: "M-12-5h24v10h-24z", fill: shade(i) };
    element("path", look, sample);
    element("span", {}, item, text);
  });
  if (!classes) element("li", {}, legend, "circles: targets");
  updates.push((frame) => {
    const paths = regions.map(() => ""), areas = regions.map(() => 0), letters = frame.plane;
    const kind = (row, column) => letters.charCodeAt(row * side + column) - 48;
    let border = "";
    for (let row = 0; row < side; row += 1) {
      const y = (y0 + wide - (row + 1) * cell).toFixed(2);
      for (let column = 0, start = 0; column < side; column += 1) {
        const here = kind(row, column), x = (x0 + (column + 1) * cell).toFixed(2);
        if (classes && row && kind(row - 1, column) !== here) border += `M${x} ${(+y + cell).toFixed(2)}h${-cell}`;
        if (column + 1 < side && kind(row, column + 1) === here) continue;
        if (classes && column + 1 < side) border += `M${x} ${y}v${cell}`;
        if (here >= 0) {
          const from = (x0 + start * cell).toFixed(2);
          paths[here] += `M${from} ${y}H${x}v${cell}H${from}z`;
          areas[here] += column + 1 - start;
        }
        start = column + 1;
      }
    }
    regions.forEach((region, i) => region.setAttribute("d", paths[i]));
    edge.setAttribute("d", border);
    const shares = classes && classes.map((name, i) => `class ${name} on ${Math.round((100 * areas[i]) / side ** 2)} %`);
    picture.setAttribute("aria-label", classes ? `Regions of the plane: ${shares.join(", ")}` : "Surface over the plane");
  });
}

function drawLayers() {
  const norms = frames.flatMap((f) => f.gradient).filter((x) => finite(x) && x > 0);
  const most = norms.length ? Math.max(...norms) : 1, least = norms.length ? Math.min(...norms, most / 10) : 0.1;
  const long = (x) => (x > 0 ? 4 + (96 * Math.log(x / least)) / Math.log(most / least) : 0);
  const far = Math.max(...frames.flatMap((f) => f.spread.flat()).filter(finite).map(Math.abs), 1e-30);
  const place = (x) => (finite(x) ? 50 + (50 * x) / far : 50);
  const made = data.layers.map((name) => {
    const row = element("tr", {}, at("rows"));
    element("th", { scope: "row" }, row, name);
    const [gradient, weight] = [0, 1].map(() => {
      const cell = element("td", {}, row), text = element("span", {}, cell);
      const look = { viewBox: "0 0 100 8", preserveAspectRatio: "none", height: 8, "aria-hidden": "true" };
      const strip = element("svg", look, cell);
      element("rect", { y: 3.5, width: 100, height: 1, class: "ground" }, strip);
      return { text, strip };
    });
    const bar = element("rect", { height: 8, class: "bar" }, gradient.strip);
    const whisker = element("line", { y1: 4, y2: 4, class: "whisker" }, weight.strip);
    const box = element("rect", { height: 8, class: "box" }, weight.strip);
    return { gradient, weight, bar, whisker, box };
  });
  at("scales").textContent = `Gradient: bars from ${told(least)} to ${told(most)}, logarithmic. Weights: from ${told(-far)} to `
    + `${told(far)}, line from least to largest, block the middle half.${data.unshown ? ` ${data.unshown} more layers are left out.` : ""}`;
  updates.push((frame) => made.forEach(({ gradient, weight, bar, whisker, box }, i) => {
    const set = (part, look) => Object.entries(look).forEach(([key, value]) => part.setAttribute(key, value));
    const [low, quarter, , threeQuarters, high] = frame.spread[i].length ? frame.spread[i].map(place) : [50, 50, 50, 50, 50];
    gradient.text.textContent = told(frame.gradient[i]);
    weight.text.textContent = `norm ${told(frame.weight[i])}`;
    set(bar, { width: finite(frame.gradient[i]) ? long(frame.gradient[i]) : 0 });
    set(whisker, { x1: low, x2: high });
    set(box, { x: quarter, width: Math.max(threeQuarters - quarter, 1) });
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
  const advance = () => (shown === last ? play(false) : show(shown + 1));
  timer = on ? setInterval(advance, within(12000 / frames.length, 60, 500)) : null;
  at("play").textContent = on ? "Pause" : "Play";
  show(on && shown === last ? 0 : shown);
}

for (const [title, isLoss] of [["Loss", true], ["Metrics", false]]) {
  const curves = data.curves.filter((curve) => curve.name.endsWith("loss") === isLoss);
  if (curves.length) chart(title, curves);
}
if (plane) drawPlane();
drawLayers();
at("slider").max = last;
const go = (index) => { play(false); show(index); };
at("slider").addEventListener("input", () => go(Number(at("slider").value)));
at("previous").addEventListener("click", () => go(shown - 1));
at("next").addEventListener("click", () => go(shown + 1));
at("play").addEventListener("click", () => play(!timer));
document.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: last };
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key in moves && event.target !== at("slider")) { event.preventDefault(); go(moves[event.key]); }
  if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); play(!timer); }
});
show(last);

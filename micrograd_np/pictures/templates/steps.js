"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const nodes = data.nodes;

// Elements are made with textContent only: whatever stands in a name is shown, never run.
function make(tag, kind, ...parts) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...parts.filter((part) => part !== null && part !== undefined));
  return element;
}
const paragraph = (kind, ...parts) => make("p", kind, ...parts);
const code = (text) => make("code", "", text);
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const shapeOf = (view) => (view.shape.length ? view.shape.join(" × ") : "a number");
const isNumber = (view) => view.shape.length === 0;

// A small array as NumPy prints it, on one line; null for one that is large or has more than two axes.
const inline = (view) => view.text ?? null;
const count = (view) => view.shape.reduce((a, b) => a * b, 1);
function short(view) {
  const text = inline(view);
  return text !== null && text.length <= 30 ? text : `${shapeOf(view)} numbers`;
}

function arrayOf(view, label) {
  if (view.rows.length === 1 && inline(view) !== null) {
    return paragraph("", label ? `${label} = ` : "", make("span", "number", inline(view)));
  }
  const rows = view.rows.map((row) => make("tr", "", ...row.map((value) => make("td", "number", value))));
  const table = make("table", "array", ...rows);
  table.setAttribute("aria-label", `${label || "array"}, ${shapeOf(view)}`);
  const box = make("div", "wide", table);
  const all = count(view);
  const shown = view.rows.reduce((count, row) => count + row.length, 0);
  const rest = view.range
    ? paragraph("note", `${shown} of ${all} numbers; smallest ${view.range[0]}, mean ${view.range[1]}, largest ${view.range[2]}`)
    : null;
  const head = paragraph("", label || "", make("span", "shape", `  ${shapeOf(view)}, ${view.dtype}`));
  const rowNote = view.shape.length > 2 ? paragraph("note", "Each row runs along the last axis.") : null;
  return make("div", "", head, all ? box : paragraph("note", "empty"), rowNote, rest);
}

// --- the steps: every op forward, the seed, every op backward
const steps = nodes.flatMap((node, i) => (node.op || node.kind === "fold" ? [{ way: "forward", node: i }] : []));
const forwards = steps.length;
steps.push({ way: "seed", node: data.start });
data.backward.forEach((step) => steps.push({ way: "backward", ...step }));
const backwards = data.backward.length;

const afterHooks = new Map(data.gradients.filter((leaf) => leaf.hooked).map((leaf) => [leaf.node, leaf.shown]));
// what is known of each gradient after each step: the entry that last added to it, or its hooks
const known = [];
steps.forEach((step, k) => {
  const before = k ? known[k - 1] : new Map();
  if (step.way === "forward") return known.push(before);
  const after = new Map(before);
  if (step.way === "seed") after.set(step.node, { view: data.seed, part: 1, of: 1 });
  else {
    if (step.hooked) after.set(step.node, { view: step.arriving, part: 1, of: 1 });
    step.to.forEach((to) => {
      const last = to.part === to.of && afterHooks.get(to.node);
      after.set(to.node, { view: last || to.total || to.gives, part: to.part, of: to.of });
    });
  }
  known.push(after);
});

function sourceOf(node) {
  if (!node.line) return null;
  const where = node.module ? `${node.line}, in ${node.module}: ` : `${node.line}: `;
  return paragraph("note", where, code(node.source));
}

function withNumbers(text, view) {
  const result = inline(view);
  return make("div", "numbers", "with this run's numbers: ", code(result === null || result === text ? text : `${text} = ${result}`));
}

function forward(step, node) {
  if (!node.op) {
    const text = `${node.name}: computed here, and left out of this page.`;
    return [`Forward: ${text}`, [paragraph("", text)]];
  }
  const parts = [paragraph("formula", code(`${node.name} = ${node.formula}`))];
  if (node.about) parts.push(paragraph("note", `${node.op}: ${node.about}`));
  if (node.numbers) parts.push(withNumbers(node.numbers, node.value));
  parts.push(sourceOf(node), arrayOf(node.value, node.name));
  const seen = [...new Set(node.inputs)];
  if (seen.length) parts.push(make("h3", "", "made of"));
  seen.forEach((i) => parts.push(nodes[i].value ? arrayOf(nodes[i].value, nodes[i].name) : paragraph("", nodes[i].name)));
  return [`Forward: ${node.name} = ${node.formula} gives ${short(node.value)}.`, parts];
}

function seed(step, node) {
  const one = isNumber(data.seed) && data.seed.rows[0][0] === "1";
  const text = one
    ? `Backward starts at ${node.name}: its derivative by itself is 1.`
    : `Backward starts at ${node.name}, with the gradient that was given.`;
  return [text, [
    paragraph("formula", code(`∂${data.root}/∂${node.name} = ${short(data.seed)}`)),
    arrayOf(data.seed, "gradient"),
    paragraph("", "From here each op takes the gradient g that arrives at its result, and its local rule says what that means for each of its inputs."),
  ]];
}

function backward(step, node) {
  if (!node.op) {
    const text = `${node.name}: the gradient comes back through them here, and they are left out of this page.`;
    return [`Backward: ${text}`, [paragraph("", text)]];
  }
  const parts = [
    paragraph("formula", code(`${node.name} = ${node.formula}`)),
    sourceOf(node),
    make("h3", "", `arriving: g = ∂${data.root}/∂${node.name}`),
    arrayOf(step.arriving, "g"),
    step.hooked ? paragraph("why", `A hook on ${node.name} has seen this gradient, and may have changed it.`) : null,
  ];
  step.to.forEach((to) => {
    const x = to.name;
    const part = make("div", "part", make("h3", "", `on to ${x}`));
    const sign = to.of > 1 ? "+=" : "=";
    const summed = to.raw && count(to.raw) > count(to.gives); // the formula says so
    const result = summed || !to.raw ? to.gives : to.raw;
    part.append(paragraph("formula", code(`∂${data.root}/∂${x} ${sign} ${to.rule}`)));
    if (to.numbers) part.append(withNumbers(to.numbers, result));
    else if (to.example) part.append(paragraph("", `its first element${summed ? ", before the sum" : ""}: `, code(to.example)));
    const inNumbers = to.numbers && inline(result) !== null;
    if (summed || (to.raw && !inNumbers)) part.append(arrayOf(to.raw, summed ? "before the sum" : "the rule gives"));
    if (to.why) part.append(paragraph("why", `${to.why[0].toUpperCase()}${to.why.slice(1)}.`));
    if (!inNumbers || result !== to.gives) part.append(arrayOf(to.gives, to.of > 1 ? "this part" : `gradient of ${x}`));
    if (to.of > 1) {
      const left = to.of - to.part;
      const state = left ? `${plural(left, "part")} still to come` : "that was the last part";
      part.append(paragraph("why", `${x} is used ${to.of} times, so its gradient is the sum of ${to.of} parts. This is part ${to.part}; ${state}.`));
    }
    if (to.total) {
      const sum = [to.before, to.gives, to.total].map(inline);
      if (!sum.includes(null)) part.append(paragraph("", "sum so far: ", code(`${sum[0]} + ${sum[1]} = ${sum[2]}`)));
      else part.append(arrayOf(to.before, "before"), arrayOf(to.total, "sum so far"));
    }
    parts.push(part);
  });
  const names = [...new Set(step.to.map((to) => to.name))];
  const targets = names.length > 5 ? `${names.length} inputs` :
    [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");
  return [`Backward through ${node.name} = ${node.formula}: its gradient goes on to ${targets}.`, parts];
}

// --- the table of final gradients: a row for each leaf, filled as the pass reaches it
const rows = data.gradients.map((leaf) => {
  const name = make("th", "", leaf.name);
  name.scope = "row";
  const cell = make("td", "");
  $("gradients").tBodies[0].append(make("tr", "", name, cell));
  return cell;
});
function finals(step) {
  data.gradients.forEach((leaf, i) => {
    const has = known[step].get(leaf.node);
    const last = step === steps.length - 1;
    const done = leaf.shown && (last || (has && has.part === has.of));
    if (rows[i].dataset.done === String(Boolean(done)) && !(last && !leaf.shown)) return;
    rows[i].dataset.done = Boolean(done);
    if (!done) {
      rows[i].replaceChildren(make("span", "missing", last ? "none: no gradient reaches this leaf" : "not computed yet"));
      return;
    }
    const value = make("data", "", arrayOf(leaf.shown, ""));
    if (leaf.values !== null) value.value = JSON.stringify(leaf.values);
    rows[i].replaceChildren(value);
    if (leaf.uses > 1) rows[i].append(paragraph("note", `sum of ${leaf.uses} parts`));
    if (leaf.hooked) rows[i].append(paragraph("note", "after its hooks"));
    if (leaf.held) rows[i].append(paragraph("note", ".grad held something already when this page was made; backward() adds to it."));
  });
}

// --- the picture
// A box is a group of the SVG or an item of the list; its lines are a title, a value, and the gradient.
const boxes = new Map([...document.querySelectorAll("#graph .node:not(.heading)")].map((box) => [Number(box.id.slice(1)), box]));
boxes.forEach((box, i) => {
  const lines = box.querySelectorAll("text, div");
  lines[0].classList.add("label");
  if (nodes[i].gradient) lines[lines.length - 1].classList.add("gradient");
});
const edges = [...document.querySelectorAll("#graph .edge")].map((edge) => [edge, ...edge.id.slice(1).split("-").map(Number)]);
const picture = document.querySelector("#graph svg");
if (picture) {
  const width = 4 / 3 * parseFloat(picture.getAttribute("width")); // points in pixels
  const fits = 0.82 * width <= $("graph").clientWidth; // what is little too wide shrinks; what is wider scrolls
  picture.style.minWidth = `${(fits ? 0.82 : 1) * width}px`; // letters of 12 pixels
}
let lit = [];
function light(k, step) {
  lit.forEach((element) => element.classList.remove("focus", "near", "forward", "back"));
  lit = [];
  const mark = (element, kind) => { element.classList.add(kind); lit.push(element); };
  mark(boxes.get(step.node), "focus");
  const onward = step.way === "forward";
  const near = new Set(onward ? nodes[step.node].inputs : (step.to || []).map((entry) => entry.node));
  near.forEach((i) => mark(boxes.get(i), "near"));
  const bright = [...lit];
  edges.forEach(([path, from, end]) => {
    if (end === step.node && near.has(from)) mark(path, onward ? "forward" : "back");
  });
  boxes.forEach((box, i) => {
    box.classList.toggle("later", step.way === "forward" && i > step.node && nodes[i].op !== undefined);
    const line = box.querySelector(".gradient");
    if (!line) return;
    const has = known[k].get(i);
    line.classList.toggle("known", Boolean(has));
    line.textContent = !has ? "grad: not yet" : `grad ${short(has.view)}${has.part < has.of ? " + …" : ""}`;
  });
  // What lights up comes into the middle, as far as the op in focus stays in view.
  const frame = $("graph").getBoundingClientRect();
  const shown = bright.map((box) => box.getBoundingClientRect()); // now that the texts have their size
  const move = (low, high, size) => {
    const [first, last] = [Math.min(...shown.map((box) => box[low])), Math.max(...shown.map((box) => box[high]))];
    const slack = Math.max((frame[size] - shown[0][size]) / 2 - 12, 0);
    const middle = shown[0][low] + shown[0][size] / 2;
    return Math.min(Math.max((first + last) / 2, middle - slack), middle + slack) - frame[low] - frame[size] / 2;
  };
  $("graph").scrollBy(move("left", "right", "width"), move("top", "bottom", "height"));
}

let at = 0;
function go(k) {
  show(k);
  $("say").scrollIntoView({ block: "nearest" }); // under the controls: each step is read from its beginning
}
function show(k) {
  at = Math.min(Math.max(k, 0), steps.length - 1);
  const step = steps[at];
  const [said, detail] = { forward, seed, backward }[step.way](step, nodes[step.node]);
  const count = {
    forward: `forward ${at + 1} of ${forwards}`,
    seed: "backward begins",
    backward: `backward ${at - forwards} of ${backwards}`,
  }[step.way];
  $("say").textContent = said;
  $("panel-title").textContent = `${count[0].toUpperCase()}${count.slice(1)}: ${nodes[step.node].name}`;
  $("detail").replaceChildren(...detail.filter(Boolean));
  $("panel").scrollTop = 0;
  $("count").textContent = count;
  $("slider").value = at;
  $("slider").setAttribute("aria-valuetext", `${count}: ${nodes[step.node].name}`);
  $("previous").setAttribute("aria-disabled", at === 0);
  $("next").setAttribute("aria-disabled", at === steps.length - 1);
  light(at, step);
  finals(at);
}

data.folded.forEach((sentence) => $("folded").append(paragraph("", sentence)));
$("slider").max = steps.length - 1;
$("previous").addEventListener("click", () => go(at - 1));
$("next").addEventListener("click", () => go(at + 1));
$("slider").addEventListener("input", () => go(Number($("slider").value)));
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("#slider, #graph")) return;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
});
boxes.forEach((box, i) => box.addEventListener("click", () => {
  const own = steps.findIndex((step, k) => step.node === i && (step.way === "backward") === (steps[at].way !== "forward"));
  if (own >= 0) go(own);
}));
show(0);

"use strict";
(() => {
const {figure, table, list, nyquist, residuals, byId, plain, hertz} = window.eistool;
const ohm = {name: "Z", unit: "Ω"};
let open = null, turn = 0, timer = 0, chosen = "";

async function ask(path, given) {
  const reply = await fetch(path, {method: "POST", body: JSON.stringify(given)});
  const answer = await reply.json().catch(() => ({error: `the server answered ${reply.status}`}));
  if (!reply.ok) throw new Error(answer.error);
  return answer;
}
function say(text, bad = false) {
  byId("answer").textContent = text;
  byId("answer").className = bad ? "notice" : "";
}
const trouble = (error) => say(error instanceof TypeError ? "The server has stopped. Start eistool serve again; your choices are kept." : error.message, true);

// ---- choices in the form ----
const held = new Map(), limits = new Map();  // of parameters by name: value; [lower, upper], null without a limit
let rows = new Map(), fitted = "";  // sliders, and the circuit they belong to
const frequencies = () => byId("masked").value.split(",").map((part) => part.trim()).filter(Boolean).map(Number);
function choices() {
  const last = open.f.length - 1, low = Number(byId("low").value), high = Number(byId("high").value);
  const masked = frequencies();
  if (masked.some(Number.isNaN)) throw new Error("Left out: write frequencies in Hz, separated by commas");
  return {
    circuit: byId("circuit").value.trim(),
    weighting: byId("weighting").value,
    f_min_Hz: low > 0 ? open.f[last - low] * 0.999 : "",
    f_max_Hz: high < last ? open.f[last - high] * 1.001 : "",
    masked_Hz: masked,
    ...(fitted === byId("circuit").value.trim() ? {bounds: Object.fromEntries(limits), fixed: Object.fromEntries(held)} : {}),
  };
}
function fill(given) {
  const last = open.f.length - 1;
  for (const id of ["low", "high"]) { byId(id).min = 0; byId(id).max = last; }
  const place = (f, fallback) => (f ? open.f.filter((one) => one < f).length : fallback);
  byId("circuit").value = given.circuit ?? "";
  byId("weighting").value = given.weighting ?? "";
  byId("low").value = place(given.f_min_Hz, 0);
  byId("high").value = given.f_max_Hz ? place(given.f_max_Hz, last + 1) - 1 : last;
  byId("masked").value = (given.masked_Hz ?? []).join(", ");
  held.clear();
  limits.clear();
  for (const [name, ends] of Object.entries(given.bounds ?? {})) limits.set(name, ends);
  for (const [name, value] of Object.entries(given.fixed ?? {})) held.set(name, value);
  fitted = byId("circuit").value.trim();
  rows = new Map();
}

// ---- sliders: logarithmic, but for exponents ----
const STEPS = 1000;
const byCurve = () => document.querySelector('input[name="moves"]:checked').value === "curve";
const scaleOf = (row) => (row.linear ? (x) => x : Math.log);
function place(row, value) {  // the range stays while a slider moves
  const scale = scaleOf(row), [low, high] = row.ends.map(scale);
  row.value = value;
  row.slider.value = Math.round(STEPS * (scale(value) - low) / (high - low));
  row.slider.setAttribute("aria-valuetext", `${short(value)} ${row.unit}`);
  if (document.activeElement !== row.text) row.text.value = short(value);
}
const short = (value) => (value === 0 || (value >= 1e-3 && value < 1e5) ? String(Number(value.toPrecision(4))) : value.toExponential(3).replace(/\.?0*e/, "e"));
function renew(row, value) {
  const [lower, upper] = limits.get(row.name) ?? row.known;
  if (row.linear) row.ends = [lower ?? row.known[0], upper ?? row.known[1]];
  else row.ends = [Math.max(lower ?? 0, value > 0 ? value / 30 : 1e-12), Math.min(upper ?? Infinity, value > 0 ? value * 30 : 1)];
  place(row, value);
}
function showSliders(parameters) {
  if (parameters.length !== rows.size || parameters.some((one) => !rows.has(one.name))) {
    rows = new Map(parameters.map((one) => [one.name, slider(one)]));
    byId("sliders").replaceChildren(...[...rows.values()].map((row) => row.box));
  }
  for (const one of parameters) {
    const row = rows.get(one.name), scale = scaleOf(row);
    row.hold.checked = held.has(one.name);
    const [low, high] = row.ends ?? [];
    if (row.ends && (row.active || (scale(one.value) >= scale(low) && scale(one.value) <= scale(high)))) place(row, one.value);
    else renew(row, one.value);
  }
}
function slider({name, unit, lower, upper}) {
  const box = document.createElement("fieldset");
  const make = (label, properties) => Object.assign(document.createElement("input"), {ariaLabel: `${name}, ${label}`, autocomplete: "off", ...properties});
  const row = {
    name, unit, box, known: [lower, upper], linear: upper !== null && upper <= 2,
    slider: make("slider", {type: "range", min: 0, max: STEPS}), text: make(`value in ${unit || "units of 1"}`, {}), hold: make("fixed", {type: "checkbox"}),
    low: make("lower bound", {placeholder: "lower"}), high: make("upper bound", {placeholder: "upper"}),
  };
  const caption = Object.assign(document.createElement("span"), {textContent: unit ? `${name} / ${unit.replace("ohm", "Ω").replace("s^α", "sᵅ")}` : name});
  const fixed = document.createElement("label"), ends = document.createElement("span");
  fixed.append(row.hold, " fixed");
  ends.className = "ends";
  ends.append(row.low, "to", row.high);
  box.append(caption, row.slider, row.text, fixed, ends);
  [row.low.value, row.high.value] = (limits.get(name) ?? [null, null]).map((end) => (end === null ? "" : short(end)));
  row.slider.addEventListener("input", () => {
    const [low, high] = row.ends.map(scaleOf(row)), at = low + (high - low) * row.slider.value / STEPS;
    row.active = true;
    moved(row, Number((row.linear ? at : Math.exp(at)).toPrecision(5)));
  });
  row.slider.addEventListener("change", () => { row.active = false; renew(row, row.value); });
  row.text.addEventListener("change", () => {
    const value = Number(row.text.value);
    if (!(value > 0)) { say(`${name}: write a positive number`, true); return; }
    renew(row, value);
    moved(row, value);
  });
  row.hold.addEventListener("change", () => {
    if (row.hold.checked) held.set(name, row.value); else held.delete(name);
    latest(refit);
  });
  for (const end of [row.low, row.high]) end.addEventListener("change", () => {
    const given = [row.low, row.high].map((one) => (one.value.trim() === "" ? null : Number(one.value)));
    if (given.some(Number.isNaN)) { say(`${name}: write bounds as numbers, such as 0.7`, true); return; }
    if (given.every((one) => one === null)) limits.delete(name); else limits.set(name, given);
    renew(row, row.value);
    latest(refit);
  });
  return row;
}
function moved(row, value) {
  place(row, value);
  if (byCurve()) { latest(simulate); return; }
  held.set(row.name, value);
  row.hold.checked = true;
  latest(refit);
}

// ---- refit ----
async function choose(name) {
  const mine = ++turn;
  const answer = await ask("open", {name});
  if (mine !== turn) return;
  open = answer;
  byId("refit-title").textContent = `Refit of ${name}`;
  byId("circuits").replaceChildren(...answer.circuits.map((one) => Object.assign(document.createElement("option"), {value: one})));
  fill(answer.choices);
  await refit();
  if (answer.accepted) say("The choices of this sweep were accepted earlier; they are shown.");
}
async function refit() {
  if (!open) return;
  const last = open.f.length - 1;
  byId("low-text").textContent = hertz(open.f[last - Number(byId("low").value)]);
  byId("high-text").textContent = hertz(open.f[last - Number(byId("high").value)]);
  const mine = ++turn;
  const answer = await ask("refit", {name: open.name, choices: choices()});
  if (mine !== turn) return;  // a later choice is on its way
  draw(answer);
  const known = new Set(answer.sliders.map((one) => one.name)), circuit = byId("circuit").value.trim();
  const changed = fitted !== circuit;
  for (const choice of [held, limits]) for (const name of choice.keys()) if (!known.has(name)) choice.delete(name);
  fitted = circuit;
  showSliders(answer.sliders);
  if (changed && held.size + limits.size) latest(refit);  // of parameters that the new circuit has, too
  say(`${answer.status.replace("_", " ")}${answer.reason ? `: ${answer.reason}` : ""}; ${answer.quality}`);
  byId("refit-details").replaceChildren(
    ...table("Parameters of the refit", ["parameter", "value ± standard error", "unit", "status"], answer.parameters),
    ...list("Remarks on the refit", answer.flags),
  );
}
async function simulate() {
  const mine = ++turn, values = Object.fromEntries([...rows.values()].map((row) => [row.name, row.value]));
  const answer = await ask("simulate", {name: open.name, choices: choices(), values});
  if (mine !== turn) return;
  draw(answer);
  say(`${answer.status}; ${answer.quality}`);
}
let busy = false, next = null;
async function latest(work) {  // one request at a time; of several moves the last one counts
  next = work;
  if (busy) return;
  busy = true;
  while (next) {
    const now = next;
    next = null;
    try { await now(); } catch (error) { trouble(error); }
  }
  busy = false;
}
function draw(answer) {
  const curve = {
    id: 0, name: open.name, f: open.f, re: open.re, im: open.im, fitRe: answer.fit_re, fitIm: answer.fit_im, used: answer.used,
    mask: answer.used.map((used) => (used ? "" : "left out")), kkRe: [], kkIm: [], marks: [],
  };
  figure("refit-nyquist", () => nyquist([curve], ohm, false), "Click a point to leave it out, or to use it again.");
  figure("refit-residuals", () => residuals(curve, false), answer.quality);
  const plot = byId("refit-nyquist").querySelector(".plot");
  setTimeout(() => {
    if (!plot.on || plot.dataset.listens) return;
    plot.dataset.listens = "true";
    plot.on("plotly_click", (event) => toggle(event.points[0]));
  }, 300);
}
function toggle(point) {
  const f = open.f[point.pointNumber], known = frequencies();
  if (point.data.customdata === undefined) return;  // not a measured point
  const kept = known.filter((one) => Math.abs(one / f - 1) > 1e-6);
  byId("masked").value = (kept.length < known.length ? kept : [...known, f]).join(", ");
  later(0);
}
function later(wait = 60) {
  clearTimeout(timer);
  timer = setTimeout(() => latest(refit), wait);
}
byId("choices").addEventListener("input", (event) => {
  if (!["circuit", "weighting", "low", "high", "masked"].includes(event.target.id)) return;
  later(event.target.type === "range" ? 0 : 400);
});
byId("moves").addEventListener("change", () => {
  byId("accept").disabled = byCurve();
  byId("accept").title = byCurve() ? "A curve without a fit cannot be accepted" : "";
  if (open && !byCurve()) latest(refit);
});
byId("choices").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    say((await ask("accept", {name: open.name, choices: choices()})).message);
  } catch (error) { trouble(error); }
});
byId("compare").addEventListener("click", async () => {
  try {
    const circuits = [byId("circuit").value.trim(), ...byId("others").value.split(/\s+/)].filter(Boolean);
    const {ranked} = await ask("compare", {name: open.name, choices: choices(), circuits});
    byId("refit-details").prepend(...table("Circuits, the best first", ["circuit", "ΔBIC", "state", "reduced χ²"], ranked.map((one) => [one.circuit, one.delta_bic === null ? "" : one.delta_bic.toFixed(1), one.status, one.chi2])));
    say(`${ranked.length} circuits compared on ${open.name}.`);
  } catch (error) { trouble(error); }
});

// ---- files ----
async function read(file) {
  try {
    const reply = await fetch(`drop?name=${encodeURIComponent(file.name)}`, {method: "POST", body: file});
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.error);
    const select = byId("dropped");
    select.replaceChildren(...answer.names.map((name) => Object.assign(document.createElement("option"), {value: name, textContent: name})));
    select.parentElement.hidden = false;
    await choose(answer.names[0]);
  } catch (error) { trouble(error); }
}
byId("file").addEventListener("change", (event) => { if (event.target.files[0]) read(event.target.files[0]); });
byId("dropped").addEventListener("change", (event) => choose(event.target.value).catch(trouble));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) { read(event.dataTransfer.files[0]); byId("refit").scrollIntoView(); }
});

document.addEventListener("sweep", (event) => {
  if (event.detail === chosen) return;  // another quantity or overlay
  chosen = event.detail;
  choose(chosen).catch(trouble);
});
const first = byId("sweep-table")?.querySelector("tr.current a");
if (first) { chosen = first.textContent; choose(chosen).catch(trouble); }
let stamp = null;
setInterval(async () => {
  try {
    const now = (await (await fetch("state")).json()).stamp;
    if (stamp !== null && now !== stamp) byId("news").hidden = false;
    stamp = now;
  } catch { /* the server has stopped; the next choice says so */ }
}, 3000);
})();

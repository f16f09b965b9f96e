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
function pairs(text, value) {
  const entries = text.split(",").map((part) => part.trim()).filter(Boolean).map((part) => {
    const [name, rest] = part.split("=");
    const given = rest === undefined ? NaN : value(rest);
    if ([given].flat().some(Number.isNaN)) throw new Error(`${part}: write for instance CPE1.alpha=0.7:1 or R0=12`);
    return [name.trim(), given];
  });
  return Object.fromEntries(entries);
}
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
    bounds: pairs(byId("bounds").value, (text) => text.split(":").map(Number)),
    fixed: pairs(byId("fixed").value, Number),
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
  byId("bounds").value = Object.entries(given.bounds ?? {}).map(([name, ends]) => `${name}=${ends.join(":")}`).join(", ");
  byId("fixed").value = Object.entries(given.fixed ?? {}).map(([name, value]) => `${name}=${value}`).join(", ");
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
  say(`${answer.status.replace("_", " ")}${answer.reason ? `: ${answer.reason}` : ""}; ${answer.quality}`);
  byId("refit-details").replaceChildren(
    ...table("Parameters of the refit", ["parameter", "value ± standard error", "unit", "status"], answer.parameters),
    ...list("Remarks on the refit", answer.flags),
  );
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
  timer = setTimeout(() => refit().catch(trouble), wait);
}
byId("choices").addEventListener("input", (event) => {
  if (event.target.id === "others" || event.target.type === "file" || event.target.id === "dropped") return;
  later(event.target.type === "range" ? 30 : 400);
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

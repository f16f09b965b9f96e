"use strict";
(() => {
const byId = (id) => document.getElementById(id);
const root = document.documentElement;
const number = (value) => value !== null && Number.isFinite(value);
// plotly reads a subset of HTML in its texts
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const short = (name) => plain(name.length > 34 ? `…${name.slice(-33)}` : name);
const THEMES = {
  light: {ink: "#1b1f24", grid: "#e3e7eb", axis: "#8b949e", paper: "#ffffff", data: "#0b5394", fit: "#c8381f", read: "#00704f", second: "#b36b00", shade: "#eef0f2"},
  dark: {ink: "#e6e9ed", grid: "#2b323a", axis: "#6b7580", paper: "#14181d", data: "#6cb3f5", fit: "#ff8f78", read: "#48d1a0", second: "#f0b35c", shade: "#20262d"},
};
const SERIES_COLOURS = {  // Okabe and Ito, distinguishable by colour-blind readers
  light: ["#0072b2", "#d55e00", "#007a5a", "#b04a8a", "#946c00", "#1f8fc4", "#555555", "#7a3e9d"],
  dark: ["#56b4e9", "#ff8a3d", "#2fc79a", "#e68fc4", "#e0b020", "#9fd3f2", "#b8bec5", "#c59ae0"],
};
const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [220, 210, 40]];
const theme = () => THEMES[root.dataset.theme];
const colour = (i) => SERIES_COLOURS[root.dataset.theme][i % 8];
const along = (share) => {
  const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1), i = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return `rgb(${VIRIDIS[i].map((low, k) => Math.round(low + (place - i) * (VIRIDIS[i + 1][k] - low))).join(",")})`;
};

// ---- compressed contents ----
const loaded = new Map();
function load(id) {
  if (!loaded.has(id)) loaded.set(id, inflate(id));
  return loaded.get(id);
}
async function inflate(id) {
  const text = byId(id).textContent.trim();
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
function failed(error) {
  const notice = byId("problem");
  notice.textContent = `Details cannot be shown: ${error.message}. A browser of 2023 or later is needed.`;
  notice.hidden = false;
}

// ---- units ----
const PREFIXES = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"]];
const prefix = (largest) => PREFIXES.find(([scale]) => largest >= scale * 0.999) ?? [1e-6, "µ"];
function hertz(f) {
  const [scale, name] = PREFIXES.find(([size]) => f >= size * 0.999) ?? [1e-3, "m"];
  return `${Number((f / scale).toPrecision(3))} ${name}Hz`;
}
const QUANTITIES = {
  none: {name: "Z", unit: "Ω", factor: () => 1},
  area: {name: "Z·A", unit: "Ω cm²", factor: (g) => g.area},
  length: {name: "Z/L", unit: "Ω/cm", factor: (g) => g.length && 1 / g.length},
  constant: {name: "Z·A/L", unit: "Ω cm", factor: (g) => g.constant && 1 / g.constant},
};
const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

// ---- figures: drawn when they come into view ----
const figures = new Map();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const figure = figures.get(entry.target.id);
    if (!figure) continue;
    figure.visible = entry.isIntersecting;
    if (figure.visible) draw(entry.target.id);
  }
}, {rootMargin: "200px"});

function figure(id, contents, summary = "") {
  const place = byId(id);
  place.hidden = !contents;
  if (!contents) { figures.delete(id); return; }
  const known = figures.get(id);
  figures.set(id, {contents, stale: true, visible: known?.visible ?? false});
  place.querySelector(".summary").textContent = summary;
  const caption = place.querySelector("figcaption").firstChild.textContent;
  place.querySelector(".plot").setAttribute("aria-label", `${caption}. ${summary}`);
  if (!place.querySelector(".tools")) addTools(place, caption);
  if (known?.visible) draw(id);
  watcher.unobserve(place);
  watcher.observe(place);
}
function draw(id) {
  const known = figures.get(id);
  if (!known?.stale) return;
  known.stale = false;
  const {data, layout} = known.contents();
  const touch = matchMedia("(pointer: coarse)").matches;  // a drag scrolls the page
  Plotly.react(byId(id).querySelector(".plot"), data, finish(layout), {displayModeBar: false, responsive: true, scrollZoom: false})
    .catch(failed);
  function finish(given) {
    const t = theme(), narrow = byId(id).clientWidth < 480;
    const axes = Object.fromEntries(Object.keys(given).filter((name) => /^[xy]axis/.test(name)).map((name) => [name, {
      gridcolor: t.grid, linecolor: t.axis, zerolinecolor: t.axis, tickcolor: t.axis, showline: true, ticks: "outside", ticklen: 4,
      zeroline: false, exponentformat: "power", ...(name.startsWith("x") && given[name].type === "log" ? {dtick: narrow ? 2 : 1} : {}), ...given[name],
      title: {standoff: 6, ...given[name].title, text: given[name].title?.text ?? "", font: {size: narrow ? 12 : 14}},
      automargin: !given.yaxis.scaleanchor,  // both change the size of the plot
    }]));
    return {
      paper_bgcolor: t.paper, plot_bgcolor: t.paper, font: {color: t.ink, size: narrow ? 11 : 13, family: "system-ui, sans-serif"},
      margin: {l: 70, r: 15, t: 12, b: 48}, hovermode: "closest", dragmode: touch ? false : "zoom",
      hoverlabel: {bgcolor: t.shade, font: {color: t.ink}},
      legend: {orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: {size: narrow ? 10 : 12}},
      ...given, ...axes,
    };
  }
}
function redraw() {
  for (const [id, known] of figures) {
    known.stale = true;
    if (known.visible) draw(id);
  }
}
function addTools(place, caption) {
  const tools = document.createElement("span");
  tools.className = "tools";
  const plot = place.querySelector(".plot");
  const add = (text, label, action) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", `${label}: ${caption}`);
    button.title = label;
    button.addEventListener("click", action);
    tools.append(button);
  };
  add("+", "Zoom in", () => zoom(plot, 0.7));
  add("−", "Zoom out", () => zoom(plot, 1 / 0.7));
  if (place.id === "nyquist") add("HF", "HF, show the high frequencies", () => closeUp(plot));
  add("Reset", "Reset the axes", () => { figures.get(place.id).stale = true; Plotly.purge(plot); draw(place.id); });
  add("SVG", "Save as SVG", () => Plotly.downloadImage(plot, {format: "svg", filename: place.id, width: 700, height: 500}));
  place.querySelector("figcaption").append(tools);
}
function zoom(plot, factor) {
  const update = {};
  for (const name of Object.keys(plot._fullLayout).filter((key) => /^[xy]axis\d*$/.test(key))) {
    const axis = plot._fullLayout[name];
    if (axis.matches || axis.overlaying) continue;
    const [low, high] = axis.range.map(Number), middle = (low + high) / 2, half = factor * (high - low) / 2;
    update[`${name}.range`] = [middle - half, middle + half];
  }
  Plotly.relayout(plot, update);
}
function closeUp(plot) {
  const points = plot.data.filter((one) => one.mode === "markers" && one.customdata).flatMap((one) => one.x.slice(0, 5).map((x, i) => [x, one.y[i]]));
  const reach = 2.2 * Math.min(...points.filter(([x]) => number(x)).map(([x]) => Math.abs(x)));
  if (plot._fullLayout.xaxis.type === "linear" && reach > 0) Plotly.relayout(plot, {"xaxis.range": [-0.1 * reach, reach], "yaxis.range": [-0.3 * reach, 0.8 * reach]});
}
const axis = (text, more = {}) => ({title: {text}, ...more});

// ---- tables ----
function table(title, columns, rows, open = true) {
  if (!rows.length) return [];
  const details = document.createElement("details"), scroll = document.createElement("div"), grid = document.createElement("table");
  details.open = open;
  const summary = document.createElement("summary"), heading = document.createElement("h3");
  heading.textContent = title;
  heading.style.display = "inline";
  summary.append(heading);
  const head = grid.createTHead().insertRow();
  for (const name of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = grid.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const text of row) {
      const cell = line.insertCell();
      cell.textContent = text;
      if (String(text).length > 48) cell.className = "long";
    }
  }
  scroll.className = "scroll tall";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", title);
  scroll.append(grid);
  details.append(summary, scroll);
  return [details];
}
function list(title, items) {
  if (!items.length) return [];
  const heading = document.createElement("h3"), lines = document.createElement("ul");
  heading.textContent = title;
  for (const text of items) lines.append(Object.assign(document.createElement("li"), {textContent: text}));
  return [heading, lines];
}
function facts(title, pairs) {
  if (!pairs.length) return [];
  const heading = document.createElement("h3"), lines = document.createElement("dl");
  heading.textContent = title;
  for (const [name, text] of pairs) {
    lines.append(Object.assign(document.createElement("dt"), {textContent: name}), Object.assign(document.createElement("dd"), {textContent: text}));
  }
  return [heading, lines];
}

// ---- one sweep ----
const overlays = new Set();
let current = 0, turn = 0;

async function showSweep(id) {
  current = id;
  const mine = ++turn;
  const shown = await Promise.all([id, ...[...overlays].filter((other) => other !== id)].map((one) => load(`sweep-${one}`)));
  if (mine !== turn) return;  // another sweep was chosen meanwhile
  const [sweep] = shown;
  document.dispatchEvent(new CustomEvent("sweep", {detail: sweep.name}));
  document.querySelectorAll("#sweep-table tr.current").forEach((row) => { row.classList.remove("current"); row.querySelector("a").removeAttribute("aria-current"); });
  byId(`row-${id}`).classList.add("current");
  byId(`row-${id}`).querySelector("a").setAttribute("aria-current", "true");
  byId("sweep-title").textContent = sweep.name;
  byId("verdict").textContent = sweep.verdict;
  byId("clear").hidden = !overlays.size;
  offerQuantities(sweep.geometry);
  const quantity = QUANTITIES[chosen("quantity")], logarithmic = byId("logarithmic").checked;
  const curves = shown.map((one, i) => scaled(one, quantity, i)).filter((one) => one.f.length && number(one.factor) && one.factor > 0);
  const has = (name) => curves.length > 0 && curves[0].id === 0 && curves[0][name].length > 0;
  const points = sweep.curve.f.length, masked = sweep.curve.mask.filter(Boolean).length;
  const range = points ? `${points} points from ${hertz(sweep.curve.f[points - 1])} to ${hertz(sweep.curve.f[0])}` : "";
  figure("nyquist", curves.length && (() => nyquist(curves, quantity, logarithmic)), `${range}${masked ? `, ${masked} of them not used` : ""}. Numbers at points are frequencies.`);
  figure("bode", curves.length && (() => bode(curves, quantity)), "Modulus above, phase below.");
  figure("residuals", has("fitRe") && (() => residuals(curves[0], false)), sweep.quality);
  figure("kk", has("kkRe") && (() => residuals(curves[0], true)), sweep.kk);
  const drts = shown.filter((one) => one.drt);
  figure("drt", sweep.drt && (() => distribution(drts, logarithmic)), "γ with its 95 % band; shaded: outside the measured window.");
  byId("details").replaceChildren(
    ...list("Remarks", sweep.flags),
    ...list("Remarks on the distribution", sweep.drt_flags),
    ...table("Conductivity", ["quantity", "σ", "R / Ω", "remarks"], sweep.conductivity),
    ...table("Resistances", ["quantity", "value", "remarks"], sweep.sums),
    ...table("Processes", ["process", "R", "apex", "τ / s", "α", "C / F", "assignment", "remarks"], sweep.processes),
    ...table(sweep.circuit ? `Parameters of ${sweep.circuit}` : "Parameters", ["parameter", "value", "unit", "95 % interval", "role", "remarks"], sweep.parameters),
    ...table("Peaks of the distribution", ["τ / s", "frequency", "R", "probability", "shape", "remarks"], sweep.peaks.map((peak) => peak.cells)),
    ...table("Readings, without a circuit", ["quantity", "value", "frequency", "remarks"], sweep.readings),
    ...facts("Measurement", sweep.facts),
    ...pointsTable(sweep.curve),
  );
}
window.eistool = {figure, table, list, nyquist, residuals, byId, plain, hertz, failed};  // for the page of eistool serve
function pointsTable(curve) {
  const columns = ["frequency / Hz", "Re Z / Ω", "−Im Z / Ω", "fit: Re Z / Ω", "fit: −Im Z / Ω", "not used because"];
  const text = (value) => (number(value ?? null) ? String(Number(value.toPrecision(5))) : "");
  const rows = curve.f.map((f, i) => [text(f), text(curve.re[i]), text(-curve.im[i]), text(curve.fitRe[i]), text(number(curve.fitIm[i] ?? null) ? -curve.fitIm[i] : null), curve.mask[i]]);
  return table("Points", columns, rows, false);
}
function offerQuantities(geometry) {
  for (const input of document.querySelectorAll('input[name="quantity"]')) {
    const known = number(QUANTITIES[input.value].factor(geometry) ?? null);
    input.disabled = !known;
    input.parentElement.classList.toggle("off", !known);
    input.parentElement.title = known ? "" : "Needs thickness and diameter or area in samples.csv";
    if (!known && input.checked) document.querySelector('input[name="quantity"][value="none"]').checked = true;
  }
}
function scaled(sweep, quantity, id) {
  const factor = quantity.factor(sweep.geometry) ?? null, c = sweep.curve;
  const times = (values) => values.map((value) => (number(value) ? factor * value : null));
  return {
    id, factor, name: sweep.name, f: c.f, used: c.mask.map((reason) => !reason), mask: c.mask,
    re: times(c.re), im: times(c.im), fitRe: times(c.fitRe), fitIm: times(c.fitIm), kkRe: c.kkRe, kkIm: c.kkIm,
    marks: sweep.marks.map((mark) => ({label: mark.label, re: factor * mark.re, im: factor * mark.im})),
  };
}
const pick = (values, which) => values.map((value, i) => (which[i] ? value : null));
const negative = (values) => values.map((value) => (number(value) ? -value : null));

function nyquist(curves, quantity, logarithmic) {
  const t = theme(), several = curves.length > 1, frame = square(curves);
  const [scale, unitPrefix] = prefix(frame.largest), unit = unitPrefix + quantity.unit;
  const over = (values) => values.map((value) => (number(value) && !(logarithmic && value <= 0) ? value / scale : null));
  const data = [];
  for (const [i, curve] of curves.entries()) {
    const main = several ? colour(i) : t.data, x = over(curve.re), y = over(negative(curve.im));
    const unused = curve.used.map((used) => !used);
    const common = {type: "scatter", customdata: curve.f.map(hertz), hovertemplate: `%{customdata}<br>Re %{x:.4g} ${unit}<br>−Im %{y:.4g} ${unit}<extra>${short(curve.name)}</extra>`};
    if (curve.fitRe.length) data.push({type: "scatter", mode: "lines", name: "fit", showlegend: !several, x: pick(over(curve.fitRe), curve.used), y: pick(over(negative(curve.fitIm)), curve.used), line: {color: several ? main : t.fit, width: 1.8}, hoverinfo: "skip", connectgaps: false});
    data.push({...common, mode: "markers", name: several ? short(curve.name) : "measured", x: pick(x, curve.used), y: pick(y, curve.used), marker: {color: main, size: 6.5}});
    if (unused.some(Boolean)) data.push({...common, mode: "markers", name: "not used", showlegend: !several, x: pick(x, unused), y: pick(y, unused), text: curve.mask.map(plain), hovertemplate: `${common.hovertemplate.replace("<extra>", "<br>not used: %{text}<extra>")}`, marker: {color: main, size: 7, symbol: "circle-open"}});
  }
  const first = curves[0];
  if (!several) {
    const labels = decades(first, frame);
    data.push({type: "scatter", mode: "markers+text", name: "frequency", x: over(labels.map((l) => l.re)), y: over(labels.map((l) => -l.im)), text: labels.map((l) => l.text), textposition: labels.map((l) => l.side), textfont: {size: 11, color: t.ink}, marker: {color: t.paper, size: 9, line: {color: t.data, width: 2.4}}, hoverinfo: "skip", showlegend: false, cliponaxis: false});
    if (first.marks.length) data.push({type: "scatter", mode: "markers", name: "read", x: over(first.marks.map((m) => m.re)), y: over(first.marks.map((m) => -m.im)), text: first.marks.map((m) => plain(m.label)), hovertemplate: "%{text}<extra></extra>", marker: {color: t.read, size: 12, symbol: "cross", line: {color: t.paper, width: 1}}});
  }
  const type = logarithmic ? "log" : "linear";
  const x = logarithmic ? {} : {range: [frame.left / scale, (frame.left + frame.side) / scale]};
  const y = logarithmic ? {} : {range: [frame.bottom / scale, (frame.bottom + frame.side) / scale]};
  return {data, layout: {
    xaxis: axis(`Re ${quantity.name} / ${unit}`, {type, ...x}),
    yaxis: axis(`−Im ${quantity.name} / ${unit}`, {type, scaleanchor: "x", scaleratio: 1, zeroline: true, ...y}),
  }};
}
function square(curves) {
  const xs = [], ys = [];
  for (const curve of curves) {
    const any = curve.used.some(Boolean);
    curve.f.forEach((_, i) => {
      if (any && !curve.used[i]) return;
      for (const [re, im] of [[curve.re[i], curve.im[i]], [curve.fitRe[i], curve.fitIm[i]]]) if (number(re ?? null) && number(im ?? null)) { xs.push(re); ys.push(-im); }
    });
  }
  let [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(0, ...ys), Math.max(...ys)];
  if (left < 0.25 * right) left = Math.min(0, left);
  const side = Math.max(right - left, top - bottom) || 1, margin = 0.06 * side;
  return {left: left - margin, bottom: bottom - margin, side: side + 2 * margin, largest: Math.max(Math.abs(left), Math.abs(right), Math.abs(bottom), Math.abs(top))};
}
function decades(curve, frame) {
  const apart = (innerWidth < 480 ? 0.34 : 0.14) * frame.side;
  const labels = [], usable = curve.f.map((f, i) => i).filter((i) => curve.used[i] && curve.f[i] > 0);
  for (let decade = 12; decade >= -7; decade -= 1) {
    const i = usable.reduce((best, k) => (best === null || Math.abs(Math.log10(curve.f[k]) - decade) < Math.abs(Math.log10(curve.f[best]) - decade) ? k : best), null);
    if (i === null || Math.abs(Math.log10(curve.f[i]) - decade) > 0.1) continue;
    const place = usable.indexOf(i), a = usable[Math.max(place - 1, 0)], b = usable[Math.min(place + 1, usable.length - 1)];
    const dx = curve.re[b] - curve.re[a], dy = curve.im[a] - curve.im[b], slope = Math.abs(dy) / Math.max(Math.abs(dx), 1e-300);
    const right = curve.re[i] < frame.left + 0.8 * frame.side;
    const side = slope > 1.7 ? `middle ${right ? "right" : "left"}` : slope < 0.3 ? "top center" : `top ${dx * dy > 0 ? "left" : "right"}`;
    const label = {re: curve.re[i], im: curve.im[i], text: hertz(10 ** decade), side};
    if (labels.every((other) => Math.abs(other.re - label.re) > apart || Math.abs(other.im - label.im) > 0.06 * frame.side)) labels.push(label);
  }
  return labels;
}
function bode(curves, quantity) {
  const t = theme(), several = curves.length > 1, data = [];
  const modulus = (re, im) => re.map((value, i) => (number(value) && number(im[i]) ? Math.hypot(value, im[i]) : null));
  const phase = (re, im) => re.map((value, i) => (number(value) && number(im[i]) ? -Math.atan2(im[i], value) * 180 / Math.PI : null));
  for (const [i, curve] of curves.entries()) {
    const main = several ? colour(i) : t.data, symbol = curve.used.map((used) => (used ? "circle" : "circle-open"));
    for (const [values, yaxis, what, unit] of [[modulus, "y", `|${quantity.name}|`, quantity.unit], [phase, "y2", "−phase", "°"]]) {
      data.push({type: "scatter", mode: "markers", x: curve.f, y: values(curve.re, curve.im), yaxis, name: several ? short(curve.name) : "measured", showlegend: yaxis === "y", marker: {color: main, size: 5.5, symbol}, customdata: curve.f.map(hertz), hovertemplate: `%{customdata}<br>${what} %{y:.4g} ${unit}<extra>${short(curve.name)}</extra>`});
      if (curve.fitRe.length) data.push({type: "scatter", mode: "lines", x: curve.f, y: pick(values(curve.fitRe, curve.fitIm), curve.used), yaxis, name: "fit", showlegend: !several && yaxis === "y", line: {color: several ? main : t.fit, width: 1.6}, hoverinfo: "skip"});
    }
  }
  return {data, layout: {
    xaxis: axis("frequency / Hz", {type: "log", anchor: "y2"}),
    yaxis: axis(`|${quantity.name}| / ${quantity.unit}`, {type: "log", domain: [0.54, 1]}),
    yaxis2: axis("−phase / °", {domain: [0, 0.46]}),
  }};
}
function residuals(curve, kk) {
  const t = theme(), data = [];
  const difference = (z, fit, i) => {
    const size = Math.hypot(curve.re[i], curve.im[i]);
    return number(z[i]) && number(fit[i]) && size > 0 ? 100 * (z[i] - fit[i]) / size : null;
  };
  for (const [name, values, fill, symbol] of [
    ["real", (i) => (kk ? 100 * curve.kkRe[i] : difference(curve.re, curve.fitRe, i)), t.data, "circle"],
    ["imaginary", (i) => (kk ? 100 * curve.kkIm[i] : difference(curve.im, curve.fitIm, i)), t.second, "square"],
  ]) {
    const y = curve.f.map((_, i) => (curve.used[i] ? values(i) : null));
    data.push({type: "scatter", mode: "lines+markers", name, x: curve.f, y, line: {color: fill, width: 1}, marker: {color: fill, size: 5.5, symbol}, customdata: curve.f.map(hertz), hovertemplate: `%{customdata}<br>${name} %{y:.3g} %<extra></extra>`});
  }
  const largest = Math.max(0.2, ...data.flatMap((one) => one.y).filter(number).map(Math.abs));
  return {data, layout: {xaxis: axis("frequency / Hz", {type: "log"}), yaxis: axis(kk ? "residual / % of |Z|" : "(Z − fit) / % of |Z|", {range: [-1.12 * largest, 1.12 * largest], zeroline: true})}};
}
function gammaAt(drt, tau) {
  const i = Math.max(1, drt.tau.findIndex((one) => one >= tau));
  const share = Math.log(tau / drt.tau[i - 1]) / Math.log(drt.tau[i] / drt.tau[i - 1]);
  return drt.gamma[i - 1] + Math.min(Math.max(share, 0), 1) * (drt.gamma[i] - drt.gamma[i - 1]);
}
function distribution(sweeps, logarithmic) {
  const t = theme(), several = sweeps.length > 1, data = [], shapes = [];
  const inside = (drt, i) => !number(drt.window[0]) || !number(drt.window[1]) || (drt.tau[i] >= drt.window[0] && drt.tau[i] <= drt.window[1]);
  const highest = Math.max(...sweeps.map((sweep) => {
    const free = sweep.peaks.map((peak) => peak.height).filter(number).map(Math.abs);
    return free.length ? Math.max(...free) : Math.max(...sweep.drt.gamma.filter((_, i) => inside(sweep.drt, i)), 1e-12);
  }));
  const [scale, unitPrefix] = prefix(highest);
  const over = (values) => values.map((value) => (number(value) && !(logarithmic && value <= 0) ? value / scale : null));
  for (const [i, sweep] of sweeps.entries()) {
    const main = several ? colour(i) : t.data, drt = sweep.drt;
    if (!several) {
      const floor = logarithmic ? drt.low.map((low) => Math.max(low, 1e-4 * highest)) : drt.low;
      data.push({type: "scatter", mode: "lines", x: drt.tau, y: over(floor), line: {width: 0}, hoverinfo: "skip", showlegend: false});
      data.push({type: "scatter", mode: "lines", name: "95 % band", x: drt.tau, y: over(drt.high), line: {width: 0}, fill: "tonexty", fillcolor: root.dataset.theme === "dark" ? "rgba(108,179,245,0.25)" : "rgba(11,83,148,0.2)", hoverinfo: "skip"});
    }
    data.push({type: "scatter", mode: "lines", name: several ? short(sweep.name) : "γ", x: drt.tau, y: over(drt.gamma), line: {color: main, width: 2}, customdata: drt.tau.map((tau) => hertz(1 / (2 * Math.PI * tau))), hovertemplate: `τ %{x:.3g} s, %{customdata}<br>γ %{y:.4g} ${unitPrefix}Ω<extra>${several ? short(sweep.name) : ""}</extra>`});
    if (several) continue;
    const atoms = sweep.peaks.filter((peak) => !number(peak.height)), free = sweep.peaks.filter((peak) => number(peak.height));
    const hover = (peaks) => ({text: peaks.map((peak) => plain(peak.label)), hovertemplate: "τ %{x:.3g} s<br>%{text}<extra>peak</extra>"});
    if (free.length) data.push({type: "scatter", mode: "markers", name: "peak", x: free.map((peak) => peak.tau), y: over(free.map((peak) => gammaAt(drt, peak.tau))), ...hover(free), marker: {color: t.fit, size: 9}});
    if (atoms.length) {
      const top = highest * 1.2 / scale;
      data.push({type: "scatter", mode: "markers", name: "pure RC", x: atoms.map((peak) => peak.tau), y: atoms.map((peak) => (peak.R < 0 ? -top : top)), ...hover(atoms), marker: {color: t.fit, size: 11, symbol: atoms.map((peak) => (peak.R < 0 ? "triangle-down" : "triangle-up"))}});
      for (const peak of atoms) shapes.push({type: "line", x0: peak.tau, x1: peak.tau, y0: 0, y1: peak.R < 0 ? -top : top, line: {color: t.fit, width: 1.5}});
    }
    for (const [x0, x1] of [[drt.tau[0], drt.window[0]], [drt.window[1], drt.tau[drt.tau.length - 1]]]) {
      if (number(x0) && number(x1) && x1 > x0) shapes.push({type: "rect", x0, x1, y0: 0, y1: 1, yref: "paper", fillcolor: t.shade, line: {width: 0}, layer: "below"});
    }
  }
  const deepest = Math.min(0, ...sweeps.flatMap((sweep) => sweep.peaks.filter((peak) => peak.R < 0).map((peak) => peak.height ?? -highest)));
  const range = logarithmic ? [Math.log10(1e-3 * highest / scale), Math.log10(2 * highest / scale)] : [Math.min(-0.03 * highest, 1.3 * deepest) / scale, 1.35 * highest / scale];
  const first = sweeps[0].drt;
  return {data, layout: {shapes, xaxis: axis("τ / s", {type: "log", range: [Math.log10(first.tau[0]), Math.log10(first.tau[first.tau.length - 1])]}), yaxis: axis(`γ / ${unitPrefix}Ω per unit of ln τ`, {type: logarithmic ? "log" : "linear", range, zeroline: !logarithmic})}};
}

// ---- overview of sweeps ----
function prepareSweeps() {
  const body = byId("sweep-table").tBodies[0], rows = [...body.rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const idOf = (row) => Number(row.id.slice(4));
  const go = (id) => showSweep(id).catch(failed);
  const filter = () => {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean), state = byId("state").value;
    let n = 0;
    for (const row of rows) {
      const fits = !state || (state === "kk" ? row.dataset.kk === "not passed" : row.dataset.state === state);
      row.hidden = !(fits && words.every((word) => texts.get(row).includes(word)));
      n += !row.hidden;
    }
    byId("matches").textContent = `${n} of ${rows.length} sweeps`;
  };
  byId("search").addEventListener("input", filter);
  byId("state").addEventListener("change", filter);
  const collator = new Intl.Collator("en", {numeric: true});
  document.querySelectorAll("#sweep-table thead th").forEach((heading, column) => {
    heading.querySelector("button")?.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      document.querySelectorAll("#sweep-table thead th[aria-sort]").forEach((other) => other.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keys = new Map(rows.map((row) => [row, row.cells[column].dataset.key ?? row.cells[column].textContent.trim()]));
      const compare = (a, b) => {
        const [p, q] = [keys.get(a), keys.get(b)];
        if (p === "" || q === "") return (p === "") - (q === "");  // empty cells last
        const order = Number.isNaN(Number(p)) || Number.isNaN(Number(q)) ? collator.compare(p, q) : Number(p) - Number(q);
        return down ? -order : order;
      };
      body.append(...[...body.rows].sort(compare));
    });
  });
  body.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) go(idOf(link.closest("tr")));
  });
  body.addEventListener("change", (event) => {
    const id = idOf(event.target.closest("tr"));
    if (event.target.checked) overlays.add(id); else overlays.delete(id);
    go(current);
  });
  const step = (by) => {
    const visible = [...body.rows].filter((row) => !row.hidden), at = visible.findIndex((row) => idOf(row) === current);
    if (visible.length) go(idOf(visible[(at + by + visible.length) % visible.length]));
  };
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("clear").addEventListener("click", () => {
    overlays.clear();
    body.querySelectorAll("input:checked").forEach((box) => { box.checked = false; });
    go(current);
  });
  for (const id of ["quantity", "logarithmic"]) byId(id).addEventListener("change", () => go(current));
  if (rows.length) go(idOf(rows[0]));
}

// ---- samples ----
async function prepareSamples() {
  const {samples} = await load("samples-0");
  const show = () => {
    const which = Number(byId("sample").value), shown = which < 0 ? samples : [samples[which]];
    const n = shown.reduce((sum, sample) => sum + sample.points.length, 0);
    figure("arrhenius", n > 0 && (() => arrhenius(shown, chosen("ordinate") === "product")), `${n} conductivities; ${shown.flatMap((sample) => sample.lines.map((line) => `${sample.name}, ${line.quantity}: ${line.label}`)).join("; ")}. Bars: one standard uncertainty; bands: 95 % of the lines.`);
    byId("sample-details").replaceChildren(...shown.flatMap((sample) => table(`Conductivities of ${sample.name}`, ["spectrum", "T / °C", "quantity", "σ", "R / Ω", "remarks"], sample.rows, shown.length === 1)));
  };
  byId("sample").addEventListener("change", show);
  byId("ordinate").addEventListener("change", show);
  show();
}
function arrhenius(samples, product) {
  const data = [], kelvin = (T) => T + 273.15, x = (T) => 1000 / kelvin(T);
  let i = 0, temperatures = [];
  for (const sample of samples) {
    for (const quantity of new Set(sample.points.map((point) => point.quantity))) {
      const points = sample.points.filter((point) => point.quantity === quantity), line = sample.lines.find((one) => one.quantity === quantity);
      const name = plain(samples.length > 1 ? `${sample.name}, ${quantity}` : quantity), paint = colour(i);
      const factor = (T) => (product ? kelvin(T) : 1);
      temperatures = temperatures.concat(points.map((point) => point.T));
      data.push({type: "scatter", mode: "markers", name, legendgroup: String(i), x: points.map((p) => x(p.T)), y: points.map((p) => p.sigma * factor(p.T)), error_y: {type: "data", array: points.map((p) => p.u * factor(p.T)), color: paint, thickness: 1.2, width: 3}, marker: {color: paint, size: 8, symbol: points.map((p) => (p.open ? "circle-open" : "circle"))}, text: points.map((p) => plain(p.name)), customdata: points.map((p) => p.T), hovertemplate: `%{text}<br>%{customdata:.1f} °C<br>%{y:.4g} ${product ? "S K/cm" : "S/cm"}<extra>${name}</extra>`});
      if (line?.low.every(number)) {
        const edge = {type: "scatter", mode: "lines", legendgroup: String(i), showlegend: false, x: line.T.map(x), line: {width: 0}, hoverinfo: "skip"};
        const end = (values) => values.map((sigma, k) => sigma * factor(line.T[k]));
        data.push({...edge, y: end(line.low)}, {...edge, y: end(line.high), fill: "tonexty", fillcolor: `${paint}33`});
      }
      if (line) data.push({type: "scatter", mode: "lines", name: plain(line.label), legendgroup: String(i), x: line.T.map(x), y: line.sigma.map((sigma, k) => sigma * factor(line.T[k])), line: {color: paint, width: 1.5}, hoverinfo: "skip"});
      i += 1;
    }
  }
  const [low, high] = [Math.min(...temperatures), Math.max(...temperatures)];
  const margin = 0.06 * (x(low) - x(high)) || 0.05, range = [x(high) - margin, x(low) + margin];
  const ticks = [-100, -80, -60, -40, -20, 0, 20, 40, 60, 80, 100, 150, 200, 300, 400, 500, 600, 800, 1000].filter((T) => x(T) >= range[0] && x(T) <= range[1]);
  data.push({type: "scatter", x: [x(low)], y: [null], xaxis: "x2", showlegend: false, hoverinfo: "skip"});  // the upper axis needs a trace
  return {data, layout: {
    xaxis: axis("1000 K / T", {range}),
    xaxis2: axis("T / °C", {overlaying: "x", side: "top", matches: "x", range, tickvals: ticks.map(x), ticktext: ticks.map(String), showgrid: false}),
    yaxis: axis(product ? "σT / (S K/cm)" : "σ / (S/cm)", {type: "log"}),
    legend: {orientation: "h", y: -0.2, yanchor: "top", x: 0}, margin: {l: 70, r: 15, t: 50, b: 50},
  }};
}

// ---- series ----
async function prepareSeries() {
  const show = async () => {
    const series = await load(`series-${byId("which-series").value}`);
    const known = series.tracks.length > 0;
    const found = series.events.filter((event) => event.status === "confirmed").length;
    figure("tracks-R", known && (() => tracks(series, false)), `${series.members.length} spectra, ${series.tracks.length} processes, ${found} confirmed events. Bars: 95 %; open triangles: upper limits.`);
    figure("tracks-tau", known && (() => tracks(series, true)), "Bars: 95 %. Vertical lines are events: solid if confirmed.");
    const members = spread(series.members.filter((member) => byId(`sweep-${member.id}`)), 24);
    const sweeps = await Promise.all(members.map((member) => load(`sweep-${member.id}`)));
    const measured = sweeps.map((sweep, i) => ({...scaled(sweep, QUANTITIES.none, i), at: members[i].at})).filter((curve) => curve.f.length);
    figure("waterfall", measured.length > 1 && (() => waterfall(measured, series)), `${measured.length} of ${series.members.length} spectra, each shifted upwards.`);
    figure("map", series.map && (() => map(series)), "Joint distribution of the series; lines: time constants of the processes.");
    byId("series-details").replaceChildren(
      ...table("Events", ["event", "process", "at", "state", "R", "τ / s", "evidence", "remarks"], series.events.map((event) => event.cells)),
      ...table("Summary", ["quantity", "spectra", "minimum", "maximum", "trend", "reversible share", "growth law", "Ea / eV"], series.summary),
    );
  };
  const safe = () => show().catch(failed);
  byId("which-series").addEventListener("change", safe);
  safe();
}
function spread(items, most) {
  if (items.length <= most) return items;
  return Array.from({length: most}, (_, i) => items[Math.round(i * (items.length - 1) / (most - 1))]);
}
function ticksOf(series, most = 12) {
  const shown = spread(series.members, most);
  return {tickvals: shown.map((member) => member.index), ticktext: shown.map((member) => plain(member.at))};
}
function eventMarks(series, vertical) {
  const t = theme(), dash = {confirmed: "solid", tentative: "dash", edge: "dot"};
  return series.events.map((event) => {
    const at = event.index - 0.5, line = {color: event.status === "confirmed" ? t.fit : t.axis, width: 1.5, dash: dash[event.status] ?? "dot"};
    return vertical ? {type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "paper", line} : {type: "line", x0: 0, x1: 1, xref: "paper", y0: at, y1: at, line};
  });
}
function tracks(series, tau) {
  const data = [];
  const resistances = series.tracks.flatMap((track) => track.R).filter((R) => number(R) && R > 0);
  const largest = Math.max(...resistances, 1e-9), [scale, unitPrefix] = tau ? [1, ""] : prefix(largest);
  const wide = !tau && largest / Math.min(...resistances, largest) > 30;
  for (const [i, track] of series.tracks.entries()) {
    const paint = colour(i), values = tau ? track.tau : track.R, errors = tau ? track.uTau : track.uR;
    data.push({type: "scatter", mode: "lines+markers", name: plain(track.id), legendgroup: track.id, x: track.index, y: values.map((value) => (number(value) ? value / scale : null)), connectgaps: false, line: {color: paint, width: 1.2}, marker: {color: paint, size: 6.5, symbol: track.status.map((status) => (status ? "circle-open" : "circle"))}, error_y: {type: "data", symmetric: false, array: errors.map((u) => (number(u) ? 1.96 * u / scale : 0)), arrayminus: errors.map((u, k) => (number(u) && number(values[k]) ? Math.min(1.96 * u, 0.9 * values[k]) / scale : 0)), color: paint, thickness: 1, width: 2}, text: track.index.map((index) => plain(series.members[index]?.name ?? "")), hovertemplate: `%{text}<br>%{y:.4g} ${tau ? "s" : `${unitPrefix}Ω`}<extra>${plain(track.id)}</extra>`});
    const limits = track.limit.map((limit, k) => (number(track.R[k]) || !number(limit) || limit > 1.5 * largest ? null : limit / scale));
    if (!tau && limits.some(number)) data.push({type: "scatter", mode: "markers", name: `${plain(track.id)} below`, legendgroup: track.id, x: track.index, y: limits, marker: {color: paint, symbol: "triangle-down-open", size: 8}, hovertemplate: `below %{y:.3g} ${unitPrefix}Ω (95 %)<extra>${plain(track.id)}</extra>`});
  }
  const y = tau || wide ? {type: "log"} : {rangemode: "tozero"};
  return {data, layout: {xaxis: axis(series.axis, ticksOf(series)), yaxis: axis(tau ? "τ / s" : `R / ${unitPrefix}Ω`, y), shapes: eventMarks(series, true)}};
}
function waterfall(curves, series) {
  const frame = square(curves), [scale, unitPrefix] = prefix(frame.largest), lift = 0.07 * frame.side, data = [];
  for (const [i, curve] of curves.entries()) {
    const paint = along(i / Math.max(curves.length - 1, 1));
    data.push({type: "scatter", mode: "lines+markers", name: plain(curve.at), x: pick(curve.re, curve.used).map((v) => (number(v) ? v / scale : null)), y: pick(curve.im, curve.used).map((v) => (number(v) ? (i * lift - v) / scale : null)), marker: {color: paint, size: 4}, line: {color: paint, width: 1}, customdata: curve.f.map(hertz), hovertemplate: `${plain(curve.at)}<br>%{customdata}<extra>${short(curve.name)}</extra>`});
  }
  return {data, layout: {xaxis: axis(`Re Z / ${unitPrefix}Ω`), yaxis: axis(`−Im Z / ${unitPrefix}Ω, shifted`, {scaleanchor: "x", scaleratio: 1}), legend: {title: {text: plain(series.axis)}, font: {size: 10}, traceorder: "reversed"}, margin: {l: 70, r: 10, t: 12, b: 48}}};
}
function map(series) {
  const t = theme(), {tau, gamma} = series.map, largest = Math.max(...gamma.flat().filter(number));
  const floor = Math.log10(largest / 300), z = gamma.map((row) => row.map((value) => (value > 0 ? Math.max(Math.log10(value), floor) : floor)));
  const data = [{type: "heatmap", x: tau, y: gamma.map((_, i) => i), z, zmin: floor, zmax: Math.log10(largest), customdata: gamma, colorscale: "Viridis", colorbar: {title: {text: "lg(γ/Ω)"}, thickness: 12}, hovertemplate: "τ %{x:.3g} s<br>γ %{customdata:.4g} Ω<extra></extra>"}];
  for (const track of series.tracks) {
    const there = track.R.map((R) => number(R));
    data.push({type: "scatter", mode: "lines+markers", name: plain(track.id), showlegend: false, x: track.tau.map((value, i) => (there[i] ? value : null)), y: track.index, line: {color: "#ffffff", width: 1.2}, marker: {color: "#ffffff", size: 5, line: {color: "#000000", width: 1}}, hovertemplate: `τ %{x:.3g} s<extra>${plain(track.id)}</extra>`});
  }
  return {data, layout: {xaxis: axis("τ / s", {type: "log", range: [Math.log10(tau[0]), Math.log10(tau[tau.length - 1])]}), yaxis: axis(series.axis, {...ticksOf(series), range: [-0.5, gamma.length - 0.5]}), shapes: eventMarks(series, false).map((shape) => ({...shape, line: {...shape.line, color: "#ffffff"}})), paper_bgcolor: t.paper}};
}

// ---- theme, paper ----
function setTheme(name) {
  root.dataset.theme = name;
  byId("theme").textContent = name === "dark" ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", `Use ${name === "dark" ? "light" : "dark"} colours`);
}
setTheme(root.dataset.theme);
byId("theme").addEventListener("click", () => { setTheme(root.dataset.theme === "dark" ? "light" : "dark"); redraw(); });
let screenTheme = null, opened = [];
addEventListener("beforeprint", () => {
  screenTheme = root.dataset.theme;
  opened = [...document.querySelectorAll("#details details:not([open])")].slice(0, -1);
  opened.forEach((one) => { one.open = true; });
  setTheme("light");
  for (const [id, known] of figures) {
    known.stale = true;
    draw(id);
    Plotly.relayout(byId(id).querySelector(".plot"), {width: 320, height: 290});
  }
});
addEventListener("afterprint", () => {
  opened.forEach((one) => { one.open = false; });
  setTheme(screenTheme ?? root.dataset.theme);
  for (const id of figures.keys()) Plotly.purge(byId(id).querySelector(".plot"));
  redraw();
});

if (byId("sweep-table")) prepareSweeps();
if (byId("samples")) prepareSamples().catch(failed);
if (byId("series")) prepareSeries().catch(failed);
root.dataset.ready = "true";
})();

"use strict";

// The page's data lie in it as JSON. Whatever comes from there is text: it is set as textContent, or escaped for Plotly.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const safe = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const colours = ["#2f6fdb", "#e07b39", "#3f9b63", "#b04a9a", "#c9a227", "#5b6b7a", "#d64545", "#2aa6a6", "#8a63d2", "#7d8f2a"];

// ---- light and dark
const asksDark = window.matchMedia("(prefers-color-scheme: dark)");
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  drawAll();
}
byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
asksDark.addEventListener("change", () => setTheme(asksDark.matches ? "dark" : "light"));

const cut = (value) => (typeof value === "number" ? Number(value.toPrecision(4)) : String(value).length > 24 ? `${String(value).slice(0, 23)}...` : value);
// The last two parts of a key say enough below an axis; the whole key is in the table, and where one points.
const shortKey = (key) => cut(String(key).split(".").slice(-2).join("."));

// ---- curves
function smoothed(values, weight) {
  let mean = 0;
  return values.map((value, index) => {
    mean = weight * mean + (1 - weight) * value;
    return mean / (1 - Math.pow(weight, index + 1));
  });
}

function tracesOf(chart, weight) {
  const traces = [];
  chart.series.forEach((one, index) => {
    const colour = colours[index % colours.length];
    const name = safe(one.name);
    if (one.low && chart.series.length <= 3) {
      const edge = { x: one.x, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
      traces.push({ ...edge, y: one.low }, { ...edge, y: one.high, fill: "tonexty", fillcolor: colour + "33" });
    }
    const marks = one.x.length < 60 ? "lines+markers" : "lines";
    if (weight > 0 && !chart.metric) {
      traces.push({ x: one.x, y: one.y, mode: "lines", line: { color: colour, width: 1 }, opacity: 0.25, hoverinfo: "skip", showlegend: false });
    }
    const y = weight > 0 && !chart.metric ? smoothed(one.y, weight) : one.y;
    traces.push({ x: one.x, y, name, hoverlabel: { namelength: -1 }, mode: marks, line: { color: colour, width: 2 }, marker: { size: 5 } });
  });
  return traces;
}

// Values that are all the same would stand in a range of 2.
function rangeOf(chart) {
  const [first, ...rest] = chart.series.flatMap((one) => one.y);
  return first && rest.every((value) => value === first) && !byId("log").checked ? { range: [0, 2 * first].sort((a, b) => a - b) } : {};
}

function layoutOf(chart) {
  const style = getComputedStyle(document.documentElement);
  const [text, line, warn] = ["--text", "--line", "--warn"].map((name) => style.getPropertyValue(name).trim());
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
  const events = chart.overSamples === false ? [] : data.notices || [];
  return {
    margin: { l: 56, r: 12, t: 8, b: 36 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: text, size: 12 },
    hovermode: chart.series.length > colours.length ? "closest" : "x unified",
    hoverlabel: { bgcolor: style.getPropertyValue("--card").trim(), font: { color: text } },
    showlegend: chart.series.length > 1 && chart.series.length <= colours.length,
    legend: { traceorder: "normal", orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 11 } },
    xaxis: { ...axis, title: { text: "samples seen", font: { size: 11 } } },
    yaxis: { ...axis, type: byId("log").checked ? "log" : "linear", ...rangeOf(chart) },
    shapes: events.map((one) => ({ type: "line", xref: "x", yref: "paper", x0: one.samples_seen, x1: one.samples_seen, y0: 0, y1: 1, line: { color: warn, width: 1, dash: "dot" } })),
    annotations: events.map((one, index) => ({ x: one.samples_seen, y: 1, yref: "paper", text: String(index + 1), showarrow: false, font: { color: warn, size: 11 }, hovertext: safe(one.text) })),
  };
}

const places = [];
function addCharts() {
  for (const chart of data.charts) {
    const card = document.createElement("div");
    card.className = "card";
    const title = document.createElement("h3");
    title.textContent = chart.title + (chart.better ? ` (${chart.better} is better)` : "");
    const place = document.createElement("div");
    place.className = "chart";
    card.append(title, place);
    byId("charts").append(card);
    places.push([place, chart]);
  }
}

function drawAll() {
  const weight = Number(byId("smooth").value) / 100;
  byId("smooth-said").textContent = weight ? weight.toFixed(2) : "none";
  for (const [place, chart] of places) {
    Plotly.react(place, tracesOf(chart, weight), layoutOf(chart), { displayModeBar: false, responsive: true });
  }
  if (data.parallel) drawParallel();
}

// ---- parallel coordinates: an axis for each setting that varied, a line for each run, dark where the run is good
function drawParallel() {
  const { runs, axes, better } = data.parallel;
  const placed = axes.map(({ values }) => {
    const numbers = values.every((value) => typeof value === "number");
    const order = numbers ? values : [...new Set(values.map(String))];
    const [least, most] = numbers ? [Math.min(...values), Math.max(...values)] : [0, order.length - 1];
    return values.map((value) => ((numbers ? value : order.indexOf(String(value))) - least) / (most - least || 1));
  });
  const said = axes.flatMap(({ values }, x) => {
    const heights = new Map(values.map((value, run) => [placed[x][run], value]));
    const shown = [...heights.keys()].sort((a, b) => Math.abs(b - 0.5) - Math.abs(a - 0.5)).slice(0, 8)
      .filter((y, place, before) => before.slice(0, place).every((other) => Math.abs(other - y) > 0.1));
    return shown.map((y) => ({ x, y, text: safe(cut(heights.get(y))), showarrow: false, xanchor: x ? "right" : "left", xshift: x ? -6 : 6, yshift: 8 }));
  });
  const goal = placed[placed.length - 1];
  const traces = runs.map((name, run) => {
    const good = better === "lower" ? 1 - goal[run] : goal[run];
    const text = axes.map((axis) => `${safe(axis.name)}: ${safe(axis.values[run])}`).join("<br>");
    return {
      x: axes.map((_, index) => index), y: placed.map((axis) => axis[run]), name: safe(name), mode: "lines+markers",
      line: { color: colours[0], width: 1 + 2 * good }, opacity: 0.2 + 0.8 * good, showlegend: false,
      hovertemplate: `${safe(name)}<br>${text}<extra></extra>`,
    };
  });
  const layout = layoutOf({ series: [], overSamples: false });
  Plotly.react(byId("parallel"), traces, {
    ...layout,
    hovermode: "closest",
    annotations: said,
    margin: { ...layout.margin, l: 12 },
    xaxis: { ...layout.xaxis, title: undefined, ticklabeloverflow: "allow", range: [-0.25, axes.length - 0.75], tickvals: axes.map((_, index) => index), ticktext: axes.map((axis) => safe(shortKey(axis.name))) },
    yaxis: { ...layout.yaxis, type: "linear", showticklabels: false, showgrid: false, range: [-0.08, 1.15] },
  }, { displayModeBar: false, responsive: true });
}

byId("smooth").addEventListener("input", drawAll);
byId("log").addEventListener("change", drawAll);

// ---- samples through training
function showSamples() {
  const one = data.samples[Number(byId("when").value)];
  byId("samples").src = one.source;
  byId("when-said").textContent = `${one.seen.toLocaleString("en")} samples seen`;
}
if (byId("when") && data.samples.length) {
  byId("when").max = data.samples.length - 1;
  byId("when").value = data.samples.length - 1;
  byId("when").addEventListener("input", showSamples);
  let playing = null;
  byId("play").addEventListener("click", () => {
    clearInterval(playing);
    playing = playing ? null : setInterval(() => {
      byId("when").value = (Number(byId("when").value) + 1) % data.samples.length;
      showSamples();
    }, 400);
    byId("play").textContent = playing ? "Stop" : "Play";
  });
  const rows = Math.ceil(data.captions.length / data.columns);
  byId("samples").addEventListener("pointermove", (event) => {
    const box = event.target.getBoundingClientRect();
    const [column, row] = [[event.clientX - box.left, box.width, data.columns], [event.clientY - box.top, box.height, rows]]
      .map(([at, size, count]) => Math.min(count - 1, Math.max(0, Math.floor((at / size) * count))));
    byId("tile-said").textContent = data.captions[row * data.columns + column] || "";
  });
  showSamples();
}

for (const button of document.querySelectorAll("button[data-copies]")) {
  button.addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(byId(button.dataset.copies));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    document.execCommand("copy");
    button.textContent = "Copied";
  });
}

if (data.parallel) byId("parallel-card").hidden = false;
addCharts();
setTheme(asksDark.matches ? "dark" : "light");

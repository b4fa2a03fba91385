// What reading a running experiment came to, health first.
import { change, el, moment } from "./dom.js";
import { interval, mark } from "./interval.js";
import { head } from "./run.js";

const MOOD = { stop_and_ship: "good", ramp: "good", continue: "wait", extend: "more", roll_back: "bad", stop_for_health: "bad" };
const GOOD = new Set(["improved", "cleared"]), BAD = new Set(["worsened", "crossed"]);
const UNITS = { switchback: "windows", store_cluster: "stores", customer: "customers" };
const words = (text) => text.replaceAll("_", " ");
const count = (value) => Math.round(value).toLocaleString("en");

export function reading(report, plan) {
  const guardrails = report.metrics.filter((one) => one.role === "guardrail");
  const others = report.metrics.filter((one) => one.role !== "guardrail");
  return el("div", {},
    health(report.health), decision(report.decision), progress(report),
    el("h4", {}, "Progress against the target"), metrics(others, plan),
    el("p", { class: "soft" }, el("span", { class: "key zero" }), "no effect", el("span", { class: "key" }), "target", el("span", { class: "key limit" }), "limit"),
    lift(report.lift),
    guardrails.length > 0 && el("h4", {}, "Guardrails, by bounds that hold at every reading"),
    guardrails.length > 0 && metrics(guardrails, plan),
    el("h4", {}, "Looks at the primary metric"), looks(report.looks),
    ...report.warnings.map((text) => el("p", { class: "medium", role: "note" }, `Note: ${text}`)),
    el("p", { class: "soft" }, `Read as of ${moment(report.as_of)}.`));
}

function health(checks) {
  const failed = checks.filter((one) => !one.passed).length;
  const title = failed ? `${failed} of ${checks.length} health checks failed: nothing is read for benefit` : `Healthy: ${checks.length} of ${checks.length} checks hold`;
  return el("details", { open: failed > 0 }, el("summary", { class: failed ? "failed" : "done" }, `${failed ? "✗" : "✓"} ${title}`),
    checklist(checks.map((one) => ({ met: one.passed, text: `${one.name}: ${one.text}` }))));
}

export function checklist(items) {
  return el("ul", { class: "checks" }, ...items.map((one) =>
    el("li", {}, el("span", { class: one.met ? "done" : "failed" }, one.met ? "✓ " : "✗ "), one.text)));
}

function decision(made) {
  return el("div", { class: `decision ${MOOD[made.action]}` },
    el("p", {}, el("strong", {}, words(made.action).toUpperCase()), ` ${made.reason}`),
    el("p", {}, el("strong", {}, "Next: "), made.next_step));
}

function progress({ progress: now, unit }) {
  const look = now.next_look_day === null ? "" : `; next look on day ${now.next_look_day}`;
  return el("p", {},
    el("progress", { max: now.days_planned, value: Math.min(now.day, now.days_planned), "aria-label": `day ${now.day} of ${now.days_planned}` }),
    ` ${words(now.stage)} stage, day ${now.day} of ${now.days_planned}, ${now.days_left} days left${look}. `,
    el("span", { class: "soft" }, `${count(now.units)} ${UNITS[unit]} (${count(now.units_needed)} needed), ${count(now.orders)} orders, `
      + `${(100 * now.exposure_share).toFixed(1)} % of them under the treatment.`));
}

function metrics(readings, plan) {
  return el("div", { class: "scroll" }, el("table", {}, head("metric", "effect", "interval", "held against", "status"),
    el("tbody", {}, ...readings.map((one) => metric(one, plan)))));
}

function metric(one, plan) {
  const held = mark(one, plan), name = GOOD.has(one.status) ? "done" : BAD.has(one.status) ? "failed" : "";
  const between = one.low === null ? null : el("div", { class: "soft" }, `${change(one.unit, one.low)} to ${change(one.unit, one.high)}`);
  const reached = one.target_share === null ? "" : `, ${Math.round(100 * one.target_share)} % of it`;
  return el("tr", {}, el("td", {}, words(one.metric), el("div", { class: "soft" }, one.role)),
    el("td", {}, change(one.unit, one.effect), between), el("td", {}, interval(one, plan) || "–"),
    el("td", {}, held ? `${held.name} ${change(one.unit, held.value)}${reached}` : "–"),
    el("td", {}, el("span", { class: name }, words(one.status)), one.text && el("div", { class: "soft" }, one.text)));
}

function lift(gained) {
  if (!gained) return null;
  const index = gained.cx_index === null ? "" : ` CX index ${change("score", gained.cx_index)} (${change("score", gained.cx_index_low)} to ${change("score", gained.cx_index_high)}).`;
  return el("p", {}, el("strong", {}, "Gained so far: "), `until day ${gained.as_of_day} ${count(gained.outcomes_saved)} outcomes saved (${count(gained.outcomes_saved_low)} to `
    + `${count(gained.outcomes_saved_high)}) of ${count(gained.treated_trials)} under the treatment.${index}`);
}

function looks(readings) {
  const said = (one) => (one.z === null ? one.text || "not yet" : (one.crossed ? `crossed: ${one.crossed}` : "within the bound")
    + (one.randomisation_p === null ? "" : `, p ${one.randomisation_p.toFixed(4)} by drawing the arms again`));
  return el("div", { class: "scroll" }, el("table", {}, head("day", "standard errors from zero", "bound", "result"), el("tbody", {}, ...readings.map((one) =>
    el("tr", {}, el("td", {}, one.day), el("td", {}, one.z === null ? "–" : one.z.toFixed(2)), el("td", {}, one.z_bound.toFixed(2)), el("td", {}, said(one)))))));
}

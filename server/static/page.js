import { call, follow } from "./api.js";
import { amount, el, moment, place } from "./dom.js";
import { ExperimentPanel } from "./experiment.js";
import { RunView } from "./run.js";

const list = document.getElementById("incidents");
const detail = document.getElementById("detail");
const state = document.getElementById("state");
let stop = () => {};
let shown = null;

const severity = (name) => el("span", { class: `severity ${name}` }, name);

function row(item) {
  const { incident } = item;
  return el("li", {}, el("a", { href: `#${item.id}`, "aria-current": String(item.id === shown) },
    severity(incident.severity), el("strong", {}, incident.metric.replaceAll("_", " ")),
    el("div", {}, place(incident.slice)),
    incident.planned && el("div", { class: "soft" }, `planned: ${incident.planned}`),
    el("div", { class: "soft" }, `${amount(incident.metric, incident.baseline)} → ${amount(incident.metric, incident.current)} since ${moment(incident.onset)}`),
    el("div", { class: "soft" }, `${item.status}${item.closed_as ? ` as ${item.closed_as.replaceAll("_", " ")}` : ""}${item.cause ? `, cause ${item.cause.replaceAll("_", " ")}` : ""}${item.latest_run ? `, run ${item.latest_run.status}` : ""}`)));
}

async function loadList() {
  let wait = 30000;
  try {
    const page = await call("/api/v1/incidents?limit=200");
    const searching = page.detection === "waiting" || page.detection === "running";
    state.textContent = searching ? "Looking for incidents …" : page.detection === "failed" ? `No detection: ${page.detail}` : page.detail;
    list.replaceChildren(...page.items.map(row));
    if (!page.items.length && !searching) list.append(el("li", { class: "empty" }, "No incidents."));
    if (searching) wait = 1500;
    if (!shown && !location.hash && page.items.length) location.replace(`#${page.items[0].id}`);
  } catch (error) {
    state.textContent = `The service does not answer: ${error.message}`;
    wait = 3000;
  }
  clearTimeout(loadList.timer);
  loadList.timer = setTimeout(loadList, wait);
}

async function start(id, button) {
  button.disabled = true;
  try {
    await call(`/api/v1/incidents/${encodeURIComponent(id)}/investigations`, {
      method: "POST", headers: { "Idempotency-Key": crypto.randomUUID() },
    });
    await open(id);
    loadList();
  } catch (error) {
    button.disabled = false;
    button.after(el("p", { class: "failed", role: "alert" }, error.message));
  }
}

async function open(id) {
  stop();
  shown = id;
  let item;
  try {
    item = await call(`/api/v1/incidents/${encodeURIComponent(id)}`);
  } catch (error) {
    detail.replaceChildren(el("p", { class: "failed", role: "alert" }, error.message));
    return;
  }
  const { incident, latest_run: run } = item;
  const busy = run && (run.status === "queued" || run.status === "running");
  const button = el("button", { type: "button", disabled: busy, onclick: () => start(id, button) }, run ? "Investigate again" : "Investigate");
  detail.replaceChildren(
    el("h2", {}, severity(incident.severity), `${incident.metric.replaceAll("_", " ")} in ${place(incident.slice)}`),
    el("p", {}, `${amount(incident.metric, incident.baseline)} before, ${amount(incident.metric, incident.current)} since ${moment(incident.onset)}; ${incident.affected_orders.toLocaleString("en")} orders. `, el("span", { class: "soft" }, incident.id)),
    button);
  const panel = new ExperimentPanel(item, { onChange: () => { open(id); loadList(); } });
  detail.append(panel.root);
  panel.load();
  for (const link of list.querySelectorAll("a")) link.setAttribute("aria-current", String(link.hash === `#${id}`));
  if (!run) return;
  const view = new RunView(run, () => { button.disabled = false; button.textContent = "Investigate again"; panel.runEnded(); loadList(); });
  detail.append(view.root);
  stop = follow(run.id, { onEvent: (event) => view.take(event), onState: (name) => view.connection(name) });
}

addEventListener("hashchange", () => { if (location.hash) open(decodeURIComponent(location.hash.slice(1))); });
await loadList();
if (location.hash) open(decodeURIComponent(location.hash.slice(1)));

// The experiment of an incident: what is tried, how it stands, and what may be done about it.
import { call, send } from "./api.js";
import { el, moment, place } from "./dom.js";
import { checklist, reading } from "./reading.js";

const words = (text) => text.replaceAll("_", " ");
const TONE = { running: "low", rolled_out: "done", permanent: "done", stopped: "soft", planned: "medium" };

export class ExperimentPanel {
  constructor(item, { onChange }) {
    this.base = `/api/v1/incidents/${encodeURIComponent(item.id)}/experiments`;
    this.plan = `/api/v1/incidents/${encodeURIComponent(item.id)}/experiment-plan`;
    this.open = item.status !== "resolved";
    this.onChange = onChange;
    this.root = el("section", { class: "panel", hidden: true, "aria-label": "Experiment" });
  }

  load() { this.loading = this.fetch(); }

  // A run has ended, perhaps with a plan; its report is stored a moment later. What is shown already stays.
  async runEnded() {
    await this.loading;
    for (let tries = 5; this.root.hidden && tries > 0; tries -= 1) {
      await this.fetch();
      if (this.root.hidden) await new Promise((resolve) => setTimeout(resolve, 700));
    }
  }

  async fetch() {
    try {
      const page = await call(`${this.base}?limit=20`);
      this.mayChange = page.may_change;
      if (page.items.length) await this.show(page.items, page.items[0]);
      else if (this.mayChange && this.open && await call(this.plan).then(() => true, () => false)) this.offer();
    } catch (error) {
      if (error.status !== 403) this.draw(this.refusal(error)); // who may not read experiments sees none
    }
  }

  draw(...nodes) {
    this.root.hidden = false;
    this.root.replaceChildren(...nodes.filter(Boolean));
  }

  offer() {
    const key = crypto.randomUUID(); // pressed twice, it starts once
    this.draw(el("h3", {}, "Experiment"), el("p", {}, "Nothing is being tried yet."),
      this.button("Start from the plan", () => send(this.base, undefined, { key })));
  }

  async show(all, one) {
    this.one = one;
    const { plan } = one, body = el("div", {}, el("p", { class: "soft" }, "Reading the experiment …"));
    this.said = el("div", { role: "status" });
    this.standing = el("div", {});
    this.draw(
      el("h3", {}, `Experiment ${one.id} `, el("span", { class: `severity ${TONE[one.status]}` }, words(one.status))),
      el("p", {}, `${plan.title}, in ${place(plan.scope)}; ${words(plan.unit)}, ${plan.days} days, sized to see ${plan.mde_pp.toFixed(1)} pp. `,
        el("span", { class: "soft" }, [one.follows && `Goes on from ${one.follows}.`, `${one.assigned_rows.toLocaleString("en")} rows assigned.`].filter(Boolean).join(" "))),
      body, this.actions(), this.said, this.earlier(all, one));
    body.replaceChildren(...(await this.read(one)));
  }

  async read(one) {
    if (one.status === "planned") return [el("p", {}, "Not begun: it runs from the first rows of its assignment on.")];
    try {
      const report = one.rolled_out_on || await call(`${this.at()}/reading`);
      this.ships = report.decision.action === "stop_and_ship";
      const parts = [reading(report, one.plan)];
      if (one.in_force_since) this.standing.replaceChildren(...await this.resolution(one));
      return [...parts, this.standing];
    } catch (error) {
      return [this.refusal(error)];
    }
  }

  async resolution(one) {
    const found = one.resolution || await call(`${this.at()}/resolution`);
    return [el("h4", {}, found.closed_as ? "Fixed" : "Not fixed yet"),
      el("p", {}, `In force for all orders since ${moment(one.in_force_since)}.`), checklist(found.conditions),
      el("p", { hidden: one.status === "permanent" }, el("strong", {}, "Next: "), found.next_step)];
  }

  at() { return `${this.base}/${encodeURIComponent(this.one.id)}`; }

  actions() {
    const { status } = this.one;
    if (!this.mayChange) return null;
    const begun = status !== "planned", live = status === "running" || status === "rolled_out";
    return el("div", { class: "actions" },
      live && this.button("Make permanent", () => this.permanent()),
      (status === "planned" || status === "running") && this.ask("Adjust plan", () => this.planForm((asked) => send(`${this.at()}/plan`, asked, { method: "PUT", seen: this.one.version })),
        begun && "The plan of a running experiment is fixed, so that nothing is decided by peeking; create a follow-up."),
      begun && this.ask("Create follow-up", () => this.planForm((asked) => send(`${this.at()}/follow-up`, asked))),
      (status === "planned" || live) && this.ask("Add assignment", () => this.fileForm()),
      (status === "planned" || status === "running") && this.ask("Stop", () => this.stopForm()));
  }

  // Two steps: first all orders, then, once the slice is back in its band, the incident is closed.
  async permanent() {
    if (this.one.status === "running" && this.ships) { this.said.replaceChildren(this.rollOutForm()); return false; }
    try {
      return await send(`${this.at()}/permanent`, undefined, { seen: this.one.version });
    } catch (error) { // refused by the newest days: what is shown of the conditions is as new
      if (error.code === "not_fixed" && this.one.in_force_since) this.standing.replaceChildren(...await this.resolution(this.one));
      throw error;
    }
  }

  button(name, work) {
    const node = el("button", { type: "button", onclick: () => this.carryOut(node, work) }, name);
    return node;
  }

  ask(name, form, refused) {
    return el("button", { type: "button", class: "quiet", disabled: Boolean(refused), title: refused || null, onclick: () => this.said.replaceChildren(form()) }, name);
  }

  async carryOut(node, work) {
    node.disabled = true;
    try {
      if ((await work()) !== false) { this.onChange(); return; }
    } catch (error) {
      (this.said || this.root).append(this.refusal(error));
    }
    node.disabled = false;
  }

  refusal(error) {
    const reasons = (error.errors || []).map((one) => ({ met: false, text: one.message }));
    return el("div", { class: "failed", role: "alert" }, el("p", {}, error.message), reasons.length > 1 && checklist(reasons));
  }

  form(name, fields, work) {
    const submit = el("button", { type: "submit" }, name);
    return el("form", { onsubmit: (event) => { event.preventDefault(); this.said.querySelectorAll("[role=alert]").forEach((old) => old.remove()); this.carryOut(submit, work); } }, ...fields, submit);
  }

  planForm(work) {
    const { plan } = this.one;
    const mde = el("input", { type: "number", name: "mde_pp", step: "any", min: "0", placeholder: plan.mde_pp.toFixed(1) });
    const days = el("input", { type: "number", name: "days", min: "7", max: "365", placeholder: plan.days });
    const asked = () => Object.fromEntries([mde, days].filter((field) => field.value).map((field) => [field.name, Number(field.value)]));
    return this.form("Plan it", [el("label", {}, "Smallest effect worth seeing, pp", mde), el("label", {}, "Days", days),
      el("span", { class: "soft" }, "What is left empty follows from the other; the plan is sized anew from the history.")], () => work(asked()));
  }

  fileForm() {
    const file = el("input", { type: "file", accept: ".csv,text/csv", required: true });
    return this.form("Send", [el("label", {}, "CSV: one row an order or a unit, with its arm", file)], async () =>
      call(`${this.at()}/assignment`, { method: "POST", headers: { "Content-Type": "text/csv" }, body: await file.files[0].text() }));
  }

  rollOutForm() {
    const since = el("input", { type: "datetime-local", required: true });
    return this.form("It is in force", [el("label", {}, "In force for all orders since (UTC)", since)], () =>
      send(`${this.at()}/roll-out`, { in_force_since: `${since.value}Z` }, { seen: this.one.version }));
  }

  stopForm() {
    const reason = el("input", { required: true, maxlength: "1000" });
    return this.form("Stop it", [el("label", {}, "Why", reason)], () =>
      send(`${this.at()}/stop`, { reason: reason.value }, { seen: this.one.version }));
  }

  earlier(all, shown) {
    if (all.length < 2) return null;
    return el("p", { class: "soft" }, "Experiments: ", ...all.flatMap((one) => [
      el("button", { type: "button", class: "quiet", disabled: one.id === shown.id, onclick: () => this.show(all, one) }, `${one.id} (${words(one.status)})`), " "]));
  }
}

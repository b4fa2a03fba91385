import { call } from "./api.js";
import { el, markdown } from "./dom.js";

const short = (value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);
const plain = (object) => Object.entries(object || {}).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
const percent = (value) => `${Math.round(100 * value)} %`;

// One run, drawn event by event.
export class RunView {
  constructor(run, onOver) {
    this.run = run;
    this.onOver = onOver;
    this.parts = { phases: new Map(), agents: new Map(), evidence: new Map(), causes: new Map(), challenge: new Map(), advice: new Map(), messages: new Map() };
    this.status = el("p", { class: "soft", role: "status" });
    this.phases = el("ul", { class: "plain" });
    this.agents = el("div", { class: "cards" });
    this.causes = el("tbody");
    this.challenge = el("tbody");
    this.tried = el("div", { hidden: true }, el("h3", {}, "What the challenge tried"),
      el("div", { class: "scroll" }, el("table", {}, head("check", "result", "found", "evidence"), this.challenge)));
    this.evidence = el("tbody");
    this.story = el("div");
    this.root = el("div", {}, el("h3", {}, `Run ${run.id}`), this.status, this.phases,
      el("h3", {}, "Specialists"), this.agents, this.story,
      el("h3", {}, "Causes"), el("div", { class: "scroll" }, el("table", {}, head("cause", "verdict", "role", "main cause", "matters", "evidence"), this.causes)), this.tried,
      el("details", { open: true }, el("summary", {}, "Evidence"), el("div", { class: "scroll" }, el("table", {}, head("id", "tool", "result"), this.evidence))));
    this.connection("connecting");
  }

  connection(name) {
    if (this.ended) return;
    const words = { connecting: "Connecting …", live: "Live.", reconnecting: "Connection lost, trying again …", over: "Finished." };
    this.status.textContent = words[name];
  }

  take(event) {
    const handler = this[event.type];
    if (handler) handler.call(this, event);
  }

  RUN_STARTED() { this.status.textContent = "Live."; }

  STEP_STARTED(event) {
    const item = el("li", {}, `… ${event.stepName}`);
    this.parts.phases.set(event.stepName, item);
    this.phases.append(item);
  }

  STEP_FINISHED(event) {
    const item = this.parts.phases.get(event.stepName);
    if (item) { item.textContent = `✓ ${event.stepName}`; item.className = "done"; }
  }

  SUBAGENT_STARTED(event) {
    const state = el("p", { class: "soft" }, "working …"), tools = el("p", { class: "soft" });
    const card = el("div", { class: "card" }, el("p", {}, el("strong", {}, event.name)), el("p", { class: "soft" }, event.description || ""), state, tools);
    this.parts.agents.set(event.subagentRunId, { state, tools, calls: 0 });
    this.agents.append(card);
  }

  SUBAGENT_FINISHED(event) { this.endAgent(event, "✓ done", "done"); }

  SUBAGENT_ERROR(event) { this.endAgent(event, `✗ ${event.message}`, "failed"); }

  endAgent(event, text, name) {
    const agent = this.parts.agents.get(event.subagentRunId);
    if (agent) { agent.state.textContent = text; agent.state.className = name; }
  }

  TOOL_CALL_START(event) {
    const agent = this.parts.agents.get(event.subagentRunId);
    if (agent) { agent.calls += 1; agent.tools.textContent = `${agent.calls} tool calls, last: ${event.toolCallName}`; }
  }

  ACTIVITY_SNAPSHOT(event) {
    const { content } = event;
    if (event.activityType === "cx.evidence") this.put("evidence", content.id, this.evidence, evidenceRow(content));
    if (event.activityType === "cx.challenge") {
      this.tried.hidden = false;
      this.put("challenge", content.name, this.challenge, challengeRow(content));
    }
    if (event.activityType === "cx.hypothesis") this.put("causes", content.hypothesis, this.causes, causeRow(content));
  }

  put(kind, id, parent, node) {
    const old = this.parts[kind].get(id);
    if (old) old.replaceWith(node); else parent.append(node);
    this.parts[kind].set(id, node);
  }

  TEXT_MESSAGE_START(event) {
    if (event.subagentRunId) return; // a specialist's own remarks stay in the log
    const node = el("div");
    this.parts.messages.set(event.messageId, { node, text: "" });
    this.story.append(node);
  }

  TEXT_MESSAGE_CONTENT(event) {
    const message = this.parts.messages.get(event.messageId);
    if (!message) return;
    message.text += event.delta;
    message.node.replaceChildren(markdown(message.text));
  }

  async RUN_FINISHED() {
    this.ended = true;
    this.status.textContent = "Finished.";
    this.onOver();
    await this.showPlan();
  }

  RUN_ERROR(event) {
    this.ended = true;
    this.status.textContent = `Failed: ${event.message}`;
    this.status.className = "failed";
    this.onOver();
  }

  // The report is stored a moment after the last event.
  async showPlan(tries = 5) {
    const base = `/api/v1/incidents/${encodeURIComponent(this.run.incident_id)}`;
    try {
      const { experiment_plan: plan } = await call(`${base}/experiment-plan`);
      this.story.append(el("h3", {}, "Experiment plan"),
        el("p", {}, `${plan.action.replaceAll("_", " ")}: ${plan.unit.replaceAll("_", " ")}, ${plan.days} days. `,
          el("a", { href: `${base}/experiment-plan?format=markdown`, target: "_blank", rel: "noopener" }, "Open the plan (Markdown)")),
        el("details", {}, el("summary", {}, "Read it here"), markdown(plan.markdown)));
    } catch (error) {
      if (error.status === 404 && tries > 0) setTimeout(() => this.showPlan(tries - 1), 700);
    }
  }
}

export function head(...names) {
  return el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name))));
}

function evidenceRow(item) {
  const text = plain(item.result).slice(0, 4).map(([name, value]) => `${name} ${short(value)}`).join(", ");
  return el("tr", {}, el("td", {}, item.id), el("td", {}, item.tool), el("td", {}, text));
}

function causeRow(item) {
  const role = item.mediator_of ? `${item.role} of ${item.mediator_of}` : item.role || "";
  return el("tr", {}, el("td", {}, item.hypothesis.replaceAll("_", " ")), el("td", {}, item.verdict.replaceAll("_", " ")),
    el("td", {}, role.replaceAll("_", " ")), el("td", {}, percent(item.p_primary)), el("td", {}, percent(item.p_contributes)), el("td", {}, item.evidence.join(" ")));
}

function challengeRow(item) {
  const result = item.passed === true ? "survived" : item.passed === false ? "failed" : "not testable";
  return el("tr", {}, el("td", {}, item.name), el("td", { class: item.passed === true ? "done" : item.passed === false ? "failed" : "soft" }, result),
    el("td", {}, item.text), el("td", {}, item.evidence));
}

// Talking to the API: an API key where one is needed, problem documents as errors.
const KEY = "cx-key";
export const key = () => sessionStorage.getItem(KEY);

function askForKey() {
  const dialog = document.getElementById("login");
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(KEY, document.getElementById("key").value.trim());
      resolve();
    }, { once: true });
    if (!dialog.open) dialog.showModal();
  });
}

export async function call(path, { method = "GET", headers = {}, body } = {}) {
  const sent = { ...headers };
  if (key()) sent.Authorization = `Bearer ${key()}`;
  const response = await fetch(path, { method, headers: sent, body });
  if (response.status === 401) {
    await askForKey();
    return call(path, { method, headers, body });
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    const { code, errors = [] } = problem;
    throw Object.assign(new Error(problem.detail || response.statusText), { status: response.status, code, errors });
  }
  const type = response.headers.get("Content-Type") || "";
  return type.includes("json") ? response.json() : response.text();
}

// Sends JSON; `seen` is the version of the thing that is changed, `key` names a request that must act once.
export function send(path, object, { method = "POST", seen, key } = {}) {
  const headers = { "Content-Type": "application/json" };
  if (key !== undefined) headers["Idempotency-Key"] = key;
  if (seen !== undefined) headers["If-Match"] = `"${seen}"`;
  return call(path, { method, headers, body: object === undefined ? undefined : JSON.stringify(object) });
}

// Follows a run from its first event on; reconnects where it was. Returns a function that stops following.
export function follow(runId, { onEvent, onState }) {
  const url = `/api/v1/runs/${encodeURIComponent(runId)}/events`;
  let after = 0, source = null, timer = null, over = false;

  const take = (text, seq) => {
    if (seq <= after) return;
    after = seq;
    const event = JSON.parse(text);
    onEvent(event);
    if (event.type === "RUN_FINISHED" || event.type === "RUN_ERROR") stop();
  };
  const open = () => {
    if (over || source || timer) return;
    if (key()) { poll(); return; } // EventSource cannot send a key
    source = new EventSource(`${url}?after=${after}`);
    source.onopen = () => onState("live");
    source.onmessage = (message) => take(message.data, Number(message.lastEventId));
    source.onerror = () => {
      if (over) return;
      onState("reconnecting");
      if (source && source.readyState === EventSource.CLOSED) { source = null; retry(); }
    };
  };
  const retry = () => { timer = setTimeout(() => { timer = null; open(); }, 2000); };
  const poll = async () => {
    timer = 1;
    try {
      const page = await call(`${url}.json?after=${after}`);
      onState("live");
      page.events.forEach((event) => take(JSON.stringify(event), after + 1));
      if (page.finished) stop();
    } catch { onState("reconnecting"); }
    timer = null;
    if (!over) timer = setTimeout(() => { timer = null; poll(); }, 1000);
  };
  const pause = () => { source?.close(); source = null; clearTimeout(timer); timer = null; };
  const visible = () => (document.hidden ? pause() : open()); // a hidden tab must not hold a connection
  const stop = () => { over = true; pause(); document.removeEventListener("visibilitychange", visible); onState("over"); };

  document.addEventListener("visibilitychange", visible);
  open();
  return stop;
}

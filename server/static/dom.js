// Building the page from text only: nothing from the data is ever parsed as HTML.
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute.startsWith("on")) node.addEventListener(attribute.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(attribute, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// The little Markdown that narratives use: headings, bullets, bold, code, paragraphs.
export function markdown(text) {
  const root = el("div", { class: "narrative" });
  let list = null, paragraph = null;
  for (const line of text.split("\n")) {
    const heading = /^(#{1,4})\s+(.*)$/.exec(line), bullet = /^\s*(?:[-*]|\d+\.)\s+(.*)$/.exec(line);
    if (heading || bullet || !line.trim()) paragraph = null;
    if (!bullet) list = null;
    if (heading) root.append(el("h3", {}, ...inline(heading[2])));
    else if (bullet) {
      if (!list) root.append((list = el("ul")));
      list.append(el("li", {}, ...inline(bullet[1])));
    } else if (line.trim()) {
      if (!paragraph) root.append((paragraph = el("p")));
      else paragraph.append(" ");
      paragraph.append(...inline(line.trim()));
    }
  }
  return root;
}

function inline(text) {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (part.startsWith("**") && part.endsWith("**") && part.length > 4) return el("strong", {}, part.slice(2, -2));
    if (part.startsWith("`") && part.endsWith("`") && part.length > 2) return el("code", {}, part.slice(1, -1));
    return part;
  });
}

const DURATIONS = new Set(["eta_error", "fulfilment"]);
export function amount(metric, value) {
  if (DURATIONS.has(metric)) return `${value.toFixed(0)} s`;
  if (metric === "order_volume") return `${Math.round(value).toLocaleString("en")} orders/day`;
  if (metric.endsWith("_feed")) return `${Math.round(value).toLocaleString("en")} records/day`;
  if (metric.endsWith("_clock")) return `${value.toFixed(1)} h`;
  return metric === "cx_score" ? value.toFixed(1) : `${(100 * value).toFixed(1)} %`;
}

export function place(slice) {
  const parts = Object.entries(slice).map(([name, value]) =>
    name === "hour" ? `${String(value.from).padStart(2, "0")}-${String(value.to).padStart(2, "0")} h` : `${name} ${value}`);
  return parts.join(", ") || "all orders";
}

export const moment = (text) => text.slice(0, 16).replace("T", " ") + " UTC";

// A change with its sign; shares are told in percentage points.
export function change(unit, value) {
  if (value === null || value === undefined) return "–";
  const sign = value < 0 ? "−" : "+", size = Math.abs(value);
  if (unit === "share") return `${sign}${(100 * size).toFixed(1)} pp`;
  if (unit === "s") return `${sign}${size.toFixed(0)} s`;
  if (unit === "score") return `${sign}${size.toFixed(1)} points`;
  const plain = size >= 100 ? Math.round(size).toLocaleString("en") : size.toFixed(2);
  return `${sign}${plain} ${unit.replaceAll("_", " ")}`;
}

// The picture of an effect: its interval against zero and against what was aimed at, or may not be crossed.
import { change, svg } from "./dom.js";

const WIDTH = 240, HEIGHT = 30, EDGE = 10;

// What the reading is held against: the target of the primary metric, the limit of a guardrail.
export function mark(reading, plan) {
  const good = reading.direction === "increase" ? 1 : -1;
  if (reading.role === "primary") return { kind: "goal", name: "target", value: good * plan.mde };
  if (reading.margin !== null) return { kind: "limit", name: "limit", value: -good * reading.margin };
  return null;
}

export function interval(reading, plan) {
  const { effect, low, high, unit } = reading, held = mark(reading, plan);
  if (effect === null || low === null || high === null) return null;
  const shown = [0, low, high, ...(held ? [held.value] : [])];
  const least = Math.min(...shown), most = Math.max(...shown);
  const at = (value) => EDGE + ((WIDTH - 2 * EDGE) * (value - least)) / (most - least || 1);
  const line = (value, name, attributes = {}) =>
    svg("line", { class: name, x1: at(value), x2: at(value), y1: 4, y2: HEIGHT - 4, ...attributes });
  const words = `${change(unit, effect)}, between ${change(unit, low)} and ${change(unit, high)}`
    + (held ? `; ${held.name} ${change(unit, held.value)}` : "");
  return svg("svg", { class: "bar", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
    svg("title", {}, words),
    svg("line", { class: "axis", x1: EDGE, x2: WIDTH - EDGE, y1: HEIGHT / 2, y2: HEIGHT / 2 }),
    svg("line", { class: "span", x1: at(low), x2: at(high), y1: HEIGHT / 2, y2: HEIGHT / 2 }),
    line(0, "zero"), held && line(held.value, held.kind),
    svg("circle", { class: "dot", cx: at(effect), cy: HEIGHT / 2, r: 5 }));
}

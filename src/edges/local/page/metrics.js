/**
 * How fast the agent replies and falls silent, and what its queues and models count. An agent that
 * broadcasts its metrics sends them as a custom event `{ type: "metrics", voiceToVoiceMs?, parts?,
 * bargeInMs?, bargeIns, falseInterruptions, figures, omitted? }`. None of it is trusted: the
 * page drops what is not a number, cleans and cuts names, and limits the number of rows.
 *
 * @module
 */
import { cleanName } from "./client.js";
import { create, element, setText, show } from "./dom.js";

/** The parts of a reply's latency, in order of time. */
const PARTS = [
  ["endOfTurnDelayMs", "End of turn"],
  ["transcriptionDelayMs", "Speech to text (STT)"],
  ["llmMs", "Model (LLM)"],
  ["ttfbMs", "Text to speech (TTS)"],
  ["overheadMs", "Ringline itself"],
  ["playoutMs", "Playout"],
];
/** Agents whose figures are shown; most calls have one. */
const MAX_AGENTS = 4;
/** Figures shown of one agent and its components. */
const MAX_FIGURES = 40;
/** Beyond this a number is a mistake, and too wide to show. */
const MAX_NUMBER = 1e12;

/** The panel below the conversation; hidden until an agent sends metrics. */
export class Metrics {
  #panel = element("metrics");
  #list = element("metrics-agents");
  /** By participant id. */
  #agents = new Map();

  /**
   * Shows a custom event, if it is an agent's metrics.
   *
   * @param {{ id: string, name?: string, kind?: "person" | "agent" }} from who sent it
   * @param {unknown} data
   */
  add(from, data) {
    if (from.kind !== "agent") return;
    const metrics = read(data);
    if (!metrics) return;
    let agent = this.#agents.get(from.id);
    if (!agent) {
      if (this.#agents.size === MAX_AGENTS) return;
      this.#agents.set(from.id, agent = createAgent());
      this.#list.append(agent.section);
    }
    setText(agent.name, from.name ?? "");
    agent.metrics = metrics;
    update(agent, metrics);
    this.#arrange();
  }

  /** Forgets who has left. @param {Map<string, unknown>} participants */
  keep(participants) {
    for (const [id, { section }] of this.#agents) {
      if (participants.has(id)) continue;
      section.remove();
      this.#agents.delete(id);
    }
    this.#arrange();
  }

  #arrange() {
    const agents = [...this.#agents.values()];
    show(this.#panel, agents.length > 0);
    // Names are needed only with several agents.
    for (const { name } of agents) show(name, agents.length > 1);
    const ms = agents.length === 1 ? agents[0].metrics.voiceToVoiceMs : undefined;
    setText(element("metrics-latest"), ms === undefined ? "" : `replied in ${milliseconds(ms)}`);
  }
}

/** Returns whether a custom event is meant as metrics, and not as a line of the conversation. */
export function isMetrics(data) {
  return isRecord(data) && data.type === "metrics";
}

/** Returns the well-formed part of an agent's metrics; `undefined` if there is none. */
function read(data) {
  if (!isMetrics(data)) return undefined;
  const parts = isRecord(data.parts) ? PARTS.map(([key]) => number(data.parts[key])) : [];
  const { figures, more } = readFigures(data.figures);
  const metrics = {
    voiceToVoiceMs: number(data.voiceToVoiceMs),
    // A bar of only some parts would mislead.
    parts: parts.length > 0 && parts.every((part) => part !== undefined) ? parts : undefined,
    bargeInMs: number(data.bargeInMs),
    bargeIns: number(data.bargeIns),
    falseInterruptions: number(data.falseInterruptions),
    figures,
  };
  if (Object.values(metrics).every((value) => value === undefined || value === figures)) {
    if (figures.length === 0) return undefined;
  }
  const omitted = number(data.omitted);
  if (omitted > 0) figures.push(["Components left out", String(omitted)]);
  if (more > 0) figures.push(["Rows not shown", String(more)]);
  return metrics;
}

/** Returns the figures of the agent and its components as rows, and how many did not fit. */
function readFigures(data) {
  const figures = [];
  let more = 0;
  for (const [component, values] of entries(data)) {
    for (const [name, given] of entries(values)) {
      const value = number(given);
      if (value === undefined) continue;
      if (figures.length === MAX_FIGURES) {
        more++;
        continue;
      }
      const isTime = /.Ms$/.test(name);
      const figure = spaced(cleanName(isTime ? name.slice(0, -2) : name));
      figures.push([
        component === "agent" ? capital(figure) : `${cleanName(component)}: ${figure}`,
        isTime ? milliseconds(value) : String(Math.round(value * 10) / 10),
      ]);
    }
  }
  return { figures, more };
}

function createAgent() {
  const agent = {
    metrics: undefined,
    name: create("h3", "whose"),
    reply: create("div", "", create("h3", "", "Latest reply")),
    bar: create("div", "split", ...PARTS.map(([key]) => part(create("span"), key))),
    parts: create("dl", "figures"),
    interruptions: create("dl", "figures"),
    queues: create("div", "", create("h3", "", "Queues and counters")),
    figures: create("dl", "figures"),
  };
  // The rows below it say the same.
  agent.bar.setAttribute("aria-hidden", "true");
  agent.reply.append(agent.bar, agent.parts);
  agent.queues.append(agent.figures);
  const interruptions = create("div", "", create("h3", "", "Interruptions"), agent.interruptions);
  agent.section = create("section", "", agent.name, agent.reply, interruptions, agent.queues);
  return agent;
}

function update(
  agent,
  { voiceToVoiceMs, parts, bargeInMs, bargeIns, falseInterruptions, figures },
) {
  show(agent.reply, voiceToVoiceMs !== undefined);
  if (voiceToVoiceMs !== undefined) {
    show(agent.bar, parts !== undefined);
    const rows = (parts ?? []).map((ms, index) => [PARTS[index][1], milliseconds(ms)]);
    fill(agent.parts, [...rows, [
      "Voice to voice",
      milliseconds(voiceToVoiceMs),
    ]]);
    for (const [index, [key]] of PARTS.entries()) {
      if (!parts) break;
      part(agent.parts.children[index].firstChild, key);
      const segment = agent.bar.children[index];
      segment.style.flexGrow = parts[index];
      show(segment, parts[index] > 0);
    }
    agent.parts.lastChild.firstChild.removeAttribute("data-part");
  }
  fill(agent.interruptions, [
    ["From speech to silence", bargeInMs === undefined ? "–" : milliseconds(bargeInMs)],
    ["Count", bargeIns === undefined ? "–" : String(bargeIns)],
    ["False interruptions", falseInterruptions === undefined ? "–" : String(falseInterruptions)],
  ]);
  show(agent.queues, figures.length > 0);
  fill(agent.figures, figures);
}

/** Shows these rows in a list; keeps existing rows, for people who are reading them. */
function fill(list, rows) {
  while (list.children.length > rows.length) list.lastChild.remove();
  for (const [index, [name, value]] of rows.entries()) {
    const row = list.children[index] ??
      list.appendChild(create("div", "", create("dt"), create("dd")));
    setText(row.firstChild, name);
    setText(row.lastChild, value);
  }
}

/** Marks an element with a part, for its colour. */
function part(target, key) {
  target.dataset.part = key;
  return target;
}

function number(value) {
  return typeof value === "number" && Math.abs(value) <= MAX_NUMBER ? value : undefined;
}

function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function entries(value) {
  return isRecord(value) ? Object.entries(value) : [];
}

/** Returns `inputTokens` as `input tokens`. */
function spaced(name) {
  return name.replace(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase();
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function milliseconds(value) {
  return Math.abs(value) < 10_000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

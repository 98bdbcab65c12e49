/**
 * How fast the agent answers and falls silent, and what its queues and models count. An agent that
 * broadcasts its metrics sends them as a custom event `{ type: "metrics", voiceToVoiceMs?, parts?,
 * bargeInMs?, bargeIns, falseAlarms, figures, omitted? }`. All of it is somebody else's word: what
 * is no number is not there, names are cleaned and cut, and rows are counted.
 *
 * @module
 */
import { cleanName } from "./client.js";
import { element, make, setText, show } from "./dom.js";

/** What an answer's time is made of, in the order in which it passes. */
const PARTS = [
  ["endOfTurnDelayMs", "End of turn"],
  ["transcriptionDelayMs", "Speech to text (STT)"],
  ["llmMs", "Model (LLM)"],
  ["ttfbMs", "Text to speech (TTS)"],
  ["overheadMs", "Ringline itself"],
  ["playoutMs", "Playout"],
];
/** Agents whose figures are shown; a call has one, as a rule. */
const MAX_AGENTS = 4;
/** Figures shown of one agent and its components. */
const MAX_FIGURES = 40;
/** Beyond this a number is a mistake, and too wide to show. */
const MAX_NUMBER = 1e12;

/** The panel below the conversation; hidden until an agent tells something. */
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
    const told = read(data);
    if (!told) return;
    let agent = this.#agents.get(from.id);
    if (!agent) {
      if (this.#agents.size === MAX_AGENTS) return;
      this.#agents.set(from.id, agent = makeAgent());
      this.#list.append(agent.section);
    }
    setText(agent.name, from.name ?? "");
    agent.told = told;
    update(agent, told);
    this.#arrange();
  }

  /** Forgets who has left. @param {Map<string, unknown>} members */
  keep(members) {
    for (const [id, { section }] of this.#agents) {
      if (members.has(id)) continue;
      section.remove();
      this.#agents.delete(id);
    }
    this.#arrange();
  }

  #arrange() {
    const agents = [...this.#agents.values()];
    show(this.#panel, agents.length > 0);
    // Whose figures they are needs to be said only where it could be another's.
    for (const { name } of agents) show(name, agents.length > 1);
    const ms = agents.length === 1 ? agents[0].told.voiceToVoiceMs : undefined;
    setText(element("metrics-latest"), ms === undefined ? "" : `answered in ${milliseconds(ms)}`);
  }
}

/** Whether a custom event is meant to be metrics, whoever sent it: it is no line to be read. */
export function isMetrics(data) {
  return isRecord(data) && data.type === "metrics";
}

/** What is well-formed of an agent's metrics; nothing if nothing is. */
function read(data) {
  if (!isMetrics(data)) return undefined;
  const parts = isRecord(data.parts) ? PARTS.map(([key]) => number(data.parts[key])) : [];
  const { figures, more } = readFigures(data.figures);
  const told = {
    voiceToVoiceMs: number(data.voiceToVoiceMs),
    // A bar of some of them would show something that never was.
    parts: parts.length > 0 && parts.every((part) => part !== undefined) ? parts : undefined,
    bargeInMs: number(data.bargeInMs),
    bargeIns: number(data.bargeIns),
    falseAlarms: number(data.falseAlarms),
    figures,
  };
  if (Object.values(told).every((value) => value === undefined || value === figures)) {
    if (figures.length === 0) return undefined;
  }
  const omitted = number(data.omitted);
  if (omitted > 0) figures.push(["Components without room", String(omitted)]);
  if (more > 0) figures.push(["More, not shown", String(more)]);
  return told;
}

/** The agent's own figures and its components', as rows, and how many more there are. */
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

function makeAgent() {
  const agent = {
    told: undefined,
    name: make("h3", "whose"),
    answer: make("div", "", make("h3", "", "Latest answer")),
    bar: make("div", "split", ...PARTS.map(([key]) => part(make("span"), key))),
    parts: make("dl", "figures"),
    interruptions: make("dl", "figures"),
    queues: make("div", "", make("h3", "", "Queues and counters")),
    figures: make("dl", "figures"),
  };
  // The rows below it say the same.
  agent.bar.setAttribute("aria-hidden", "true");
  agent.answer.append(agent.bar, agent.parts);
  agent.queues.append(agent.figures);
  const interruptions = make("div", "", make("h3", "", "Interruptions"), agent.interruptions);
  agent.section = make("section", "", agent.name, agent.answer, interruptions, agent.queues);
  return agent;
}

function update(agent, { voiceToVoiceMs, parts, bargeInMs, bargeIns, falseAlarms, figures }) {
  show(agent.answer, voiceToVoiceMs !== undefined);
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
    ["False alarms", falseAlarms === undefined ? "–" : String(falseAlarms)],
  ]);
  show(agent.queues, figures.length > 0);
  fill(agent.figures, figures);
}

/** Makes a list show these rows; rows that stay are not made anew under a reader's eyes. */
function fill(list, rows) {
  while (list.children.length > rows.length) list.lastChild.remove();
  for (const [index, [name, value]] of rows.entries()) {
    const row = list.children[index] ??
      list.appendChild(make("div", "", make("dt"), make("dd")));
    setText(row.firstChild, name);
    setText(row.lastChild, value);
  }
}

/** Gives an element the colour of a part. */
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

/** `inputTokens` as `input tokens`. */
function spaced(name) {
  return name.replace(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase();
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function milliseconds(value) {
  return Math.abs(value) < 10_000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/**
 * What was said and what the agent sent. A custom event of an agent of the shape
 * `{ type: "transcript", id?, role?, name?, text, complete?, interrupted? }` is a line of the
 * conversation, and another one of the same agent with the same `id` changes it, or removes it if that
 * is complete and has no text. Any other event, and
 * every event of a person, is shown as JSON under the sender's name, so that no participant can forge
 * the words of another. What the person writes here is a line immediately, which the transcript's own
 * takes over. `metrics.js` shows metrics.
 *
 * @module
 */
import { create, element, show } from "./dom.js";

/** The most lines; a long call must not fill the page's memory. */
const MAX_LINES = 200;

/** The panel beside the tiles. */
export class Conversation {
  #list = element("conversation");
  /** Whether the newest line is in view; a person who scrolls up to read keeps their place. */
  #atEnd = true;
  /** Lines that can still change, by sender and id. */
  #byKey = new Map();

  constructor() {
    const list = this.#list;
    list.addEventListener("scroll", () => {
      this.#atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    });
    // A phone is turned, a tile appears: the newest line stays in view.
    new ResizeObserver(() => this.#keepEnd()).observe(list);
  }

  /**
   * Shows a custom event.
   *
   * @param {{ id: string, name?: string, kind?: "person" | "agent" }} from who sent it; without a
   *   name if they have left
   * @param {unknown} data
   * @param {string} [ownId] this page's participant id
   */
  add(from, data, ownId) {
    if (from.kind === "agent" && isTranscript(data)) this.#addTranscript(from, data, ownId);
    else this.#addLine(from.name ?? "Unknown", JSON.stringify(data), "data");
  }

  /** Shows what the person has written, before the server has it. */
  addWritten(name, text) {
    const line = this.#addLine(name, text, "");
    line.dataset.written = "";
    line.dataset.pending = "";
  }

  /** Marks what was written as sent, but for the last ones. @param {number} waiting how many wait */
  confirm(waiting) {
    const pending = [...this.#list.querySelectorAll("[data-pending]")];
    for (const line of pending.slice(0, Math.max(0, pending.length - waiting))) {
      delete line.dataset.pending;
    }
  }

  #trim() {
    while (this.#list.children.length > MAX_LINES) {
      const first = this.#list.firstElementChild;
      this.#byKey.delete(first.dataset.key);
      first.remove();
    }
  }

  #keepEnd() {
    if (this.#atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #addTranscript(from, message, ownId) {
    const { id, name, text, complete = true, interrupted = false } = message;
    const key = id === undefined ? undefined : `${from.id} ${id}`;
    let line = (key === undefined ? undefined : this.#byKey.get(key)) ??
      this.#written(message, ownId);
    if (text === "" && complete) {
      // Nothing of it was said after all.
      this.#byKey.delete(key);
      return line?.remove();
    }
    if (line) line.querySelector(".text").textContent = text;
    else line = this.#addLine(typeof name === "string" ? name : from.name, text, "");
    this.#keepEnd();
    if (key !== undefined) {
      line.dataset.key = key;
      this.#byKey.set(key, line);
    }
    line.toggleAttribute("data-open", !complete);
    line.toggleAttribute("data-interrupted", Boolean(interrupted));
  }

  /** Takes the line of what the person has written here, when the agent has it. */
  #written({ role, participant, text }, ownId) {
    if (role !== "user" || (participant ?? ownId) !== ownId) return undefined;
    const line = [...this.#list.querySelectorAll("[data-written]")]
      .find((one) => one.querySelector(".text").textContent === text);
    delete line?.dataset.written;
    delete line?.dataset.pending;
    return line;
  }

  #addLine(from, text, className) {
    show("conversation-empty", false);
    const now = new Date();
    const time = create("time", "", now.toLocaleTimeString([], { timeStyle: "short" }));
    time.dateTime = now.toISOString();
    const line = create(
      "li",
      `line ${className}`,
      create("div", "from", create("span", "", from), time),
      create("div", "text", text),
    );
    this.#list.append(line);
    this.#trim();
    this.#keepEnd();
    return line;
  }
}

function isTranscript(data) {
  return typeof data === "object" && data !== null && data.type === "transcript" &&
    typeof data.text === "string";
}

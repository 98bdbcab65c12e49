/**
 * What was said and what the agent sent. A custom event of an agent's of the shape
 * `{ type: "transcript", id?, role?, name?, text, complete?, interrupted? }` is a line of the
 * conversation, and one of the same agent with the same `id` changes it; any other event, and
 * whatever people send, is shown as the JSON it is, under the sender's name: nobody can put words
 * into another's mouth. Metrics do not come here: see `metrics.js`.
 *
 * @module
 */
import { element, make, show } from "./dom.js";

/** Lines that are kept; a long call must not fill the page's memory. */
const MAX_LINES = 200;

/** The panel beside the tiles. */
export class Talk {
  #list = element("talk");
  /** Whether the newest line is in view; whoever scrolls up to read stays where he is. */
  #atEnd = true;
  /** Lines that can still change, by sender and id. */
  #byKey = new Map();

  constructor() {
    const list = this.#list;
    list.addEventListener("scroll", () => {
      this.#atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    });
    // A phone is turned, a tile comes: what was in view stays there.
    new ResizeObserver(() => this.#keepEnd()).observe(list);
  }

  /**
   * Shows a custom event.
   *
   * @param {{ id: string, name?: string, kind?: "person" | "agent" }} from who sent it; without a
   *   name if he has left meanwhile
   * @param {unknown} data
   */
  add(from, data) {
    show("talk-empty", false);
    if (from.kind === "agent" && isTranscript(data)) this.#addTranscript(from, data);
    else this.#addLine(from.name ?? "Somebody", JSON.stringify(data), "data");
    while (this.#list.children.length > MAX_LINES) {
      const first = this.#list.firstElementChild;
      this.#byKey.delete(first.dataset.key);
      first.remove();
    }
    this.#keepEnd();
  }

  #keepEnd() {
    if (this.#atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #addTranscript(from, { id, name, text, complete = true, interrupted = false }) {
    const key = id === undefined ? undefined : `${from.id} ${id}`;
    let line = key === undefined ? undefined : this.#byKey.get(key);
    if (line) line.querySelector(".text").textContent = text;
    else line = this.#addLine(typeof name === "string" ? name : from.name, text, "");
    if (key !== undefined) {
      line.dataset.key = key;
      this.#byKey.set(key, line);
    }
    line.toggleAttribute("data-open", !complete);
    line.toggleAttribute("data-interrupted", Boolean(interrupted));
  }

  #addLine(from, text, className) {
    const now = new Date();
    const time = make("time", "", now.toLocaleTimeString([], { timeStyle: "short" }));
    time.dateTime = now.toISOString();
    const line = make(
      "li",
      `line ${className}`,
      make("div", "from", make("span", "", from), time),
      make("div", "text", text),
    );
    this.#list.append(line);
    return line;
  }
}

function isTranscript(data) {
  return typeof data === "object" && data !== null && data.type === "transcript" &&
    typeof data.text === "string";
}

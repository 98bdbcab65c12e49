/**
 * What was said and what the agent sent. A custom event of the shape
 * `{ type: "transcript", id?, role?, name?, text, complete?, interrupted? }` is a line of the
 * conversation, and one with the same `id` changes it; any other event is shown as the JSON it is.
 *
 * @module
 */
import { element, make, show } from "./dom.js";

/** Lines that are kept; a long call must not fill the page's memory. */
const MAX_LINES = 200;

/** The panel beside the tiles. */
export class Talk {
  #list = element("talk");
  #byId = new Map();

  /**
   * Shows a custom event.
   *
   * @param {string} from who sent it
   * @param {unknown} data
   */
  add(from, data) {
    show("talk-empty", false);
    const bottom = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40;
    if (isTranscript(data)) this.#addTranscript(from, data);
    else this.#addLine(from, JSON.stringify(data), "data");
    while (this.#list.children.length > MAX_LINES) {
      const first = this.#list.firstElementChild;
      this.#byId.delete(first.dataset.id);
      first.remove();
    }
    // Whoever scrolled up to read stays where he is.
    if (bottom) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #addTranscript(from, { id, name, text, complete = true, interrupted = false }) {
    const key = id === undefined ? undefined : `${id}`;
    let line = key === undefined ? undefined : this.#byId.get(key);
    if (line) line.querySelector(".text").textContent = text;
    else line = this.#addLine(typeof name === "string" ? name : from, text, "");
    if (key !== undefined) {
      line.dataset.id = key;
      this.#byId.set(key, line);
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

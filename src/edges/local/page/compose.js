/**
 * The box to write to the agents in.
 *
 * @module
 */
import { element } from "./dom.js";

/** The form below the conversation. The conversation shows what was written. */
export class Compose {
  #text = element("compose-text");
  #send;

  /**
   * @param {(text: string) => void} send
   * @param {{ signal: AbortSignal }} options
   */
  constructor(send, { signal }) {
    this.#send = send;
    element("compose").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    }, { signal });
    this.#text.addEventListener("input", () => this.#update(), { signal });
    this.#text.addEventListener("keydown", (event) => {
      // With Shift a line begins; while a word is being composed, Enter accepts it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    }, { signal });
    // What a person had begun to write when the call was lost is still there.
    this.#update();
  }

  #submit() {
    const text = this.#text.value.trim();
    if (text === "") return;
    try {
      this.#send(text);
    } catch (error) {
      this.#text.setCustomValidity(error.message);
      this.#text.reportValidity();
      return;
    }
    this.#text.value = "";
    this.#update();
  }

  /** The box grows with its text, up to a few lines. */
  #update() {
    const { style } = this.#text;
    this.#text.setCustomValidity("");
    element("compose-send").disabled = this.#text.value.trim() === "";
    style.height = "auto";
    style.height = `${this.#text.scrollHeight + 2}px`;
  }
}

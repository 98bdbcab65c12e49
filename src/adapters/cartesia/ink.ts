/** Cartesia's recogniser whose segments end where they are told to, at `/stt/websocket`. @module */
import type { TranscribedWord } from "../../inference/contracts/stt.ts";
import { SegmentCodec, type SegmentMessages } from "../streaming/segment_codec.ts";
import type { SttIo } from "../streaming/stt_session.ts";
import { readSegment, statedError, timedWords } from "./messages.ts";

const MESSAGES: SegmentMessages = {
  finalize: "finalize",
  close: "close",
  // The service transcribes what it has within a fraction of this.
  commitLimitMs: 2000,
};

/** The messages of one connection. */
export class InkCodec extends SegmentCodec {
  /** The final text of the segment so far: it comes in pieces, with their spaces. */
  #text = "";
  #language = "";
  readonly #words: TranscribedWord[] = [];

  constructor(name: string, io: SttIo) {
    super(name, io, MESSAGES);
  }

  protected read(data: string): void {
    const message = readSegment(data);
    switch (message?.type) {
      case "transcript": {
        const text = this.#text + message.text;
        this.#language = message.language || this.#language;
        if (message.is_final) {
          this.#text = text;
          for (const times of message.words) this.#words.push(...timedWords(times));
        }
        return this.#emit(text, false);
      }
      case "flush_done":
        this.#flush();
        return this.settle();
      case "done":
        return this.#flush();
      case "error":
        return this.io.fail(statedError(this.name, message));
    }
  }

  /** The segment is complete. */
  #flush(): void {
    this.#emit(this.#text, true);
    this.#text = "";
  }

  #emit(text: string, final: boolean): void {
    const words = final ? this.#words.splice(0) : [];
    if (text.trim() === "") return;
    const language = this.#language;
    this.io.emit({
      type: "transcript",
      text: text.trim(),
      final,
      ...language ? { language } : {},
      ...words.length > 0 ? { words } : {},
    });
  }
}

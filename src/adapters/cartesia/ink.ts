/** Cartesia's recogniser whose segments end where they are told to, at `/stt/websocket`. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { TranscribedWord } from "../../inference/contracts/stt.ts";
import { bytesOf } from "../streaming/bytes.ts";
import { Commits, type SttCodec, type SttIo } from "../streaming/stt_session.ts";
import { readSegment, statedError, timedWords } from "./messages.ts";

/** The service transcribes what it has within a fraction of this. */
const COMMIT_LIMIT_MS = 2000;

/** The messages of one connection. */
export class InkCodec implements SttCodec {
  readonly #name: string;
  readonly #io: SttIo;
  readonly #commits: Commits;
  /** Whether audio was sent after the last commit. */
  #isOpen = false;
  /** The final text of the segment so far: it comes in pieces, with their spaces. */
  #text = "";
  #language = "";
  readonly #words: TranscribedWord[] = [];

  constructor(name: string, io: SttIo) {
    this.#name = name;
    this.#io = io;
    this.#commits = new Commits(io);
  }

  get isOwed(): boolean {
    return this.#isOpen || this.#commits.count > 0;
  }

  sendAudio({ samples }: PcmChunk): void {
    this.#isOpen = true;
    this.#io.send(bytesOf(samples));
  }

  commit(): void {
    if (!this.isOwed) return this.#io.emit({ type: "committed" });
    this.#isOpen = false;
    this.#commits.add(COMMIT_LIMIT_MS);
    this.#io.send("finalize");
  }

  end(): void {
    this.#io.send("close");
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") return;
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
        return this.#commits.settle();
      case "done":
        return this.#flush();
      case "error":
        return this.#io.fail(statedError(this.#name, message));
    }
  }

  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
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
    this.#io.emit({
      type: "transcript",
      text: text.trim(),
      final,
      ...language ? { language } : {},
      ...words.length > 0 ? { words } : {},
    });
  }
}

/** Deepgram's recogniser whose segments end where they are told to, at `/v1/listen`. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { bytesOf } from "../streaming/bytes.ts";
import { Commits, type SttCodec, type SttIo } from "../streaming/stt_session.ts";
import { readNova } from "./messages.ts";
import { statedError, transcribedWords } from "./words.ts";

/** The service ends most segments within a fraction of this, and does not promise to say so. */
const COMMIT_LIMIT_MS = 1500;

/** Keeps a socket open on which nothing is said: it closes after ten seconds. */
export const NOVA_KEEPALIVE = {
  intervalMs: 4000,
  message: JSON.stringify({ type: "KeepAlive" }),
};

/** The messages of one connection to `/v1/listen`. */
export class NovaCodec implements SttCodec {
  readonly #name: string;
  readonly #io: SttIo;
  readonly #commits: Commits;
  /** Whether audio was sent after the last commit. */
  #isOpen = false;

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
    const isOwed = this.isOwed;
    this.#isOpen = false;
    if (!isOwed) return this.#io.emit({ type: "committed" });
    this.#commits.add(COMMIT_LIMIT_MS);
    this.#io.send(JSON.stringify({ type: "Finalize" }));
  }

  end(): void {
    this.#io.send(JSON.stringify({ type: "CloseStream" }));
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") return;
    const message = readNova(data);
    if (message?.type === "Error") return this.#io.fail(statedError(this.#name, message));
    if (message?.type === "SpeechStarted") return this.#io.emit({ type: "speech-started" });
    if (!message) return;
    const { is_final, from_finalize, channel: { alternatives: [best] } } = message;
    if (best && best.transcript !== "") {
      const { transcript, confidence, languages: [language], words } = best;
      this.#io.emit({
        type: "transcript",
        text: transcript,
        final: is_final || from_finalize,
        ...language ? { language } : {},
        ...typeof confidence === "number" ? { confidence } : {},
        words: transcribedWords(words),
      });
    }
    if (from_finalize) this.#commits.settle();
  }

  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
  }
}

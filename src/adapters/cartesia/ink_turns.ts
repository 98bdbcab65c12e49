/** Cartesia's recogniser that finds itself where turns end, at `/stt/turns/websocket`. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { bytesOf } from "../streaming/bytes.ts";
import { Commits, type SttCodec, type SttIo } from "../streaming/stt_session.ts";
import { readTurn, statedError } from "./messages.ts";

/** The service ends no turn when it is told to: what has come within this time is the turn's text. */
const COMMIT_WAIT_MS = 400;

/** The messages of one connection. */
export class InkTurnsCodec implements SttCodec {
  readonly #name: string;
  readonly #io: SttIo;
  readonly #commits: Commits;
  /** Whether audio was sent after the last end of a turn. */
  #isOpen = false;
  /** Whether a turn has begun, and not ended. */
  #isTurn = false;
  /** The text of the service's turn so far; it is never revised. */
  #text = "";
  /** So much of it belongs to a turn that this side has ended. */
  #endedChars = 0;

  constructor(name: string, io: SttIo) {
    this.#name = name;
    this.#io = io;
    this.#commits = new Commits({
      clock: io.clock,
      send: io.send,
      fail: io.fail,
      emit: (event) => {
        this.#endTurn();
        io.emit(event);
      },
    });
  }

  get isOwed(): boolean {
    return this.#isTurn || this.#isOpen || this.#commits.count > 0;
  }

  sendAudio({ samples }: PcmChunk): void {
    this.#isOpen = true;
    this.#io.send(bytesOf(samples));
  }

  commit(): void {
    const { isOwed } = this;
    this.#isOpen = false;
    if (isOwed) this.#commits.add(COMMIT_WAIT_MS);
    else this.#io.emit({ type: "committed" });
  }

  end(): void {
    this.#io.send(JSON.stringify({ type: "close" }));
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") return;
    const message = readTurn(data);
    switch (message?.type) {
      case "turn.start":
        this.#text = "";
        this.#endedChars = 0;
        return this.#begin();
      case "turn.update":
        return this.#hear(message.transcript);
      case "turn.eager_end":
        this.#hear(message.transcript);
        return this.#emit({ type: "eager-turn-ended" });
      case "turn.resume":
        return this.#emit({ type: "turn-resumed" });
      case "turn.end":
        this.#hear(message.transcript);
        this.#isOpen = false;
        this.#endTurn();
        this.#text = "";
        this.#endedChars = 0;
        return this.#commits.settle();
      case "error":
        return this.#io.fail(statedError(this.#name, message));
    }
  }

  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
  }

  #begin(): void {
    this.#isTurn = true;
    this.#io.emit({ type: "speech-started" });
  }

  #hear(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    const own = this.#ownText;
    if (own === "") return;
    // More than the turn that this side has ended: for the agent it is another.
    if (!this.#isTurn) this.#begin();
    this.#io.emit({ type: "transcript", text: own, final: false });
  }

  /** What the service thinks of a turn that this side has ended is not wanted. */
  #emit(event: { readonly type: "eager-turn-ended" | "turn-resumed" }): void {
    if (this.#isTurn) this.#io.emit(event);
  }

  get #ownText(): string {
    return this.#text.slice(this.#endedChars).trim();
  }

  #endTurn(): void {
    if (!this.#isTurn) return;
    const text = this.#ownText;
    this.#isTurn = false;
    this.#endedChars = this.#text.length;
    if (text !== "") this.#io.emit({ type: "transcript", text, final: true });
    this.#io.emit({ type: "turn-ended" });
  }
}

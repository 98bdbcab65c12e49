/** Deepgram's recogniser that finds itself where turns end, at `/v2/listen`. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import { Commits, type SttCodec, type SttIo } from "../streaming/stt_session.ts";
import { type FluxMessage, readFlux } from "./messages.ts";
import { statedError, transcribedWords } from "./words.ts";

/** How long the service may take for the end of a turn that it was told to end. */
const COMMIT_LIMIT_MS = 1500;
/** The same while no turn has begun: it says nothing where none begins with what it was sent. */
const NO_TURN_LIMIT_MS = 500;
/** Audio is sent in pieces of this, which the service recommends. */
const PIECE_MS = 80;

/** A state of a turn. */
type TurnInfo = Extract<FluxMessage, { type: "TurnInfo" }>;

/** The messages of one connection to `/v2/listen`. */
export class FluxCodec implements SttCodec {
  readonly #name: string;
  readonly #io: SttIo;
  readonly #commits: Commits;
  readonly #canForce: boolean;
  /** Samples that are not sent yet. */
  readonly #waiting = new SampleFifo(0, { whenFull: "grow" });
  /** The latest state of the turn that has begun and not ended. */
  #turn: TurnInfo | undefined;
  /** A turn that this side has ended by itself: what comes of it later is not wanted. */
  #endedTurn: number | undefined;
  /** Whether audio was sent after the last end of a turn. */
  #isOpen = false;

  /** @param canForce whether the service ends a turn when it is told to */
  constructor(name: string, io: SttIo, canForce: boolean) {
    this.#name = name;
    this.#io = io;
    this.#canForce = canForce;
    this.#commits = new Commits(io);
  }

  get isOwed(): boolean {
    return this.#turn !== undefined || this.#isOpen || this.#commits.count > 0;
  }

  sendAudio({ samples, sampleRate }: PcmChunk): void {
    this.#isOpen = true;
    this.#waiting.push(samples);
    if (this.#waiting.length * 1000 >= PIECE_MS * sampleRate) this.#sendPiece();
  }

  commit(): void {
    this.#sendPiece();
    const isOwed = this.isOwed;
    this.#isOpen = false;
    if (!isOwed) return this.#io.emit({ type: "committed" });
    if (!this.#canForce) return this.#endTurn();
    this.#commits.add(this.#turn ? COMMIT_LIMIT_MS : NO_TURN_LIMIT_MS);
    this.#io.send(JSON.stringify({ type: "ForceEndTurn" }));
  }

  end(): void {
    this.#sendPiece();
    this.#io.send(JSON.stringify({ type: "CloseStream" }));
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") return;
    const message = readFlux(data);
    if (message?.type === "Error") this.#io.fail(statedError(this.#name, message));
    else if (message && message.turn_index !== this.#endedTurn) this.#take(message);
  }

  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
  }

  #take(info: TurnInfo): void {
    const { event } = info;
    if (event === "StartOfTurn") this.#io.emit({ type: "speech-started" });
    // Between two turns the service says that nothing is said.
    if (event !== "Update" || this.#turn) this.#turn = info;
    if (event === "EndOfTurn") return this.#ended(info);
    this.#emitText(info, false);
    if (event === "EagerEndOfTurn") this.#io.emit({ type: "eager-turn-ended" });
    if (event === "TurnResumed") this.#io.emit({ type: "turn-resumed" });
  }

  #ended(info: TurnInfo): void {
    this.#turn = undefined;
    this.#isOpen = false;
    this.#emitText(info, true);
    this.#io.emit({ type: "turn-ended" });
    this.#commits.settle();
  }

  /** Ends the turn with the text that has come. */
  #endTurn(): void {
    const turn = this.#turn;
    this.#turn = undefined;
    this.#endedTurn = turn?.turn_index;
    if (turn) {
      this.#emitText(turn, true);
      this.#io.emit({ type: "turn-ended" });
    }
    this.#io.emit({ type: "committed" });
  }

  #emitText({ transcript: text, languages: [language], words }: TurnInfo, final: boolean): void {
    if (text === "") return;
    this.#io.emit({
      type: "transcript",
      text,
      final,
      ...language ? { language } : {},
      words: transcribedWords(words),
    });
  }

  #sendPiece(): void {
    if (this.#waiting.length === 0) return;
    const samples = new Int16Array(this.#waiting.length);
    this.#waiting.shift(samples);
    this.#io.send(new Uint8Array(samples.buffer));
  }
}

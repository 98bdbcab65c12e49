/** The base of recognisers whose segments end where they are told to. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { bytesOf } from "./bytes.ts";
import { Commits, type SttCodec, type SttIo } from "./stt_session.ts";

/** What such a service is told, and how long it may take. */
export interface SegmentMessages {
  /** Ends the segment. */
  readonly finalize: string;
  /** Says that no more audio comes. */
  readonly close: string;
  /** How long the service may take for the text before a commit. */
  readonly commitLimitMs: number;
}

/**
 * Sends audio as it is, as bytes, and commits where there is something to commit. The vendor's codec
 * extends it with what its service says.
 */
export abstract class SegmentCodec implements SttCodec {
  protected readonly name: string;
  protected readonly io: SttIo;
  readonly #messages: SegmentMessages;
  readonly #commits: Commits;
  /** Whether audio was sent after the last commit. */
  #isOpen = false;

  constructor(name: string, io: SttIo, messages: SegmentMessages) {
    this.name = name;
    this.io = io;
    this.#messages = messages;
    this.#commits = new Commits(io);
  }

  get isOwed(): boolean {
    return this.#isOpen || this.#commits.count > 0;
  }

  sendAudio({ samples }: PcmChunk): void {
    this.#isOpen = true;
    this.io.send(bytesOf(samples));
  }

  commit(): void {
    if (!this.isOwed) return this.io.emit({ type: "committed" });
    this.#isOpen = false;
    this.#commits.add(this.#messages.commitLimitMs);
    this.io.send(this.#messages.finalize);
  }

  end(): void {
    this.io.send(this.#messages.close);
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data === "string") this.read(data);
  }

  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
  }

  /** Takes a message of the service. An error that it throws ends the connection. */
  protected abstract read(text: string): void;

  /** The text before the oldest commit is complete. */
  protected settle(): void {
    this.#commits.settle();
  }
}

/** The common part of the two connections to an SFU. @module */
import type { PeerOptions, RtcCandidate, RtcConnectionState } from "@ringline/edge/media/child";
import type { SfuCredentials } from "../../wire/credentials.ts";
import type { PeerType } from "../proto/signal_pb.ts";
import type { CallMedia, SfuPeer } from "./media.ts";
import type { SignalClient } from "./signal_client.ts";

/** The two connections to an SFU. */
export type PeerName = "publisher" | "subscriber";

/** Options for both connections. */
export interface SfuConnectionInit {
  media: CallMedia;
  iceServers: SfuCredentials["iceServers"];
  signal: SignalClient;
  sessionId: string;
  onState: (state: RtcConnectionState) => void;
  onError: (error: unknown, context: string) => void;
}

/** Options in which the two connections differ. */
export interface SfuConnectionKind extends Pick<PeerOptions, "onTrack"> {
  type: PeerType;
  /** Its purpose, in words for error texts. */
  doing: string;
}

/** A connection to an SFU; a subclass publishes or subscribes. */
export abstract class SfuConnection {
  protected readonly peer: SfuPeer;
  /** Runs negotiations one after the other. */
  protected readonly tasks = new TaskQueue();
  readonly #options: SfuConnectionInit;
  readonly #type: PeerType;
  /** Candidates that the SFU cannot use yet. */
  #waiting: RtcCandidate[] | undefined = [];
  #isClosed = false;

  constructor(options: SfuConnectionInit, { type, doing, onTrack }: SfuConnectionKind) {
    this.#options = options;
    this.#type = type;
    this.peer = options.media.createPeer({
      iceServers: options.iceServers,
      maxRemoteCandidates: 10_000,
      onCandidate: (candidate) => this.#trickle(candidate),
      onState: options.onState,
      onError: (error) => options.onError(error, doing),
      onTrack,
    });
  }

  /** Whether it carries any track. */
  abstract get isUsed(): boolean;

  /** Looks for another path through the network and keeps everything else. */
  abstract restartIce(): Promise<void>;

  /** Its state; `"new"` while it is not used. */
  get state(): RtcConnectionState {
    return this.isUsed || this.#isClosed ? this.peer.state : "new";
  }

  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Adds a candidate in the SFU's notation; ignores a text that is no candidate. */
  async addCandidate(text: string): Promise<void> {
    const candidate = parseCandidate(text);
    if (candidate && !this.#isClosed) await this.peer.addCandidate(candidate);
  }

  /** Returns wrtc's statistics; none while it is not used. */
  async stats(): Promise<Record<string, unknown>[]> {
    return this.#isClosed || !this.isUsed ? [] : [...(await this.peer.stats()).values()];
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.peer.close();
  }

  /** Holds candidates until the SFU has the description that they belong to. */
  protected holdCandidates(): void {
    this.#waiting ??= [];
  }

  /** Sends the held candidates: the SFU has their description. */
  protected releaseCandidates(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const candidate of waiting ?? []) this.#trickle(candidate);
  }

  #trickle(candidate: RtcCandidate): void {
    if (this.#isClosed) return;
    if (this.#waiting) return void this.#waiting.push(candidate);
    const { signal, sessionId, onError } = this.#options;
    signal.call("IceTrickle", {
      peerType: this.#type,
      sessionId,
      iceCandidate: JSON.stringify(candidate),
    }).catch((error) => {
      if (!this.#isClosed) onError(error, "sending a candidate");
    });
  }
}

function parseCandidate(text: string): RtcCandidate | undefined {
  try {
    const value = JSON.parse(text) as RtcCandidate | null;
    return typeof value?.candidate === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Runs asynchronous tasks one after the other; a failed one does not stop those behind it. */
class TaskQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` after all tasks before it; returns its result. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

import type { PeerOptions, RtcCandidate, RtcConnectionState } from "@ringline/edge/media/child";
import type { IceServer } from "../../wire/credentials.ts";
import type { PeerType } from "../proto/signal_pb.ts";
import type { CallMedia, SfuPeer } from "./media.ts";
import type { SignalClient } from "./signal_client.ts";

/** The two connections to an SFU. */
export type PeerName = "publisher" | "subscriber";

/** What both connections need. */
export interface SfuConnectionOptions {
  media: CallMedia;
  iceServers: IceServer[];
  signal: SignalClient;
  sessionId: string;
  onState: (state: RtcConnectionState) => void;
  onError: (error: unknown, context: string) => void;
}

/** What one of them is besides. */
export interface SfuConnectionKind extends Pick<PeerOptions, "onTrack"> {
  type: PeerType;
  /** What it does, for errors. */
  doing: string;
}

/** What the two connections to an SFU have in common. */
export abstract class SfuConnection {
  protected readonly peer: SfuPeer;
  /** What is negotiated is negotiated one after the other. */
  protected readonly tasks = new TaskQueue();
  readonly #options: SfuConnectionOptions;
  readonly #type: PeerType;
  /** Candidates that the SFU could not make use of yet. */
  #waiting: RtcCandidate[] | undefined = [];
  #isClosed = false;

  constructor(options: SfuConnectionOptions, { type, doing, onTrack }: SfuConnectionKind) {
    this.#options = options;
    this.#type = type;
    this.peer = options.media.createPeer({
      iceServers: options.iceServers,
      maxRemoteCandidates: 10_000,
      onCandidate: (candidate) => this.#trickle(candidate),
      onState: options.onState,
      onError: (error) => options.onError(error, doing),
      ...(onTrack ? { onTrack } : {}),
    });
  }

  /** Whether there is anything on it. */
  abstract get isUsed(): boolean;

  /** Looks for another way through the network, keeping everything else. */
  abstract restartIce(): Promise<void>;

  get state(): RtcConnectionState {
    return this.isUsed || this.#isClosed ? this.peer.state : "new";
  }

  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A candidate of the SFU, as it writes them; what is none is passed over. */
  async addCandidate(text: string): Promise<void> {
    const candidate = parseCandidate(text);
    if (candidate && !this.#isClosed) await this.peer.addCandidate(candidate);
  }

  /** wrtc's statistics; none while there is nothing on it. */
  async stats(): Promise<Record<string, unknown>[]> {
    return this.#isClosed || !this.isUsed ? [] : [...(await this.peer.stats()).values()];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.peer.close();
  }

  /** Keeps candidates back until the SFU has the description that they belong to. */
  protected holdCandidates(): void {
    this.#waiting ??= [];
  }

  /** The SFU has it. */
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

/** Does asynchronous things one after the other; none keeps those behind it from being done. */
class TaskQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all before it are done; gives its result. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

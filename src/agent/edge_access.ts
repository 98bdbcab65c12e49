/** What an agent asks of its edge before it joins a call. @module */
import type { AudioTrack, AudioTrackMode, DirectedAudioOptions } from "../edge/audio_track.ts";
import type { Call, CreateCallOptions } from "../edge/call.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { User } from "../edge/types.ts";
import { participantLeft } from "../edge/directed_audio.ts";
import { ClosedError } from "../edge/errors.ts";
import type { Clock } from "../events/clock.ts";
import { checkMethods, checkOptions } from "../events/checks.ts";
import { promised, promiseIn } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";

/** Time limit for an edge's step before the join. Edges have limits of their own as well. */
const EDGE_LIMIT_MS = 30_000;

/** What {@linkcode EdgeAccess} needs. */
export interface EdgeAccessInit {
  edge: EdgeTransport;
  user: User;
  clock: Clock;
  audioMode: AudioTrackMode;
  /** Returns whether the agent is leaving, or has left. */
  isClosing: () => boolean;
}

/** An agent's identity at its edge, its call, and the track that it speaks through. */
export class EdgeAccess {
  readonly #init: EdgeAccessInit;
  #authenticating: Promise<void> | undefined;
  #track: AudioTrack | undefined;

  constructor(init: EdgeAccessInit) {
    this.#init = init;
  }

  /** The track that the agent speaks through, if it has had a use for one. */
  get usedTrack(): AudioTrack | undefined {
    return this.#track;
  }

  /** The track that the agent speaks through; its first use creates it. */
  get track(): AudioTrack {
    if (!this.#track) {
      const { edge, audioMode, isClosing } = this.#init;
      const track = edge.createAudioTrack({ mode: audioMode });
      promiseIn<unknown>(track)?.catch(() => {});
      checkMethods(track, "edge.createAudioTrack", "an AudioTrack", ["write", "flush", "bind"]);
      this.#track = track;
      if (isClosing()) track.close();
    }
    return this.#track;
  }

  /** Creates a track that one person of the call hears; see `Agent.createAudioTrack`. */
  createDirectedTrack(connection: CallConnection, options: DirectedAudioOptions): AudioTrack {
    checkOptions(
      options,
      "options",
      { to: true, mode: true, othersGain: true },
      "an object like { to: participant }",
    );
    const { to } = options;
    if (to === undefined) throw new TypeError("options.to: expected a person of the call");
    const track = this.#init.edge.createAudioTrack(options);
    const isClosed = connection.state === "closed";
    if (!isClosed && connection.participants.has(to.id)) return track;
    track.close();
    throw isClosed ? new ClosedError("the call") : participantLeft(to.id);
  }

  /** Authenticates, unless it already has; a failure is not kept: the next call tries again. */
  authenticate(): Promise<void> {
    const { edge, user, clock } = this.#init;
    return this.#authenticating ??= waitFor(
      promised(() => edge.authenticate(user)),
      "authenticating",
      { timeoutMs: EDGE_LIMIT_MS, clock },
    ).catch((error) => {
      this.#authenticating = undefined;
      throw error;
    });
  }

  /** Creates a call or finds the one that exists; see `Agent.createCall`. */
  async createCall(
    callType: string,
    callId: string,
    options: Omit<CreateCallOptions, "callType">,
  ): Promise<Call> {
    checkOptions(options, "options", { createdBy: true, signal: true }, "an object, or nothing");
    await this.authenticate();
    const { edge, user, clock } = this.#init;
    const init = { createdBy: user, ...options, callType };
    return await waitFor(promised(() => edge.createCall(callId, init)), "creating the call", {
      timeoutMs: EDGE_LIMIT_MS,
      signal: options.signal,
      clock,
    });
  }
}

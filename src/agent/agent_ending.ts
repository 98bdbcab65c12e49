/** How an agent leaves its call: after its last words, or immediately. @module */
import type { AudioTrack } from "../edge/audio_track.ts";
import type { Call } from "../edge/call.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { Clock } from "../events/clock.ts";
import type { CloseOptions } from "./agent_context.ts";
import type { ConversationProcessor } from "./conversation_processor.ts";
import { CannotError } from "../edge/telephony.ts";
import { promised, type Report } from "../events/user_code.ts";
import { sleep, waitFor } from "../events/waiting.ts";

/** What was written is not waited for longer than this beyond its length. */
const DRAIN_LIMIT_MS = 2000;
/** How long an edge may take to end the call. */
const END_LIMIT_MS = 30_000;

/** What {@linkcode AgentEnding} needs. */
export interface AgentEndingInit {
  edge: Pick<EdgeTransport, "endCall">;
  clock: Clock;
  conversation: Pick<ConversationProcessor, "say" | "drain"> | undefined;
  /** Returns the agent's voice, if it has had a use for one. */
  track: () => AudioTrack | undefined;
  /** Leaves the call, and releases everything but the edge. */
  leave: () => Promise<void>;
  report: Report;
}

/** Ends an agent's stay in its call, once: all who ask for it await the same end. */
export class AgentEnding {
  readonly #init: AgentEndingInit;
  #hangingUp: Promise<void> | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(init: AgentEndingInit) {
    this.#init = init;
  }

  /** Whether the agent is leaving, or has left. */
  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Ends the call for all participants when its last words were heard; see `Agent.hangUp`. */
  hangUp(call: Call, say: string | undefined): Promise<void> {
    return this.#hangingUp ??= this.#hangUp(call, say);
  }

  /** Leaves the call; see `Agent.close`. */
  close({ drain = false }: CloseOptions = {}): Promise<void> {
    if (this.#closing) return this.#closing;
    if (drain) return this.#draining ??= this.#drain().then(() => this.close());
    const done = Promise.withResolvers<void>();
    // Set first, since the steps of closing may call close again.
    this.#closing = done.promise;
    const { leave, track, report } = this.#init;
    leave()
      .then(() => track()?.close())
      .catch((error) => report(error, "closing the agent"))
      .finally(done.resolve);
    return done.promise;
  }

  async #hangUp(call: Call, say: string | undefined): Promise<void> {
    const { edge, clock, conversation, report } = this.#init;
    if (say !== undefined) {
      // Where it cannot be said, the call ends all the same.
      promised(() => conversation?.say(say, { allowInterruptions: false }))
        .catch((error) => report(error, "saying the last words"));
    }
    await this.#drain();
    try {
      const limit = { timeoutMs: END_LIMIT_MS, clock };
      await waitFor(promised(() => edge.endCall(call)), "ending the call", limit);
    } catch (error) {
      // Where it cannot, leaving is what remains.
      if (!(error instanceof CannotError)) report(error, "ending the call");
    }
    await this.close();
  }

  /** Resolves when all that is to be said was heard; a failure is reported. */
  async #drain(): Promise<void> {
    const { conversation, report } = this.#init;
    try {
      await conversation?.drain();
      await this.#drainTrack();
    } catch (error) {
      report(error, "saying the last words");
    }
  }

  async #drainTrack(): Promise<void> {
    const { clock } = this.#init;
    const track = this.#init.track();
    if (!track || track.bufferedMs === 0) return;
    const limit = { timeoutMs: track.bufferedMs + DRAIN_LIMIT_MS, clock };
    await waitFor(track.drain(), "playing what was written", limit);
    const giveUpAt = clock.now() + DRAIN_LIMIT_MS;
    while (track.heardMs < track.playedMs - 1 && clock.now() < giveUpAt) await sleep(20, { clock });
  }
}

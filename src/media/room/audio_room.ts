import type { AudioKernel } from "../../audio/kernel.ts";
import type { Clock } from "../../events/clock.ts";
import { rtc } from "../webrtc/rtc.ts";
import type { RtcAudioData, RtcTrack } from "../webrtc/rtc_types.ts";
import { RoomEngine, type RoomStats } from "./room_engine.ts";
import type {
  MemberLevel,
  RoomAgent,
  RoomAgentOptions,
  RoomListenerOptions,
} from "./room_members.ts";
export type { RoomStats } from "./room_engine.ts";
export type { MemberLevel, RoomAgent, RoomAgentOptions, RoomListenerOptions };

/** Options of {@linkcode AudioRoom.addSource}. */
export interface RoomSource {
  /** Who is heard: the same id as his listener, so that he does not hear himself. */
  memberId: string;
  /** Unique within the room. */
  trackId: string;
  /** How agents know him. */
  participantId: string;
  track: RtcTrack;
  muted?: boolean;
}

/**
 * One room's audio: people's tracks come in, each listener gets a track with the others' mix, and
 * agents get everybody unmixed, in rows. Runs on the sinks' clock; see `RoomClock`.
 */
export class AudioRoom {
  readonly #engine: RoomEngine;
  readonly #sinks = new Map<string, () => void>();
  readonly #outputs = new Map<string, () => void>();
  #closed = false;

  /** @param options `log` takes a line a second at most about what was lost */
  constructor(options: { clock: Clock; kernel: AudioKernel; log?: (line: string) => void }) {
    this.#engine = new RoomEngine(options);
  }

  /**
   * A person's audio track comes in. The same id again replaces the track it stood for.
   */
  addSource(source: RoomSource): void {
    if (this.#closed) return;
    this.removeSource(source.trackId);
    const { memberId, trackId, participantId, muted = false } = source;
    const deliver = this.#engine.addSource({ memberId, trackId, participantId, muted });
    const sink = new rtc.nonstandard.RTCAudioSink(source.track);
    sink.ondata = deliver;
    this.#sinks.set(trackId, () => {
      sink.ondata = null;
      sink.stop();
    });
  }

  /** The track is gone: ends its open slot, then its sink. Unknown ids are ignored. */
  removeSource(trackId: string): void {
    this.#sinks.get(trackId)?.();
    this.#sinks.delete(trackId);
    this.#engine.removeSource(trackId);
  }

  /** Muting ends the open slot; what comes while muted is not heard by anybody. */
  setMuted(trackId: string, muted: boolean): void {
    this.#engine.setMuted(trackId, muted);
  }

  /**
   * Gives the track that a member is to be sent: everybody he hears but himself.
   *
   * @throws {RangeError} when the member listens already
   */
  addListener(memberId: string, options: RoomListenerOptions = {}): RtcTrack {
    if (this.#outputs.has(memberId)) {
      throw new RangeError(`member ${memberId} listens already`);
    }
    const source = new rtc.nonstandard.RTCAudioSource();
    const track = source.createTrack();
    const data: RtcAudioData = {
      samples: new Int16Array(0),
      sampleRate: 48_000,
      bitsPerSample: 16,
      channelCount: 1,
      numberOfFrames: 480,
    };
    this.#engine.addListener(memberId, {
      ...options,
      send: (frame) => {
        data.samples = frame;
        source.onData(data);
      },
    });
    this.#outputs.set(memberId, () => track.stop());
    return track;
  }

  /** Stops the member's track. Take it from its sender before. Unknown ids are ignored. */
  removeListener(memberId: string): void {
    this.#engine.removeListener(memberId);
    this.#outputs.get(memberId)?.();
    this.#outputs.delete(memberId);
  }

  /** An agent comes in: everybody hears what it says, and it hears the people. */
  addAgent(port: RoomAgent, options: RoomAgentOptions): void {
    if (!this.#closed) this.#engine.addAgent(port, options);
  }

  /** An agent leaves. Unknown ids are ignored. */
  removeAgent(memberId: string): void {
    this.#engine.removeAgent(memberId);
  }

  /** How loud everybody was since this was called last. */
  levels(): MemberLevel[] {
    return this.#engine.levels();
  }

  /** Figures for people who look after a room. */
  stats(): RoomStats {
    return this.#engine.stats();
  }

  /** Stops all sinks and tracks. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const trackId of [...this.#sinks.keys()]) this.removeSource(trackId);
    for (const memberId of [...this.#outputs.keys()]) this.removeListener(memberId);
    this.#engine.close();
  }
}

/** The audio of a room: tracks in, a mix for each listener and rows for agents out. @module */
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
  /** The member who speaks: the same id as their listener, so that they do not hear themselves. */
  memberId: string;
  /** Unique within the room. */
  trackId: string;
  /** The participant's id in the agents' rows. */
  participantId: string;
  /** Where the audio comes from. */
  track: RtcTrack;
  /** Whether the track begins muted. Default `false`. */
  muted?: boolean;
  /** Whether it is the sound of a shared screen, which is mixed whatever it is. Default `false`. */
  isScreen?: boolean;
}

/**
 * One room's audio: mixes the participants' tracks for each listener, who gets a track of the
 * others, and passes all participants unmixed to the agents, in rows. Runs on the sinks' clock; see
 * `RoomClock`.
 */
export class AudioRoom {
  readonly #engine: RoomEngine;
  readonly #sinks = new Map<string, () => void>();
  readonly #outputs = new Map<string, () => void>();
  #closed = false;

  /**
   * Opens a room, with the clock and the kernel of the `ChildContext`.
   *
   * @param options `log` takes at most one line a second about lost audio
   */
  constructor(options: { clock: Clock; kernel: AudioKernel; log?: (line: string) => void }) {
    this.#engine = new RoomEngine(options);
  }

  /**
   * Adds a participant's audio track. A track with the same id replaces the previous one.
   */
  addSource(source: RoomSource): void {
    if (this.#closed) return;
    this.removeSource(source.trackId);
    const { track, muted = false, ...init } = source;
    const { trackId } = source;
    const deliver = this.#engine.addSource({ ...init, muted });
    const sink = new rtc.nonstandard.RTCAudioSink(track);
    sink.ondata = deliver;
    this.#sinks.set(trackId, () => {
      sink.ondata = null;
      sink.stop();
    });
  }

  /** Removes a track: ends its open slot, then its sink. Ignores unknown ids. */
  removeSource(trackId: string): void {
    this.#sinks.get(trackId)?.();
    this.#sinks.delete(trackId);
    this.#engine.removeSource(trackId);
  }

  /** Mutes a track or unmutes it. Muting ends the open slot, and drops frames until unmuted. */
  setMuted(trackId: string, muted: boolean): void {
    this.#engine.setMuted(trackId, muted);
  }

  /**
   * Returns the track to send to a member: the mix of all other members they hear.
   *
   * @throws {RangeError} the member listens already
   */
  addListener(memberId: string, options: RoomListenerOptions = {}): RtcTrack {
    if (this.#outputs.has(memberId)) {
      throw new RangeError(`member ${memberId} listens already: remove the listener first`);
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

  /** Stops the member's track, which its sender must have released. Ignores unknown ids. */
  removeListener(memberId: string): void {
    this.#engine.removeListener(memberId);
    this.#outputs.get(memberId)?.();
    this.#outputs.delete(memberId);
  }

  /** Adds an agent: its audio is mixed for the listeners, and it gets the participants' rows. */
  addAgent(agent: RoomAgent, options: RoomAgentOptions): void {
    if (!this.#closed) this.#engine.addAgent(agent, options);
  }

  /** Removes an agent. Ignores unknown ids. */
  removeAgent(memberId: string): void {
    this.#engine.removeAgent(memberId);
  }

  /** Returns the level of each member since the last call. */
  levels(): MemberLevel[] {
    return this.#engine.levels();
  }

  /** Returns the room's figures, for operators. */
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

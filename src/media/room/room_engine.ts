/** What a room does at each tick, without WebRTC. @module */
import type { AudioKernel } from "../../audio/kernel.ts";
import type { Clock } from "../../events/clock.ts";
import { DropCounter } from "../../events/drop_counter.ts";
import type { RtcAudioData } from "../webrtc/rtc_types.ts";
import { AudioSource, KEPT_FRAMES } from "./audio_source.ts";
import { RoomClock } from "./room_clock.ts";
import { RoomMixer } from "./room_mixer.ts";
import type {
  AgentMember,
  MemberLevel,
  MixOutput,
  RoomAgent,
  RoomAgentOptions,
  RoomListenerOptions,
  TrackInput,
} from "./room_members.ts";
import { rewireFeeds, type SlotFeed } from "./slot_feed.ts";
import { ActiveSpeaker, selectSpeakers } from "./active_speaker.ts";
import { TICK_MS, TICKS_PER_SLOT } from "../../audio/grid.ts";
import { TICK_SAMPLES } from "../wire/time.ts";

/**
 * Ticks that the room mixes late after a stall; earlier ones are lost to the listeners. On a busy machine
 * stalls of some 50 ms are frequent: listeners who are sent all of it have a jitter buffer of that depth
 * after the first of them, and hear the next ones without a gap.
 */
const CATCH_UP_TICKS = KEPT_FRAMES;
/** The most silence that is sent for one stall: a jitter buffer that gets more than two seconds begins anew. */
const MAX_SILENT_TICKS = 200;
/**
 * How long the mix waits for a live agent in the middle of an utterance. An answer that comes after it
 * costs a whole tick of delay, and later a cut; the wait costs its listeners nothing, since their jitter
 * buffers bear packets that are late by less than 20 ms.
 */
const LIVE_WAIT_MS = 8;

/** Figures of a room. */
export interface RoomStats {
  /** Number of the last tick. */
  tick: number;
  /** Whether a timer stands in for sinks. */
  isTimed: boolean;
  /** Ticks that a sink was late for. */
  lateTicks: number;
  /** Ticks that were not mixed because the process had stalled. */
  skippedTicks: number;
  /** Frames that were too late or too many for the mix. */
  excessFrames: number;
  /** Frames that were missing in the mix. */
  missingFrames: number;
}

/** The audio of a room without its tracks: {@linkcode AudioRoom} between sink and source. */
export class RoomEngine {
  readonly #clock: Clock;
  readonly #kernel: AudioKernel;
  readonly #room: RoomClock;
  readonly #mixer = new RoomMixer();
  readonly #sources = new Map<string, TrackInput>();
  readonly #agents = new Map<string, AgentMember>();
  readonly #listeners = new Map<string, MixOutput>();
  readonly #silence = new Int16Array(TICK_SAMPLES);
  #speakers: ActiveSpeaker[] = [];
  #agentsHearAgents = false;
  #excessFrames = 0;
  #missingFrames = 0;
  readonly #skipped: DropCounter;
  /** The tick whose mix waits for a live agent; -1 when none does. */
  #waitingTick = -1;
  #wait: Disposable | undefined;

  constructor(options: { clock: Clock; kernel: AudioKernel; log?: (line: string) => void }) {
    this.#clock = options.clock;
    this.#skipped = new DropCounter(options.clock, (dropped, total) => {
      const ms = `${dropped * TICK_MS} ms (${total * TICK_MS} in all)`;
      options.log?.(`the media process stalled: ${ms} were not mixed`);
    });
    this.#kernel = options.kernel;
    this.#room = new RoomClock({
      clock: options.clock,
      onTick: (number, behind) => this.#onTick(number, behind),
      onSkip: (ticks) => this.#skip(ticks),
    });
  }

  /** Adds a track and returns the function that takes its sink's data. */
  addSource(
    init: {
      memberId: string;
      trackId: string;
      participantId: string;
      muted: boolean;
      isScreen?: boolean;
    },
  ): (data: RtcAudioData) => void {
    const source: TrackInput = {
      input: new AudioSource({ ...init, kernel: this.#kernel }),
      member: this.#room.attach(),
      participantId: init.participantId,
      isScreen: init.isScreen ?? false,
      speaker: new ActiveSpeaker(),
      feeds: [],
      frame: undefined,
    };
    this.#sources.set(init.trackId, source);
    for (const agent of this.#agents.values()) this.#introduce(agent, source);
    this.#rewire();
    return (data) => this.#deliver(source, data);
  }

  removeSource(trackId: string): void {
    const source = this.#sources.get(trackId);
    if (source === undefined) return;
    this.#sources.delete(trackId);
    for (const feed of source.feeds) {
      feed.close();
      feed[Symbol.dispose]();
    }
    source.feeds = [];
    for (const { connection } of this.#agents.values()) connection.rowQueue.removeSource(trackId);
    this.#excessFrames += source.input.excessFrames;
    source.input[Symbol.dispose]();
    this.#rewire();
    this.#room.detach(source.member);
  }

  setMuted(trackId: string, muted: boolean): void {
    const source = this.#sources.get(trackId);
    if (source === undefined || source.input.muted === muted) return;
    source.input.muted = muted;
    if (!muted) return;
    for (const feed of source.feeds) feed.close();
  }

  addListener(
    memberId: string,
    options: RoomListenerOptions & { send: (frame: Int16Array) => void },
  ): void {
    this.#listeners.set(memberId, {
      hears: options.hears ?? (() => true),
      othersGain: this.#othersGain(memberId),
      send: options.send,
    });
    this.#rewire();
  }

  removeListener(memberId: string): void {
    this.#listeners.delete(memberId);
    this.#rewire();
  }

  addAgent(connection: RoomAgent, options: RoomAgentOptions): void {
    if (this.#agents.has(options.memberId)) {
      throw new RangeError(`agent ${options.memberId} is in the room already`);
    }
    const agent: AgentMember = {
      connection,
      options,
      feeds: [],
      quietTicks: Infinity,
      peak: 0,
    };
    this.#agents.set(options.memberId, agent);
    for (const source of this.#sources.values()) this.#introduce(agent, source);
    for (const other of this.#agents.values()) {
      if (other === agent) continue;
      this.#introduceAgent(agent, other);
      this.#introduceAgent(other, agent);
    }
    const { playout, directed } = connection;
    playout.onArrival = () => this.#onArrival();
    if (directed) directed.onArrival = playout.onArrival;
    this.#rewire();
  }

  removeAgent(memberId: string): void {
    const agent = this.#agents.get(memberId);
    if (agent === undefined) return;
    this.#agents.delete(memberId);
    const { playout, directed } = agent.connection;
    playout.onArrival = undefined;
    if (directed) directed.onArrival = undefined;
    for (const feed of agent.feeds) {
      feed.close();
      feed[Symbol.dispose]();
    }
    for (const other of this.#agents.values()) {
      other.connection.rowQueue.removeSource(agent.options.trackId);
    }
    this.#rewire();
  }

  levels(): MemberLevel[] {
    const levels: MemberLevel[] = [];
    for (const { input, speaker, isScreen } of this.#sources.values()) {
      const { memberId, trackId, peak } = input;
      levels.push({ memberId, trackId, level: peak / 32768, speaking: speaker.isActive, isScreen });
      input.peak = 0;
    }
    for (const agent of this.#agents.values()) {
      const { memberId, trackId } = agent.options;
      const speaking = agent.quietTicks < 30;
      levels.push({ memberId, trackId, level: agent.peak / 32768, speaking, isScreen: false });
      agent.peak = 0;
    }
    return levels;
  }

  stats(): RoomStats {
    let excessFrames = this.#excessFrames;
    for (const { input } of this.#sources.values()) excessFrames += input.excessFrames;
    return {
      tick: this.#room.number,
      isTimed: this.#room.isTimed,
      lateTicks: this.#room.lateTicks,
      skippedTicks: this.#skipped.total,
      excessFrames,
      missingFrames: this.#missingFrames,
    };
  }

  close(): void {
    for (const trackId of [...this.#sources.keys()]) this.removeSource(trackId);
    for (const memberId of [...this.#agents.keys()]) this.removeAgent(memberId);
    this.#listeners.clear();
    this.#rewire();
  }

  #introduce(agent: AgentMember, { input, participantId }: TrackInput): void {
    const { memberId, hears } = agent.options;
    if (input.memberId === memberId || hears?.(input.memberId) === false) return;
    agent.connection.rowQueue.addSource(input.trackId, participantId);
  }

  #introduceAgent(listener: AgentMember, speaker: AgentMember): void {
    if (!this.#hearsAgent(listener, speaker)) return;
    const { trackId, participantId } = speaker.options;
    listener.connection.rowQueue.addSource(trackId, participantId);
  }

  #hearsAgent(listener: AgentMember, speaker: AgentMember): boolean {
    return listener !== speaker && listener.connection.audioSubscription.agents &&
      listener.options.hears?.(speaker.options.memberId) !== false;
  }

  /** Works out after each change of members who needs whose slots, and whether the clock must run. */
  #rewire(): void {
    this.#speakers = [...this.#sources.values()]
      .filter(({ isScreen }) => !isScreen).map(({ speaker }) => speaker);
    for (const source of this.#sources.values()) {
      const { memberId, trackId } = source.input;
      source.feeds = this.#feeds(
        source.feeds,
        trackId,
        ({ options }) => options.memberId !== memberId && options.hears?.(memberId) !== false,
      );
    }
    this.#agentsHearAgents = false;
    for (const agent of this.#agents.values()) {
      agent.feeds = this.#feeds(
        agent.feeds,
        agent.options.trackId,
        (listener) => this.#hearsAgent(listener, agent),
      );
      if (agent.feeds.length > 0) this.#agentsHearAgents = true;
    }
    if (this.#listeners.size + this.#agents.size > 0) this.#room.start();
    else {
      this.#room.stop();
      this.#endWait();
    }
  }

  #feeds(
    existing: SlotFeed[],
    trackId: string,
    wants: (agent: AgentMember) => boolean,
  ): SlotFeed[] {
    const rowQueues = [...this.#agents.values()].filter(wants).map(({ connection }) =>
      connection.rowQueue
    );
    return rewireFeeds(this.#kernel, existing, trackId, rowQueues);
  }

  #deliver(source: TrackInput, data: RtcAudioData): void {
    const number = this.#room.arrive(source.member);
    if (number < 0) {
      this.#excessFrames++;
      return;
    }
    const { input } = source;
    if (!input.muted) {
      input.convert(data);
      input.keep(number);
      for (const feed of source.feeds) feed.write(input.latest, number);
    }
    this.#room.delivered();
  }

  #onTick(number: number, behind: number): void {
    if (this.#waitingTick >= 0) this.#mixNow();
    if (behind >= CATCH_UP_TICKS) {
      this.#skip(1);
      this.#completeRow(number);
      return;
    }
    if (!this.#agentsHearAgents) this.#completeRow(number);
    this.#waitingTick = number;
    if (behind === 0 && this.#isExpected) {
      this.#wait = this.#clock.schedule(() => this.#mixNow(), LIVE_WAIT_MS);
    } else this.#mixNow();
  }

  /**
   * Sends silence in the place of ticks that are not mixed. Time goes on with what is sent: without it
   * all that follows would be late by the stall, and a browser's jitter buffer fills up to the same
   * depth and keeps it.
   */
  #skip(ticks: number): void {
    this.#skipped.add(ticks);
    for (const { send } of this.#listeners.values()) {
      for (let tick = 0; tick < Math.min(ticks, MAX_SILENT_TICKS); tick++) send(this.#silence);
    }
  }

  /** Whether the next frame of a live agent is worth a short wait. */
  get #isExpected(): boolean {
    for (const { connection: { playout, directed } } of this.#agents.values()) {
      if (playout.expects || directed?.expects) return true;
    }
    return false;
  }

  #onArrival(): void {
    if (this.#waitingTick >= 0 && !this.#isExpected) this.#mixNow();
  }

  #endWait(): void {
    this.#wait?.[Symbol.dispose]();
    this.#wait = undefined;
    this.#waitingTick = -1;
  }

  #mixNow(): void {
    const number = this.#waitingTick;
    this.#endWait();
    if (number < 0) return;
    this.#mixer.begin();
    this.#addPeople(number);
    this.#addAgents(number);
    for (const [memberId, listener] of this.#listeners) {
      const hears = (other: string) => other !== memberId && listener.hears(other);
      const toGain = this.#othersGain(memberId);
      const fromGain = listener.othersGain;
      listener.othersGain = toGain;
      listener.send(this.#mixer.mix(hears, { memberId, fromGain, toGain }));
    }
    if (this.#agentsHearAgents) this.#completeRow(number);
    for (const { connection } of this.#agents.values()) connection.onTick?.(number);
  }

  /** How loud a listener hears the other people: the least that an agent who speaks to them alone wants. */
  #othersGain(memberId: string): number {
    let gain = 1;
    for (const { connection: { directed } } of this.#agents.values()) {
      for (const { to, othersGain } of directed?.all ?? []) {
        if (to === memberId) gain = Math.min(gain, othersGain);
      }
    }
    return gain;
  }

  #addPeople(number: number): void {
    for (const source of this.#sources.values()) {
      const { input, speaker } = source;
      const frame = input.muted ? undefined : input.take(number);
      if (frame === undefined && !input.muted && source.member.number >= 0) this.#missingFrames++;
      source.frame = frame;
      speaker.hear(frame);
      if (frame !== undefined) input.peak = Math.max(input.peak, peakOf(frame));
    }
    selectSpeakers(this.#speakers);
    for (const { input, speaker, frame, isScreen } of this.#sources.values()) {
      // Music stands out from no noise: a screen is no open microphone.
      if (isScreen) speaker.isSelected = speaker.isActive;
      const gain = speaker.isSelected ? 1 : 0;
      if (frame !== undefined && (gain > 0 || speaker.gain > 0)) {
        this.#mixer.add(input.memberId, frame, speaker.gain, gain, { isPerson: true });
      }
      speaker.gain = gain;
    }
  }

  #addAgents(number: number): void {
    for (const agent of this.#agents.values()) {
      const { playout, directed } = agent.connection;
      // What one participant hears is neither in the others' mix nor in the rows of other agents.
      for (const { playout, to } of directed?.all ?? []) {
        const frame = playout.read();
        if (frame) this.#mixer.addFor(to, frame);
      }
      const frame = playout.read();
      for (const feed of agent.feeds) feed.write(frame ?? this.#silence, number);
      agent.quietTicks = frame === undefined ? agent.quietTicks + 1 : 0;
      if (frame === undefined) continue;
      agent.peak = Math.max(agent.peak, peakOf(frame));
      this.#mixer.add(agent.options.memberId, frame, 1, 1);
    }
  }

  #completeRow(tick: number): void {
    if (tick % TICKS_PER_SLOT !== TICKS_PER_SLOT - 1) return;
    const number = (tick - (TICKS_PER_SLOT - 1)) / TICKS_PER_SLOT;
    // A source that is late for half a slot loses that half.
    for (const { feeds } of this.#sources.values()) for (const feed of feeds) feed.complete(tick);
    for (const { connection: { rowQueue, playout } } of this.#agents.values()) {
      rowQueue.complete(number, playout.totalMs);
    }
  }
}

function peakOf(frame: Int16Array): number {
  let peak = 0;
  for (let index = 0; index < frame.length; index++) {
    const size = Math.abs(frame[index]!);
    if (size > peak) peak = size;
  }
  return peak;
}

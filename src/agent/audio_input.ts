/** The audio that an agent receives, from the connection to its processors. @module */
import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { AudioRow } from "../edge/edge_agent.ts";
import { type Participant, type TrackInfo, TrackType } from "../edge/types.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import type { Clock } from "../events/clock.ts";
import type { InputFilter } from "./input_filter.ts";
import type { Processor } from "./processor.ts";
import { allowAll, type SpeakerFilter } from "../inference/speakers/speaker_filter.ts";
import { SLOT_MS } from "../audio/grid.ts";
import { RowValues } from "../audio/row_values.ts";
import { DropCounter } from "../events/drop_counter.ts";
import { isBoolean, type Report, UserHook } from "../events/user_code.ts";
import { ParticipantRing } from "./participant_ring.ts";
import { ProcessorRunner } from "./processor_runner.ts";

/** Options for an {@linkcode AudioInput}. */
export interface AudioInputInit {
  processors: readonly Processor[];
  inputFilters: readonly InputFilter[];
  speakerFilter: SpeakerFilter;
  sampleRate: number;
  hearsAgents: boolean;
  /** Returns whether a track is the sound of a shared screen. Default: none is. */
  isScreen?: (trackId: string) => boolean;
  kernel: AudioKernel;
  clock: Clock;
  report: Report;
}

/** How many rows are processed before everything else gets a turn. */
const BATCH_ROWS = 25;
/** Credit for one row comes back in this time: twice as fast as rows arrive in real time. */
const ROW_COST_MS = SLOT_MS / 2;

/** Rows for which `playedMs` is kept. Rings hold no more. */
const PLAYED_ROWS = 512;

/** Participants whose drops are counted separately. In a long call participants come and go. */
const MAX_COUNTED_PARTICIPANTS = 256;

/** A callback that waits until the audio received before it has been processed. */
interface Afterwards {
  readonly waitsFor: readonly { ring: ParticipantRing; passed: number }[];
  readonly act: () => void;
}

/**
 * All audio that the agent receives: one ring per track, emptied row by row as soon as a slot is
 * complete. After a stall it works in batches, and other tasks run between them.
 */
export class AudioInput implements Disposable {
  readonly #options: AudioInputInit;
  readonly #rings = new Map<string, ParticipantRing>();
  /** Rings that receive no more audio and are not empty yet. */
  readonly #ending = new Set<ParticipantRing>();
  readonly #droppedByParticipant = new Map<string, number>();
  readonly #runners: readonly ProcessorRunner[];
  readonly #screenRunners: readonly ProcessorRunner[];
  readonly #drops: DropCounter;
  readonly #passes: UserHook<ParticipantAudio, readonly ParticipantAudio[]>;
  readonly #rows: UserHook;
  readonly #filterLeft: UserHook<Participant>;
  readonly #filterUpdated: UserHook<TrackInfo>;
  readonly #played = new RowValues(PLAYED_ROWS);
  readonly #row: ParticipantAudio[] = [];
  /** The sound of screens in the same row. */
  readonly #screens: ParticipantAudio[] = [];
  readonly #rowRings: ParticipantRing[] = [];
  readonly #passing: ParticipantAudio[] = [];
  readonly #rowCopy: ParticipantAudio[] = [];
  #afterwards: Afterwards[] = [];
  #started = false;
  #closed = false;
  #busy = false;
  #credit = BATCH_ROWS;
  #creditAt = 0;
  #later: Disposable | undefined;

  constructor(options: AudioInputInit) {
    const { clock, report, speakerFilter } = options;
    this.#options = options;
    const { processors } = options;
    this.#runners = processors
      .filter((one) => one.processAudio)
      .map((one) => new ProcessorRunner(one.name, (audio) => one.processAudio!(audio), options));
    this.#screenRunners = processors
      .filter((one) => one.processScreenAudio)
      .map((one) =>
        new ProcessorRunner(one.name, (audio) => one.processScreenAudio!(audio), options)
      );
    this.#drops = new DropCounter(clock, (dropped, total) => {
      const message = `${dropped} slots of ${SLOT_MS} ms were not processed in time and dropped ` +
        `(${total} in all)`;
      report(new Error(message), "processing audio");
    });
    // A row that fails does not keep the next one from being processed.
    this.#rows = new UserHook(() => this.#processRows(), {
      clock,
      report,
      context: "processing audio",
    });
    this.#passes = new UserHook((audio, row) => speakerFilter.passes(audio, row), {
      clock,
      report,
      context: "the speaker filter; the audio it was asked about is dropped",
    });
    this.#filterLeft = new UserHook((one) => speakerFilter.participantLeft?.(one), {
      clock,
      report,
      context: "the speaker filter, participantLeft",
    });
    this.#filterUpdated = new UserHook((track) => speakerFilter.trackUpdated?.(track), {
      clock,
      report,
      context: "the speaker filter, trackUpdated",
    });
  }

  /** Slots that were dropped because the processors were too slow. */
  get dropped(): number {
    return this.#drops.total;
  }

  /** Dropped slots per participant id. */
  get droppedByParticipant(): ReadonlyMap<string, number> {
    return this.#droppedByParticipant;
  }

  /** The number of tracks whose audio is not fully processed. */
  get openTracks(): number {
    return this.#rings.size + this.#ending.size;
  }

  /** Starts processing, with the audio that the rings have kept. */
  start(): void {
    this.#started = true;
    this.#drain();
  }

  /** Stops immediately, without waiting for a processor: it may be the one that closes the agent. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#later?.[Symbol.dispose]();
    for (const ring of [...this.#rings.values(), ...this.#ending]) ring[Symbol.dispose]();
    this.#rings.clear();
    this.#ending.clear();
    this.#afterwards = [];
    for (const runner of [...this.#runners, ...this.#screenRunners]) runner[Symbol.dispose]();
  }

  receiveRow(row: AudioRow): void {
    if (this.#closed) return;
    for (let index = 0; index < row.count; index++) {
      try {
        this.#receive(row.entries[index]!);
      } catch (error) {
        this.#options.report(error, "receiving a participant's audio");
      }
    }
    this.#drain();
  }

  /** Calls the filter's hook and `act` once all audio of the participant has been processed. */
  participantLeft(participant: Participant, act: () => void): void {
    const rings = [...this.#rings.values(), ...this.#ending]
      .filter((one) => one.participant.id === participant.id);
    for (const ring of rings) this.#end(ring);
    this.#whenProcessed(rings, () => {
      void this.#filterLeft.run(participant);
      act();
    });
  }

  /** Calls the filter's hook and `act` once the audio received before has been processed. */
  trackUpdated(track: TrackInfo, act: () => void): void {
    const ring = this.#ringOf(track);
    if (track.muted) ring?.closeSlot();
    this.#whenProcessed(ring ? [ring] : [], () => {
      void this.#filterUpdated.run(track);
      act();
    });
  }

  /** Calls `act` once the audio received before has been processed. */
  trackRemoved(track: TrackInfo, act: () => void): void {
    const ring = this.#ringOf(track);
    if (ring) this.#end(ring);
    this.#whenProcessed(ring ? [ring] : [], act);
  }

  #receive(audio: ParticipantAudio): void {
    const { participant, trackId, row, playedMs } = audio;
    if (playedMs !== undefined) this.#played.set(row, playedMs);
    if (participant.kind === "agent" && !this.#options.hearsAgents) return;
    const key = trackId === "" ? streamOf(participant) : trackId;
    const ring = this.#rings.get(key) ?? this.#open(key, audio);
    if (!ring) return;
    const dropped = ring.write(audio);
    if (dropped > 0) this.#countDrops(participant, dropped);
  }

  /** Opens a ring for a track, unless no processor receives its audio. */
  #open(key: string, audio: ParticipantAudio): ParticipantRing | undefined {
    const isScreen = this.#options.isScreen?.(audio.trackId) ?? false;
    if ((isScreen ? this.#screenRunners : this.#runners).length === 0) return undefined;
    // The filters are for voices.
    const inputFilters = isScreen ? [] : this.#options.inputFilters;
    const ring = new ParticipantRing(key, audio, { ...this.#options, inputFilters, isScreen });
    this.#rings.set(key, ring);
    return ring;
  }

  #countDrops(participant: Participant, dropped: number): void {
    this.#drops.add(dropped);
    const before = this.#droppedByParticipant.get(participant.id) ?? 0;
    this.#droppedByParticipant.set(participant.id, before + dropped);
    if (this.#droppedByParticipant.size > MAX_COUNTED_PARTICIPANTS) {
      this.#droppedByParticipant.delete(this.#droppedByParticipant.keys().next().value!);
    }
  }

  #ringOf(track: TrackInfo): ParticipantRing | undefined {
    const named = this.#rings.get(track.id);
    return named ??
      (track.type === TrackType.AUDIO ? this.#rings.get(streamOf(track.participant)) : undefined);
  }

  #end(ring: ParticipantRing): void {
    if (!this.#rings.delete(ring.key)) return;
    ring.closeSlot();
    this.#ending.add(ring);
  }

  #whenProcessed(rings: readonly ParticipantRing[], act: () => void): void {
    const waitsFor = rings.map((ring) => ({ ring, passed: ring.passed + ring.waiting }));
    this.#afterwards.push({ waitsFor, act });
    this.#drain();
  }

  #drain(): void {
    if (!this.#started || this.#busy || this.#closed) return;
    void this.#rows.run();
  }

  /** Returns a promise if a processor is not done yet. */
  #processRows(): Promise<void> | undefined {
    this.#busy = true;
    let pending: Promise<boolean> | undefined;
    try {
      while (!this.#closed && !pending) {
        this.#actAfterwards();
        if (!this.#collectRow()) break;
        if (!this.#mayGoOn()) break;
        pending = this.#processRow();
        if (!pending) this.#takeRow();
      }
    } catch (error) {
      // Drops the row that failed.
      this.#takeRow();
      throw error;
    } finally {
      this.#busy = pending !== undefined;
    }
    return pending?.then((isKept) => {
      if (isKept) { for (const ring of this.#rowRings) ring.replaceHead(); }
    }).finally(() => {
      this.#takeRow();
      this.#busy = false;
      this.#drain();
    });
  }

  /** Runs the callbacks whose audio has been processed by now, in order. */
  #actAfterwards(): void {
    for (const ring of this.#ending) {
      if (ring.waiting > 0) continue;
      this.#ending.delete(ring);
      ring[Symbol.dispose]();
    }
    while (this.#afterwards.length > 0 && isDue(this.#afterwards[0]!)) {
      try {
        this.#afterwards.shift()!.act();
      } catch (error) {
        this.#options.report(error, "processing a change in the call");
      }
    }
  }

  /** Collects the slots of the oldest waiting row. Returns whether there is one. */
  #collectRow(): boolean {
    this.#row.length = this.#screens.length = this.#rowRings.length = 0;
    let number = Infinity;
    for (const ring of this.#rings.values()) number = Math.min(number, ring.head?.row ?? number);
    for (const ring of this.#ending) number = Math.min(number, ring.head?.row ?? number);
    if (number === Infinity) return false;
    const playedMs = this.#played.get(number);
    for (const ring of this.#rings.values()) this.#collect(ring, number, playedMs);
    for (const ring of this.#ending) this.#collect(ring, number, playedMs);
    return true;
  }

  #collect(ring: ParticipantRing, number: number, playedMs: number | undefined): void {
    const head = ring.head;
    if (head?.row !== number) return;
    head.playedMs = playedMs;
    (ring.isScreen ? this.#screens : this.#row).push(head);
    this.#rowRings.push(ring);
  }

  #takeRow(): void {
    for (const ring of this.#rowRings) ring.takeHead();
    this.#rowRings.length = 0;
  }

  /** Returns a promise if a processor is not done yet: of whether one keeps its view. */
  #processRow(): Promise<boolean> | undefined {
    const passing = this.#filter();
    let pending: Promise<boolean>[] | undefined;
    const run = (runners: readonly ProcessorRunner[], row: readonly ParticipantAudio[]) => {
      for (const runner of row.length > 0 ? runners : []) {
        const one = runner.run(row);
        if (one) (pending ??= []).push(one);
        for (const ring of this.#rowRings) ring.restoreHead();
      }
    };
    run(this.#runners, passing);
    run(this.#screenRunners, this.#screens);
    return pending && Promise.all(pending).then((kept) => kept.includes(true));
  }

  /**
   * Returns the audio that passes the speaker filter, which is asked even about a single speaker. The
   * filter receives a fresh copy of the row each time, and may change it.
   */
  #filter(): readonly ParticipantAudio[] {
    if (this.#options.speakerFilter === allowAll) return this.#row;
    this.#passing.length = 0;
    for (const audio of this.#row) {
      this.#rowCopy.length = 0;
      for (const one of this.#row) this.#rowCopy.push(one);
      if (this.#passes.ask(audio, this.#rowCopy, isBoolean)) this.#passing.push(audio);
    }
    return this.#passing;
  }

  /** Returns whether another row may be processed in this turn; if not, schedules the next turn. */
  #mayGoOn(): boolean {
    const now = this.#options.clock.now();
    this.#credit = Math.min(BATCH_ROWS, this.#credit + (now - this.#creditAt) / ROW_COST_MS);
    this.#creditAt = now;
    if (this.#credit >= 1) {
      this.#credit--;
      return true;
    }
    this.#later ??= this.#options.clock.schedule(() => {
      this.#later = undefined;
      this.#credit = BATCH_ROWS;
      this.#drain();
    }, 0);
    return false;
  }
}

/** Returns the key of a participant's stream if the edge names no tracks. No track id equals it. */
function streamOf(participant: Participant): string {
  return `\0${participant.id}`;
}

function isDue({ waitsFor }: Afterwards): boolean {
  return waitsFor.every(({ ring, passed }) => ring.passed >= passed);
}

import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { AudioRow } from "../edge/edge_agent.ts";
import { type Participant, type TrackInfo, TrackType } from "../edge/types.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import type { Clock } from "../events/clock.ts";
import type { Processor } from "./processor.ts";
import { allowAll, type SpeakerFilter } from "../inference/speakers/speaker_filter.ts";
import { SLOT_MS } from "../audio/grid.ts";
import { RowValues } from "../audio/row_values.ts";
import { DropCounter } from "../events/drop_counter.ts";
import { type Report, UserHook, yesOrNo } from "../events/user_code.ts";
import { ParticipantRing } from "./participant_ring.ts";
import { ProcessorRunner } from "./processor_runner.ts";

/** What {@linkcode AudioInput} is made of. */
export interface AudioInputOptions {
  processors: readonly Processor[];
  speakerFilter: SpeakerFilter;
  sampleRate: number;
  hearsAgents: boolean;
  kernel: AudioKernel;
  clock: Clock;
  report: Report;
}

/** How many rows are processed before everything else gets a turn. */
const BATCH_ROWS = 25;
/** The right to process a row at once comes back twice as fast as rows do in real time. */
const ROW_COST_MS = SLOT_MS / 2;

/** For so many rows it is known how much had been played: rings hold no more. */
const PLAYED_ROWS = 512;

/** For how many participants drops are counted apart: people come and go for days. */
const MAX_DROPPED_BY = 256;

/** Something to be told when the audio that was heard before it has been processed. */
interface Afterwards {
  readonly waitsFor: readonly { inlet: ParticipantRing; passed: number }[];
  readonly act: () => void;
}

/**
 * Everything the agent hears: a ring for each track, emptied row by row the moment a slot is
 * complete. After a stall it works in batches, and everything else gets a turn between them.
 */
export class AudioInput implements Disposable {
  readonly #options: AudioInputOptions;
  readonly #inlets = new Map<string, ParticipantRing>();
  /** Inlets that get no more audio but are not emptied yet. */
  readonly #ending = new Set<ParticipantRing>();
  readonly #droppedBy = new Map<string, number>();
  readonly #runners: readonly ProcessorRunner[];
  readonly #drops: DropCounter;
  readonly #passes: UserHook<ParticipantAudio, readonly ParticipantAudio[]>;
  readonly #rows: UserHook;
  readonly #filterLeft: UserHook<Participant>;
  readonly #filterUpdated: UserHook<TrackInfo>;
  readonly #played = new RowValues(PLAYED_ROWS);
  readonly #row: ParticipantAudio[] = [];
  readonly #rowInlets: ParticipantRing[] = [];
  readonly #passing: ParticipantAudio[] = [];
  readonly #shown: ParticipantAudio[] = [];
  #afterwards: Afterwards[] = [];
  #started = false;
  #closed = false;
  #busy = false;
  #credit = BATCH_ROWS;
  #creditAt = 0;
  #later: Disposable | undefined;

  constructor(options: AudioInputOptions) {
    const { clock, report, speakerFilter } = options;
    this.#options = options;
    this.#runners = options.processors
      .filter((one) => one.processAudio)
      .map((one) => new ProcessorRunner(one, options));
    this.#drops = new DropCounter(clock, (dropped, total) => {
      const message = `${dropped} slots of ${SLOT_MS} ms were not processed in time and dropped ` +
        `(${total} in all)`;
      report(new Error(message), "hearing");
    });
    // Whatever happens to one row, the next is heard.
    this.#rows = new UserHook(() => this.#processRows(), { clock, report, context: "hearing" });
    this.#passes = new UserHook((audio, row) => speakerFilter.passes(audio, row), {
      clock,
      report,
      context: "the speaker filter, and what it was asked about is not heard",
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

  /** The same by participant id, of those who had any last. */
  get droppedBy(): ReadonlyMap<string, number> {
    return this.#droppedBy;
  }

  /** Tracks that audio is kept for right now. */
  get inlets(): number {
    return this.#inlets.size + this.#ending.size;
  }

  /** Begins to process; what was heard before has waited in the rings. */
  start(): void {
    this.#started = true;
    this.#drain();
  }

  /** Stops at once. What is being processed is not waited for: it may be what closes the agent. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#later?.[Symbol.dispose]();
    for (const inlet of [...this.#inlets.values(), ...this.#ending]) inlet[Symbol.dispose]();
    this.#inlets.clear();
    this.#ending.clear();
    this.#afterwards = [];
    for (const runner of this.#runners) runner[Symbol.dispose]();
  }

  receiveRow(row: AudioRow): void {
    if (this.#closed) return;
    for (let index = 0; index < row.count; index++) {
      try {
        this.#receive(row.entries[index]!);
      } catch (error) {
        this.#options.report(error, "hearing a participant");
      }
    }
    this.#drain();
  }

  /** Tells the filter, and calls `act`, when all that they said has been processed. */
  participantLeft(participant: Participant, act: () => void): void {
    const inlets = [...this.#inlets.values(), ...this.#ending]
      .filter((one) => one.participant.id === participant.id);
    for (const inlet of inlets) this.#end(inlet);
    this.#tell(inlets, () => {
      void this.#filterLeft.run(participant);
      act();
    });
  }

  /** Tells the filter, and calls `act`, when what was heard before has been processed. */
  trackUpdated(track: TrackInfo, act: () => void): void {
    const inlet = this.#inletOf(track);
    if (track.muted) inlet?.closeSlot();
    this.#tell(inlet ? [inlet] : [], () => {
      void this.#filterUpdated.run(track);
      act();
    });
  }

  /** Calls `act` when what was heard before has been processed. */
  trackRemoved(track: TrackInfo, act: () => void): void {
    const inlet = this.#inletOf(track);
    if (inlet) this.#end(inlet);
    this.#tell(inlet ? [inlet] : [], act);
  }

  #receive(audio: ParticipantAudio): void {
    const { participant, trackId, row, playedMs } = audio;
    if (playedMs !== undefined) this.#played.set(row, playedMs);
    if (participant.kind === "agent" && !this.#options.hearsAgents) return;
    if (this.#runners.length === 0) return;
    const key = trackId === "" ? streamOf(participant) : trackId;
    let inlet = this.#inlets.get(key);
    if (!inlet) this.#inlets.set(key, inlet = new ParticipantRing(key, audio, this.#options));
    const dropped = inlet.write(audio);
    if (dropped > 0) this.#countDrops(participant, dropped);
  }

  #countDrops(participant: Participant, dropped: number): void {
    this.#drops.add(dropped);
    const before = this.#droppedBy.get(participant.id) ?? 0;
    this.#droppedBy.set(participant.id, before + dropped);
    if (this.#droppedBy.size > MAX_DROPPED_BY) {
      this.#droppedBy.delete(this.#droppedBy.keys().next().value!);
    }
  }

  #inletOf(track: TrackInfo): ParticipantRing | undefined {
    const named = this.#inlets.get(track.id);
    return named ??
      (track.type === TrackType.AUDIO ? this.#inlets.get(streamOf(track.participant)) : undefined);
  }

  #end(inlet: ParticipantRing): void {
    if (!this.#inlets.delete(inlet.key)) return;
    inlet.closeSlot();
    this.#ending.add(inlet);
  }

  #tell(inlets: readonly ParticipantRing[], act: () => void): void {
    const waitsFor = inlets.map((inlet) => ({ inlet, passed: inlet.passed + inlet.waiting }));
    this.#afterwards.push({ waitsFor, act });
    this.#drain();
  }

  #drain(): void {
    if (!this.#started || this.#busy || this.#closed) return;
    void this.#rows.run();
  }

  /** Gives a promise where a processor is not done yet. */
  #processRows(): Promise<void> | undefined {
    this.#busy = true;
    let pending: Promise<boolean> | undefined;
    try {
      while (!this.#closed && !pending) {
        this.#settle();
        if (!this.#collectRow()) break;
        if (!this.#mayGoOn()) break;
        pending = this.#processRow();
        if (!pending) this.#takeRow();
      }
    } catch (error) {
      // Not the same row again.
      this.#takeRow();
      throw error;
    } finally {
      this.#busy = pending !== undefined;
    }
    return pending?.then((isKept) => {
      if (isKept) { for (const inlet of this.#rowInlets) inlet.giveHeadAway(); }
    }).finally(() => {
      this.#takeRow();
      this.#busy = false;
      this.#drain();
    });
  }

  /** Tells what was waiting for audio that has been processed by now, in order. */
  #settle(): void {
    for (const inlet of this.#ending) {
      if (inlet.waiting > 0) continue;
      this.#ending.delete(inlet);
      inlet[Symbol.dispose]();
    }
    while (this.#afterwards.length > 0 && isDue(this.#afterwards[0]!)) {
      try {
        this.#afterwards.shift()!.act();
      } catch (error) {
        this.#options.report(error, "telling what changed in the call");
      }
    }
  }

  /** Collects the slots of the oldest row that waits. */
  #collectRow(): boolean {
    this.#row.length = this.#rowInlets.length = 0;
    let number = Infinity;
    for (const inlet of this.#inlets.values()) number = Math.min(number, inlet.head?.row ?? number);
    for (const inlet of this.#ending) number = Math.min(number, inlet.head?.row ?? number);
    if (number === Infinity) return false;
    const playedMs = this.#played.get(number);
    for (const inlet of this.#inlets.values()) this.#collect(inlet, number, playedMs);
    for (const inlet of this.#ending) this.#collect(inlet, number, playedMs);
    return true;
  }

  #collect(inlet: ParticipantRing, number: number, playedMs: number | undefined): void {
    const head = inlet.head;
    if (head?.row !== number) return;
    head.playedMs = playedMs;
    this.#row.push(head);
    this.#rowInlets.push(inlet);
  }

  #takeRow(): void {
    for (const inlet of this.#rowInlets) inlet.takeHead();
    this.#rowInlets.length = 0;
  }

  /** Gives a promise where a processor is not done yet: of whether one keeps what it was given. */
  #processRow(): Promise<boolean> | undefined {
    const heard = this.#filter();
    if (heard.length === 0) return undefined;
    let pending: Promise<boolean>[] | undefined;
    for (const runner of this.#runners) {
      const one = runner.run(heard);
      if (one) (pending ??= []).push(one);
      for (const inlet of this.#rowInlets) inlet.mendHead();
    }
    return pending && Promise.all(pending).then((kept) => kept.includes(true));
  }

  /**
   * Those who pass: also who is alone is asked about, and whoever is not said to pass does not. The
   * filter is shown a list of its own each time, to do with as it likes.
   */
  #filter(): readonly ParticipantAudio[] {
    if (this.#options.speakerFilter === allowAll) return this.#row;
    this.#passing.length = 0;
    for (const audio of this.#row) {
      this.#shown.length = 0;
      for (const one of this.#row) this.#shown.push(one);
      if (this.#passes.ask(audio, this.#shown, yesOrNo)) this.#passing.push(audio);
    }
    return this.#passing;
  }

  /** Whether another row may be processed in this turn; if not, arranges for the next turn. */
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

/** The key of a participant's only stream, where an edge names no tracks; no track is named so. */
function streamOf(participant: Participant): string {
  return `\0${participant.id}`;
}

function isDue({ waitsFor }: Afterwards): boolean {
  return waitsFor.every(({ inlet, passed }) => inlet.passed >= passed);
}

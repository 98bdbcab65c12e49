/** The turns of one speaker, with all but the decision where they end. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { Logger } from "../../events/logger.ts";
import type { Participant } from "../../edge/types.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import type { STT, SttEvent } from "../contracts/stt.ts";
import type { EndpointingOptions, TurnOwner } from "./turn_owner.ts";
import type { UserTurnLimitOptions } from "./user_turn_limit.ts";
import type { VadOptions } from "./vad_options.ts";
import type { TurnEndReason, UserTurnObserver } from "./user_turn_observer.ts";
import type { ModelUsage } from "../pipeline_context.ts";
import { SpeakerTranscriber } from "./speaker_transcriber.ts";
import { UserTurn } from "./user_turn.ts";
import type { Report } from "../../events/user_code.ts";

/** What {@linkcode SpeakerTurns} needs. */
export interface SpeakerTurnsInit {
  sampleRate: number;
  stt: STT;
  /** What decides where turns end. */
  turnOwner: TurnOwner;
  endpointing: EndpointingOptions;
  /** How much a participant may say in one turn. */
  turnLimit: Pick<UserTurnLimitOptions, "maxDurationMs" | "maxWords">;
  vadOptions: VadOptions;
  /** Counts what the recogniser is given. */
  usage?: Pick<ModelUsage, "sttAudioMs">;
  clock: Clock;
  logger: Logger;
  /** Returns the conversation so far, for a turn detector. */
  messages: () => readonly ChatMessage[];
  observer: Required<UserTurnObserver>;
  report: Report;
}

/** The recogniser's time limit, unless the options say otherwise. */
const STT_TIMEOUT_MS = 10_000;

/**
 * The turns of one speaker: sends their speech to the recogniser, and tells the observer what becomes
 * of it. Where a turn ends is the subclass's to say.
 */
export abstract class SpeakerTurns {
  /** The participant who speaks; where participants are mixed, the loudest of them. */
  participant: Participant;
  protected readonly init: SpeakerTurnsInit;
  protected readonly transcriber: SpeakerTranscriber;
  protected readonly sttTimeoutMs: number;
  /** Whether speech has started and not stopped, as the observer knows it. */
  protected isSpeaking = false;
  protected isClosed = false;
  #turn: UserTurn | undefined;
  #turnLimit: Disposable | undefined;
  /** Turns that were ended, and whose text is not complete. */
  readonly #ending: UserTurn[] = [];

  constructor(
    participant: Participant,
    init: SpeakerTurnsInit,
    { speakerId, continuous }: { speakerId: string; continuous: boolean },
  ) {
    this.participant = participant;
    this.init = init;
    this.sttTimeoutMs = init.vadOptions.sttTimeoutMs ?? STT_TIMEOUT_MS;
    this.transcriber = new SpeakerTranscriber({
      ...init,
      speakerId,
      continuous,
      limitMs: this.sttTimeoutMs,
      onEvent: (event) => this.recognised(event),
    });
  }

  /** The turns that are not over, oldest first. */
  get turns(): readonly UserTurn[] {
    return this.#turn ? [...this.#ending, this.#turn] : this.#ending;
  }

  /** The turn in progress, to which more speech belongs. */
  protected get turn(): UserTurn | undefined {
    return this.#turn;
  }

  /** The turn that the next text belongs to. */
  protected get turnOfText(): UserTurn | undefined {
    return this.#ending[0] ?? this.#turn;
  }

  /** Takes the next 20 ms. */
  abstract processAudio(pcm: PcmChunk, isEcho: boolean): void;
  /** The VAD says that speech began. */
  abstract speechStarted(firstSoundMs: number): void;
  /** The VAD says that speech stopped. */
  abstract speechStopped(endOfSpeechMs: number): void;
  /** No audio comes for now. `endOfSpeechMs` says when it stopped in the middle of speech. */
  abstract audioStopped(endOfSpeechMs: number | undefined): void;
  protected abstract recognised(event: SttEvent): void;
  /** The participant has said as much as they may in one turn: it ends, whatever goes on. */
  protected abstract limitExceeded(): void;
  /** Stops waiting for the end of the turn. */
  protected abstract cancelEnd(): void;

  /** Ends the turn in progress, for this reason, as soon as all of its text is known. */
  async commit(reason: TurnEndReason): Promise<void> {
    this.stopSpeaking(this.init.clock.now());
    const turn = this.#turn;
    if (!turn) return;
    this.cancelEnd();
    this.#leave(turn);
    this.#ending.push(turn);
    await this.transcriber.commit({ endsTurn: true });
    this.endTurn(turn, reason);
  }

  /** Forgets the turn in progress: it is over without a text. */
  clear(): void {
    this.stopSpeaking(this.init.clock.now());
    const turn = this.#turn;
    if (!turn) return;
    void this.transcriber.commit({ discards: true });
    turn.clearText();
    this.init.observer.textChanged(turn);
    this.endTurn(turn, "committed");
  }

  /** The participant left: resolves when their turn is over, which waits for its text only. */
  async left(endOfSpeechMs: number | undefined): Promise<void> {
    if (endOfSpeechMs !== undefined) this.stopSpeaking(endOfSpeechMs);
    await this.commit("left");
    await this.transcriber.end();
  }

  /** Stops immediately, without telling the observer; resolves when the recogniser's session is closed. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelEnd();
    if (this.#turn) this.#leave(this.#turn);
    this.#ending.length = 0;
    await this.transcriber.close();
  }

  /** Returns the turn in progress, or begins one. */
  protected openTurn(firstSoundMs: number): UserTurn {
    if (this.#turn) return this.#turn;
    const { clock, turnLimit: { maxDurationMs = Infinity } } = this.init;
    const limitMs = firstSoundMs + maxDurationMs - clock.now();
    this.#turnLimit = clock.schedule(() => this.limitExceeded(), Math.max(0, limitMs));
    return this.#turn = new UserTurn(this.participant, firstSoundMs);
  }

  protected startSpeaking(turn: UserTurn, firstSoundMs: number): void {
    turn.resumedMs = firstSoundMs;
    this.isSpeaking = true;
    this.init.observer.speechStarted(turn);
  }

  protected stopSpeaking(endOfSpeechMs: number): void {
    const turn = this.#turn;
    if (!this.isSpeaking) return;
    this.isSpeaking = false;
    if (!turn) return;
    turn.endOfSpeechMs = endOfSpeechMs;
    this.init.observer.speechStopped(turn);
  }

  protected addText(turn: UserTurn, event: Extract<SttEvent, { type: "transcript" }>): void {
    const before = turn.text;
    turn.addText(event);
    if (turn.text !== before) turn.textChangedMs = this.init.clock.now();
    if (this.isSpeaking && !this.transcriber.isCommitting && /\S/.test(event.text)) {
      turn.hasInterimText = true;
    }
    this.init.observer.textChanged(turn);
    const { maxWords = Infinity } = this.init.turnLimit;
    if (turn === this.#turn && maxWords < Infinity && countWords(turn.text) >= maxWords) {
      this.limitExceeded();
    }
  }

  /** Ends a turn, unless it has ended by other means. */
  protected endTurn(turn: UserTurn, reason: TurnEndReason): void {
    if (this.isClosed || !this.turns.includes(turn)) return;
    const at = this.#ending.indexOf(turn);
    if (at >= 0) this.#ending.splice(at, 1);
    else this.#leave(turn);
    turn.endedMs = this.init.clock.now();
    this.init.observer.turnEnded(turn, reason);
  }

  /** The turn is not in progress any more: more speech belongs to another one. */
  #leave(turn: UserTurn): void {
    if (this.#turn !== turn) return;
    this.#turn = undefined;
    this.#turnLimit?.[Symbol.dispose]();
  }
}

const words = new Intl.Segmenter(undefined, { granularity: "word" });

/** Counts the words of a text, in any script. */
function countWords(text: string): number {
  let count = 0;
  for (const { isWordLike } of words.segment(text)) if (isWordLike) count++;
  return count;
}

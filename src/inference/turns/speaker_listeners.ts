/** The listeners of all participants who speak. @module */
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Participant } from "../../edge/types.ts";
import type { PlaybackReference } from "../echo/playback_reference.ts";
import type { UserTurn } from "./user_turn.ts";
import { EchoDetector } from "../echo/echo_detector.ts";
import { RowMixer } from "./row_mixer.ts";
import { SpeakerListener, type SpeakerListenerInit } from "./speaker_listener.ts";

/** What a participant is heard with. */
export type ListeningComponents = Pick<
  SpeakerListenersInit,
  "vad" | "stt" | "turnOwner" | "endpointing" | "turnLimit" | "vadOptions" | "nearSpeakerOnly"
>;

/** What {@linkcode SpeakerListeners} needs. */
export interface SpeakerListenersInit
  extends Omit<SpeakerListenerInit, "speakerId" | "echo" | "isAgentHeard"> {
  /** Whether one listener follows the mix of all participants. */
  mixSpeakers: boolean;
  /** What the agent plays, which may come back out of a loudspeaker. */
  playback: PlaybackReference;
  /** The track on which it plays. */
  track: OutboundAudioTrack;
}

/** The agent is heard through pauses of this length in what it says. */
const AGENT_PAUSE_MS = 600;

/** The id of the stream of all participants, where they are mixed. */
const ALL_SPEAKERS = "";

/** A {@linkcode SpeakerListener} for each participant who speaks, or one for all of them. */
export class SpeakerListeners {
  #init: SpeakerListenersInit;
  readonly #mixer: RowMixer | undefined;
  readonly #listeners = new Map<string, SpeakerListener>();
  /** Those of participants who have left, and whose last turn is not over yet. */
  readonly #leaving = new Set<SpeakerListener>();
  /** Those that hear with other components than the others, until there is a pause. */
  readonly #outdated = new Set<SpeakerListener>();
  /** Wait until none is left that hears with other components. */
  readonly #renewed: (() => void)[] = [];

  constructor(init: SpeakerListenersInit) {
    this.#init = init;
    if (init.mixSpeakers) this.#mixer = new RowMixer((audio) => this.#process(ALL_SPEAKERS, audio));
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** The turns in progress. */
  get turns(): UserTurn[] {
    return [...this.#listeners.values(), ...this.#leaving].flatMap(({ turns }) => turns);
  }

  /**
   * Uses other components for each participant from the next pause between their turns on; resolves when the
   * ones before are not used any more.
   */
  async use(components: ListeningComponents): Promise<void> {
    this.#init = { ...this.#init, ...components };
    for (const listener of this.#leaving) this.#outdated.add(listener);
    for (const [streamId, listener] of [...this.#listeners]) {
      this.#outdated.add(listener);
      if (listener.isIdle) this.#renew(streamId, listener);
    }
    if (this.#outdated.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#renewed.push(resolve);
    await promise;
  }

  /** Takes 20 ms of a participant; a promise is to be waited for before the next. */
  processAudio(audio: ParticipantAudio): void | Promise<void> {
    return this.#mixer ? this.#mixer.push(audio) : this.#process(audio.participant.id, audio);
  }

  /** No audio comes from this participant for now. */
  audioStopped(participant: Participant): void {
    this.#mixer?.flush();
    this.#listeners.get(participant.id)?.audioStopped();
  }

  participantLeft(participant: Participant): void {
    const { observer, report } = this.#init;
    this.#mixer?.flush();
    const listener = this.#listeners.get(participant.id);
    if (!listener) return;
    // A participant who comes back meanwhile gets a new listener.
    this.#listeners.delete(participant.id);
    this.#leaving.add(listener);
    listener.left()
      .finally(() => {
        this.#leaving.delete(listener);
        this.#ended(listener);
        observer.speakerLeft();
      })
      .catch((error) => report(error, "ending the turn of a participant who left"));
  }

  /** Ends the turn of this participant, or of all; resolves when its text is known. */
  async commitTurn(participant?: Participant): Promise<void> {
    await Promise.all(this.#of(participant).map((listener) => listener.commitTurn()));
  }

  /** Forgets the turn in progress of this participant, or of all. */
  clearTurn(participant?: Participant): void {
    for (const listener of this.#of(participant)) listener.clearTurn();
  }

  /** Stops immediately; resolves when the recogniser's sessions are closed. */
  async close(): Promise<void> {
    const listeners = [...this.#listeners.values(), ...this.#leaving];
    this.#listeners.clear();
    this.#leaving.clear();
    await Promise.all(listeners.map((listener) => listener.close()));
    for (const listener of listeners) this.#ended(listener);
  }

  /** A listener has closed. */
  #ended(listener: SpeakerListener): void {
    if (this.#outdated.delete(listener) && this.#outdated.size === 0) {
      for (const resolve of this.#renewed.splice(0)) resolve();
    }
  }

  /** Puts another listener in the place of one that hears with components of before. */
  #renew(streamId: string, listener: SpeakerListener): void {
    this.#listeners.delete(streamId);
    listener.close()
      .finally(() => this.#ended(listener))
      .catch((error) => this.#init.report(error, "closing a recogniser's session"));
  }

  #of(participant: Participant | undefined): SpeakerListener[] {
    this.#mixer?.flush();
    if (!participant || this.#mixer) return [...this.#listeners.values()];
    const listener = this.#listeners.get(participant.id);
    return listener ? [listener] : [];
  }

  #process(streamId: string, audio: ParticipantAudio): void | Promise<void> {
    const { pcm, participant, row, playedMs } = audio;
    const { playback, track } = this.#init;
    playback.update(row, playedMs ?? track.playedMs);
    let listener = this.#listeners.get(streamId);
    if (listener?.isIdle && this.#outdated.has(listener)) {
      this.#renew(streamId, listener);
      listener = undefined;
    }
    if (!listener) {
      listener = new SpeakerListener(participant, {
        ...this.#init,
        speakerId: streamId,
        echo: new EchoDetector(playback),
        isAgentHeard: (row) => playback.isAudibleAt(row, AGENT_PAUSE_MS),
      });
      this.#listeners.set(streamId, listener);
    }
    return listener.processAudio(pcm, participant, row);
  }
}

/** Follows who speaks, who listens and who is away, and emits the changes. @module */
import type { AgentState, Participant } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  AgentStateChangedEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  ToolCalledEvent,
  ToolStartedEvent,
  TranscriptEvent,
  TurnEndedEvent,
  type UserState,
  UserStateChangedEvent,
} from "../inference/contracts/events.ts";

/** What {@linkcode ConversationStates} needs. */
export interface ConversationStatesInit {
  clock: Clock;
  emit: (event: object) => void;
  /** After so long without speech of a person or the agent the people are away. */
  awayAfterMs: number;
  /** Returns for how long there may be speech at most whose words are not known yet. */
  undecidedSpeechMs: () => number;
}

/** How often to look whether speech whose words were not known was speech. */
const RECHECK_MS = 100;

/** A person in the call. */
interface Person {
  readonly participant: Participant;
  state: UserState;
  /** Whether the VAD says that they speak; it may be noise. */
  isSounding: boolean;
  /** When they stopped last. */
  stoppedMs: number;
  /** How often in succession they were found away. */
  awayCount: number;
}

/** The states of the agent and of the people in its call, by the events of their conversation. */
export class ConversationStates implements Disposable {
  readonly #init: ConversationStatesInit;
  readonly #people = new Map<string, Person>();
  readonly #tools = new Set<string>();
  #agent: AgentState = "initializing";
  #isOpen = false;
  #isAudible = false;
  #speeches = 0;
  /** When a person or the agent spoke last, or a tool ran. */
  #activeMs: number;
  #timer: Disposable | undefined;

  constructor(init: ConversationStatesInit) {
    this.#init = init;
    this.#activeMs = init.clock.now();
  }

  /** The agent may speak from now on. */
  opened(): void {
    this.#isOpen = true;
    this.#active();
    this.#updateAgent();
  }

  participantJoined(participant: Participant): void {
    if (participant.kind !== "person" || this.#people.has(participant.id)) return;
    const stoppedMs = this.#init.clock.now();
    const person: Person = {
      participant,
      state: "listening",
      isSounding: false,
      stoppedMs,
      awayCount: 0,
    };
    this.#people.set(participant.id, person);
    this.#active();
  }

  participantLeft(participant: Participant): void {
    this.#people.delete(participant.id);
  }

  /** So many things are being said by the agent, or are about to be. */
  speechesChanged(count: number): void {
    this.#speeches = count;
    this.#updateAgent();
  }

  /** Takes one of the conversation's events. */
  observe(event: object): void {
    if (event instanceof SpeechStartedEvent) this.#soundStarted(event.participant);
    else if (event instanceof SpeechStoppedEvent) this.#soundStopped(event);
    else if (event instanceof TranscriptEvent || event instanceof TurnEndedEvent) {
      if (/\S/.test(event.text)) this.#words(event.participant);
    } else if (event instanceof AgentSpeechStartedEvent || event instanceof AgentSpeechEndedEvent) {
      this.#isAudible = event instanceof AgentSpeechStartedEvent;
      this.#active();
      this.#updateAgent();
    } else if (event instanceof ToolStartedEvent || event instanceof ToolCalledEvent) {
      if (event instanceof ToolStartedEvent) this.#tools.add(event.call.id);
      else this.#tools.delete(event.call.id);
      this.#active();
      this.#updateAgent();
    }
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    this.#timer?.[Symbol.dispose]();
  }

  #soundStarted({ id }: Participant): void {
    const person = this.#people.get(id);
    if (!person) return;
    person.isSounding = true;
    // Who is away is not back for a noise.
    if (person.state !== "away") this.#change(person, "speaking");
  }

  #soundStopped({ participant: { id }, atMs }: SpeechStoppedEvent): void {
    const person = this.#people.get(id);
    if (!person) return;
    person.isSounding = false;
    person.stoppedMs = atMs;
    if (person.state !== "away") this.#change(person, "listening");
  }

  #words({ id }: Participant): void {
    const person = this.#people.get(id);
    if (!person) return;
    person.awayCount = 0;
    this.#change(person, person.isSounding ? "speaking" : "listening");
    this.#active(person.isSounding ? this.#init.clock.now() : person.stoppedMs);
  }

  #updateAgent(): void {
    if (!this.#isOpen) return;
    const isBusy = this.#speeches > 0 || this.#tools.size > 0;
    const state = this.#isAudible ? "speaking" : isBusy ? "thinking" : "listening";
    if (state === this.#agent) return;
    const previous = this.#agent;
    this.#agent = state;
    this.#active();
    this.#init.emit(new AgentStateChangedEvent({ previous, state }));
  }

  #change(person: Person, state: UserState, allAway = false): void {
    const { participant, state: previous, awayCount } = person;
    // Found away once more, after the agent has spoken, is news too.
    if (state === previous && state !== "away") return;
    person.state = state;
    this.#init.emit(
      new UserStateChangedEvent({ participant, previous, state, awayCount, allAway }),
    );
  }

  /** There was speech, or a tool ran, until this time: the silence begins again. */
  #active(atMs: number = this.#init.clock.now()): void {
    this.#activeMs = Math.max(this.#activeMs, atMs);
    this.#timer?.[Symbol.dispose]();
    if (!this.#isOpen) return;
    const { clock, awayAfterMs } = this.#init;
    const waitMs = this.#activeMs + awayAfterMs - clock.now();
    this.#timer = clock.schedule(() => this.#findAway(), Math.max(0, waitMs));
  }

  #findAway(): void {
    const { clock, undecidedSpeechMs } = this.#init;
    // It begins again when the agent has spoken, or its tool has run.
    if (this.#agent !== "listening") return;
    if (undecidedSpeechMs() > 0) {
      this.#timer = clock.schedule(() => this.#findAway(), RECHECK_MS);
      return;
    }
    const people = [...this.#people.values()];
    for (const person of people) {
      person.awayCount++;
      this.#change(person, "away", person === people.at(-1));
    }
  }
}

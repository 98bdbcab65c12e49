/** The input of an agent: audio, video, participants and tracks of its call. @module */
import type { AudioKernel } from "../audio/kernel.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import { type Participant, type TrackInfo, TrackType } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { InputFilter } from "./input_filter.ts";
import type { Processor } from "./processor.ts";
import type { SpeakerFilter } from "../inference/speakers/speaker_filter.ts";
import {
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TextReceivedEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "../edge/events.ts";
import { isBoolean, type Report, UserHook } from "../events/user_code.ts";
import { AudioInput } from "./audio_input.ts";
import { VideoInput } from "./video_input.ts";

/** Options for an {@linkcode AgentInput}. */
export interface AgentInputInit {
  edge: EdgeTransport;
  processors: readonly Processor[];
  inputFilters: readonly InputFilter[];
  speakerFilter: SpeakerFilter;
  sampleRate: number;
  hearsAgents: boolean;
  kernel: AudioKernel;
  clock: Clock;
  report: Report;
}

type Change =
  | ParticipantJoinedEvent
  | ParticipantLeftEvent
  | TextReceivedEvent
  | TrackAddedEvent
  | TrackRemovedEvent
  | TrackUpdatedEvent;

/** Follows a connection, and calls the processors with its audio, its video and its changes. */
export class AgentInput implements Disposable {
  readonly audio: AudioInput;
  readonly video: VideoInput;
  readonly #options: AgentInputInit;
  readonly #participantJoined: readonly UserHook<Participant>[];
  readonly #participantLeft: readonly UserHook<Participant>[];
  readonly #textReceived: readonly UserHook<TextReceivedEvent>[];
  readonly #passesText: UserHook<Participant>;
  readonly #trackUpdated: readonly UserHook<TrackInfo>[];
  readonly #trackRemoved: readonly UserHook<TrackInfo>[];
  #connection: CallConnection | undefined;
  #subscription: Disposable | undefined;

  constructor(options: AgentInputInit) {
    this.#options = options;
    const hooks = <T>(name: string, call: (processor: Processor, value: T) => unknown) =>
      options.processors.map((one) =>
        new UserHook<T>((value) => call(one, value), {
          ...options,
          context: `processor ${one.name}, ${name}`,
        })
      );
    this.#participantJoined = hooks(
      "participantJoined",
      (one, participant) => one.participantJoined?.(participant),
    );
    this.#participantLeft = hooks(
      "participantLeft",
      (one, participant) => one.participantLeft?.(participant),
    );
    this.#textReceived = hooks(
      "textReceived",
      (one, { participant, text }) => one.textReceived?.(participant, text),
    );
    const { speakerFilter } = options;
    this.#passesText = new UserHook(
      (participant) => speakerFilter.passesText?.(participant) ?? true,
      { ...options, context: "the speaker filter, passesText; the text is dropped" },
    );
    this.#trackUpdated = hooks("trackUpdated", (one, track) => one.trackUpdated?.(track));
    this.#trackRemoved = hooks("trackRemoved", (one, track) => one.trackRemoved?.(track));
    this.audio = new AudioInput({
      ...options,
      isScreen: (trackId) =>
        this.#connection?.tracks.get(trackId)?.type === TrackType.SCREEN_SHARE_AUDIO,
    });
    this.video = new VideoInput({
      ...options,
      subscribe: (trackId, limits) => {
        const connection = this.#connection!;
        return options.edge.addTrackSubscriber(trackId, { connection, ...limits });
      },
    });
  }

  /** Takes over the participants and tracks that are in the call, and follows the changes. */
  follow(connection: CallConnection): void {
    this.#connection = connection;
    const { events } = this.#options.edge;
    this.#subscription = events.subscribe(
      [
        ParticipantJoinedEvent,
        ParticipantLeftEvent,
        TextReceivedEvent,
        TrackAddedEvent,
        TrackRemovedEvent,
        TrackUpdatedEvent,
      ],
      (event) => {
        if (event.connection === connection) this.#change(event);
      },
    );
    for (const participant of connection.participants.values()) {
      runAll(this.#participantJoined, participant);
    }
    for (const track of connection.tracks.values()) this.video.trackChanged(track);
  }

  /** Starts processing audio. */
  start(): void {
    this.audio.start();
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]();
    this.audio[Symbol.dispose]();
    this.video[Symbol.dispose]();
  }

  #change(event: Change): void {
    switch (event.type) {
      case "participant-joined":
        return runAll(this.#participantJoined, event.participant);
      case "participant-left": {
        const { participant } = event;
        return this.audio.participantLeft(participant, () => {
          runAll(this.#participantLeft, participant);
        });
      }
      case "text-received":
        if (this.#passesText.ask(event.participant, undefined, isBoolean)) {
          runAll(this.#textReceived, event);
        }
        return;
      case "track-added":
        return this.video.trackChanged(event.track);
      case "track-updated": {
        const { track } = event;
        this.video.trackChanged(track);
        return this.audio.trackUpdated(track, () => runAll(this.#trackUpdated, track));
      }
      case "track-removed": {
        const { track } = event;
        this.video.trackRemoved(track);
        return this.audio.trackRemoved(track, () => runAll(this.#trackRemoved, track));
      }
    }
  }
}

function runAll<T>(hooks: readonly UserHook<T>[], value: T): void {
  for (const hook of hooks) void hook.run(value);
}

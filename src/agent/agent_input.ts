import type { AudioKernel } from "../audio/kernel.ts";
import type { Connection } from "../edge/connection.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { Participant, TrackInfo } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { Processor } from "./processor.ts";
import type { SpeakerFilter } from "../inference/speakers/speaker_filter.ts";
import {
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "../edge/events.ts";
import { UserHook } from "../events/user_code.ts";
import { AudioInput } from "./audio_input.ts";
import { VideoInput } from "./video_input.ts";

/** What an {@linkcode AgentInput} is made of. */
export interface AgentInputOptions {
  edge: EdgeTransport;
  processors: readonly Processor[];
  speakerFilter: SpeakerFilter;
  sampleRate: number;
  hearsAgents: boolean;
  kernel: AudioKernel;
  clock: Clock;
  report: (error: unknown, context: string) => void;
}

type Change =
  | ParticipantJoinedEvent
  | ParticipantLeftEvent
  | TrackAddedEvent
  | TrackRemovedEvent
  | TrackUpdatedEvent;

/** What the agent hears and sees, and whom: follows a connection and tells the processors. */
export class AgentInput implements Disposable {
  readonly audio: AudioInput;
  readonly video: VideoInput;
  readonly #options: AgentInputOptions;
  readonly #participantJoined: readonly UserHook<Participant>[];
  readonly #participantLeft: readonly UserHook<Participant>[];
  readonly #trackUpdated: readonly UserHook<TrackInfo>[];
  readonly #trackRemoved: readonly UserHook<TrackInfo>[];
  #connection: Connection | undefined;
  #subscription: Disposable | undefined;

  constructor(options: AgentInputOptions) {
    this.#options = options;
    const hooks = <T>(name: string, call: (processor: Processor, what: T) => unknown) =>
      options.processors.map((one) =>
        new UserHook<T>((what) => call(one, what), {
          ...options,
          context: `processor ${one.name}, ${name}`,
        })
      );
    this.#participantJoined = hooks(
      "participantJoined",
      (one, who) => one.participantJoined?.(who),
    );
    this.#participantLeft = hooks("participantLeft", (one, who) => one.participantLeft?.(who));
    this.#trackUpdated = hooks("trackUpdated", (one, track) => one.trackUpdated?.(track));
    this.#trackRemoved = hooks("trackRemoved", (one, track) => one.trackRemoved?.(track));
    this.audio = new AudioInput(options);
    this.video = new VideoInput({
      ...options,
      subscribe: (trackId) => {
        const connection = this.#connection!;
        return options.edge.addTrackSubscriber(trackId, { connection });
      },
    });
  }

  /** Takes over whoever and whatever is in the call already, and follows what changes. */
  follow(connection: Connection): void {
    this.#connection = connection;
    const { events } = this.#options.edge;
    this.#subscription = events.subscribe(
      [
        ParticipantJoinedEvent,
        ParticipantLeftEvent,
        TrackAddedEvent,
        TrackRemovedEvent,
        TrackUpdatedEvent,
      ],
      (event) => {
        if (event.connection === connection) this.#change(event);
      },
    );
    for (const participant of connection.participants.values()) this.#joined(participant);
    for (const track of connection.tracks.values()) this.video.trackChanged(track);
  }

  /** Begins to process what is heard. */
  start(): void {
    this.audio.start();
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]();
    this.audio[Symbol.dispose]();
    this.video[Symbol.dispose]();
  }

  #change(event: Change): void {
    if (event instanceof ParticipantJoinedEvent) this.#joined(event.participant);
    else if (event instanceof ParticipantLeftEvent) {
      const { participant } = event;
      this.audio.participantLeft(participant, () => {
        tell(this.#participantLeft, participant);
      });
    } else if (event instanceof TrackAddedEvent) this.video.trackChanged(event.track);
    else if (event instanceof TrackUpdatedEvent) this.#updateTrack(event.track);
    else {
      const { track } = event;
      this.video.trackRemoved(track);
      this.audio.trackRemoved(track, () => {
        tell(this.#trackRemoved, track);
      });
    }
  }

  #joined(participant: Participant): void {
    tell(this.#participantJoined, participant);
  }

  #updateTrack(track: TrackInfo): void {
    this.video.trackChanged(track);
    this.audio.trackUpdated(track, () => {
      tell(this.#trackUpdated, track);
    });
  }
}

function tell<T>(hooks: readonly UserHook<T>[], what: T): void {
  for (const hook of hooks) void hook.run(what);
}

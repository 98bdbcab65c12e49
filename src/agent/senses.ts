import type { AudioKernel } from "../audio/kernel.ts";
import type { Connection } from "../edge/connection.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { Participant, TrackInfo } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { Processor } from "./processor.ts";
import type { SpeakerFilter } from "./speaker_filter.ts";
import {
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "../edge/events.ts";
import { AudioIn } from "./audio_in.ts";
import { VideoIn } from "./video_in.ts";

/** What {@linkcode Senses} are made of. */
export interface SensesOptions {
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
export class Senses implements Disposable {
  readonly audio: AudioIn;
  readonly video: VideoIn;
  readonly #options: SensesOptions;
  #connection: Connection | undefined;
  #subscription: Disposable | undefined;

  constructor(options: SensesOptions) {
    this.#options = options;
    this.audio = new AudioIn(options);
    this.video = new VideoIn({
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
        this.#tell((processor) => processor.participantLeft?.(participant));
      });
    } else if (event instanceof TrackAddedEvent) this.video.trackChanged(event.track);
    else if (event instanceof TrackUpdatedEvent) this.#trackUpdated(event.track);
    else {
      const { track } = event;
      this.video.trackRemoved(track);
      this.audio.trackRemoved(track, () => {
        this.#tell((processor) => processor.trackRemoved?.(track));
      });
    }
  }

  #joined(participant: Participant): void {
    this.audio.participantJoined(participant);
    this.#tell((processor) => processor.participantJoined?.(participant));
  }

  #trackUpdated(track: TrackInfo): void {
    this.video.trackChanged(track);
    this.audio.trackUpdated(track, () => {
      this.#tell((processor) => processor.trackUpdated?.(track));
    });
  }

  #tell(act: (processor: Processor) => void): void {
    for (const processor of this.#options.processors) {
      try {
        act(processor);
      } catch (error) {
        this.#options.report(error, `processor ${processor.name}`);
      }
    }
  }
}

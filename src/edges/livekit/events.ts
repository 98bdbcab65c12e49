/** The events of this edge, beside those of the contract. @module */
import { type CallConnection, type Participant, ParticipantEvent } from "@ringline/edge/toolkit";

/** How a lost call was reconnected: by a new socket to the same session, or by a new join. */
export type ReconnectStrategy = "resume" | "rejoin";

/** Sent when a participant's name, metadata or attributes have changed. */
export class ParticipantUpdatedEvent extends ParticipantEvent {
  /** The event's type. */
  override readonly type = "participant-updated" as const;
  /** Their name. */
  readonly name: string;
  /** Their metadata; empty if they have none. */
  readonly metadata: string;
  /** Their attributes, e.g. those of a telephone: `"sip.callStatus"`. */
  readonly attributes: Readonly<Record<string, string>>;

  /** Created by the edge. */
  constructor(
    init: {
      connection: CallConnection;
      participant: Participant;
      name: string;
      metadata: string;
      attributes: Readonly<Record<string, string>>;
    },
  ) {
    super(init);
    this.name = init.name;
    this.metadata = init.metadata;
    this.attributes = init.attributes;
  }
}

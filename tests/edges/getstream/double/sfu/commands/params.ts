import { TrackType } from "../../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { Voice } from "../media_sources.ts";
import type { Member, Room } from "../call_room.ts";
import type { Session } from "../session.ts";
import type { Sfu } from "../sfu.ts";

/** One command: gives what the test is answered. */
export type Command = (sfu: Sfu, params: Params) => unknown;

/** What a command was given, and who and what that names. */
export class Params {
  constructor(readonly sfu: Sfu, readonly raw: Readonly<Record<string, unknown>>) {}

  has(name: string): boolean {
    return this.raw[name] !== undefined;
  }

  text(name: string, otherwise = ""): string {
    return String(this.raw[name] ?? otherwise);
  }

  number(name: string, otherwise = 0): number {
    return Number(this.raw[name] ?? otherwise);
  }

  flag(name: string): boolean {
    return Boolean(this.raw[name]);
  }

  get room(): Room {
    return this.sfu.room(this.text("cid"));
  }

  get trackType(): TrackType {
    return this.number("type", TrackType.AUDIO) as TrackType;
  }

  /** The member that has the session. */
  get participant(): Member {
    const member = this.room.members.get(this.text("sessionId"));
    if (!member) throw new Error(`no member has the session ${this.text("sessionId")}`);
    return member;
  }

  /** What that person speaks by. */
  get voice(): Voice {
    const voice = this.participant.own.get(this.trackType);
    if (!(voice instanceof Voice)) throw new Error("no microphone");
    return voice;
  }

  /** Where the user is who came over the network. */
  get agent(): Session {
    return this.sfu.sessionOf(this.text("cid"), this.text("userId"));
  }
}

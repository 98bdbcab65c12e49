/** Jobs that a server announced and that no worker took: it never says so, and does not ask again. @module */
import {
  type AgentDispatch,
  Job,
  JobType,
  type ParticipantInfo,
  ParticipantInfo_Kind,
  type Room,
} from "@livekit/protocol";
import type { EdgeTransport, JobOffer } from "@ringline/edge/toolkit";
import type { DispatchService } from "../service/dispatch_service.ts";
import { offerOf } from "./job_offer.ts";
import type { LiveKitJobKind } from "./job_kind.ts";

/** How long the server's own workers have for a job: most answer in a moment. */
const PATIENCE_MS = 3000;
/** How many rooms are looked at in one go: there is another soon. */
const ROOMS = 50;

/** What {@linkcode UntakenJobs} needs. */
export interface UntakenJobsInit {
  edge: EdgeTransport;
  dispatches: DispatchService;
  agentName: string;
  kind: LiveKitJobKind;
  /** Returns the server's time, in milliseconds since 1970. */
  serverTime: () => number;
}

/** Finds the jobs that wait in the rooms of a server. Those that a worker has are among them. */
export class UntakenJobs {
  readonly #init: UntakenJobsInit;
  #next = 0;

  constructor(init: UntakenJobsInit) {
    this.#init = init;
  }

  async find(): Promise<JobOffer[]> {
    const { dispatches } = this.#init;
    // A room without people waits for no agent.
    const rooms = (await dispatches.rooms()).filter(({ numParticipants }) => numParticipants > 0);
    if (this.#next >= rooms.length) this.#next = 0;
    const some = rooms.slice(this.#next, this.#next + ROOMS);
    this.#next += ROOMS;
    return (await Promise.all(some.map((room) => this.#inRoom(room)))).flat();
  }

  async #inRoom(room: Room): Promise<JobOffer[]> {
    const { dispatches, agentName, kind, edge, serverTime } = this.#init;
    const now = serverTime();
    const waiting = (await dispatches.list(room.name)).filter((one) =>
      one.agentName === agentName && ageOf(one, now) > PATIENCE_MS
    );
    if (waiting.length === 0) return [];
    const people = kind === "room"
      ? [undefined]
      : (await dispatches.participants(room.name)).filter((one) => isWanted(one, kind, now));
    return waiting.flatMap((dispatch) =>
      people.map((participant) => offerOf(jobOf(dispatch, room, participant), edge)!)
    );
  }
}

/** Returns the job that the server would have announced. */
function jobOf(
  { id: dispatchId, agentName, metadata }: AgentDispatch,
  room: Room,
  participant: ParticipantInfo | undefined,
): Job {
  return new Job({
    id: participant ? `${dispatchId}-${participant.sid}` : dispatchId,
    dispatchId,
    agentName,
    metadata,
    room,
    participant,
    type: participant ? JobType.JT_PARTICIPANT : JobType.JT_ROOM,
  });
}

function ageOf({ state }: AgentDispatch, now: number): number {
  return now - Number(state?.createdAt ?? 0n) / 1e6;
}

/** Whether a participant is a person for whom an agent is wanted. */
function isWanted(
  { kind: type, isPublisher, joinedAt }: ParticipantInfo,
  kind: LiveKitJobKind,
  now: number,
): boolean {
  if (type !== ParticipantInfo_Kind.STANDARD && type !== ParticipantInfo_Kind.SIP) return false;
  return now - 1000 * Number(joinedAt) > PATIENCE_MS && (kind === "participant" || isPublisher);
}

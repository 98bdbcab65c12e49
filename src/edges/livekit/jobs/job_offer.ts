/** A server's job as a worker is offered it. @module */
import { type Job, JobType } from "@livekit/protocol";
import type { EdgeTransport, JobOffer, JsonValue } from "@ringline/edge/toolkit";
import { userIdOf } from "../wire/user_id.ts";
import type { AgentSeat } from "./assigned_call.ts";
import { DISPATCH_ATTRIBUTE } from "./former_agent.ts";

/** Returns the offer of a job; `undefined` where the server names no room. */
export function offerOf(job: Job, edge: EdgeTransport): JobOffer | undefined {
  const { id, room, participant, metadata } = job;
  if (!room?.name || id === "") return undefined;
  return {
    id,
    edge,
    callId: room.name,
    ...(participant
      ? {
        user: {
          id: userIdOf(participant),
          ...(participant.name === "" ? {} : { name: participant.name }),
        },
      }
      : {}),
    metadata: readMetadata(metadata),
    original: job.toJson() as JsonValue,
  };
}

/** Returns the place of a job's agent: a room has each identity once, and may have several agents. */
export function seatOf(job: Job): AgentSeat {
  const { id, agentName, dispatchId } = job;
  return {
    identity: `agent-${id}`,
    attributes: {
      "lk.agent_name": agentName,
      ...(isForEachRoom(job) ? { [DISPATCH_ATTRIBUTE]: dispatchId } : {}),
    },
  };
}

/** Whether the server wants one such agent in each room, by itself. */
export function isForEachRoom({ agentName, type }: Pick<Job, "agentName" | "type">): boolean {
  return agentName === "" && type === JobType.JT_ROOM;
}

/** LiveKit's metadata is a text. */
function readMetadata(text: string): JsonValue {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

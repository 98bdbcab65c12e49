/** A server's job as a worker is offered it. @module */
import type { Job } from "@livekit/protocol";
import type { EdgeTransport, JobOffer, JsonValue } from "@ringline/edge/toolkit";
import { userIdOf } from "../wire/user_id.ts";
import type { AgentSeat } from "./assigned_call.ts";

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
export function seatOf({ id, agentName }: { id: string; agentName: string }): AgentSeat {
  return { identity: `agent-${id}`, attributes: { "lk.agent_name": agentName } };
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

/** The sockets of the SFU: joins, health checks, leaving and losses. @module */
import { fromBinary } from "@bufbuild/protobuf";
import {
  type SfuRequest,
  SfuRequestSchema,
} from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { join } from "./joining.ts";
import { sendTo } from "./leg.ts";
import { Refused } from "./refused.ts";
import type { Session } from "./session.ts";
import type { Sfu } from "./sfu.ts";

/** Opens a socket at an edge. */
export function openSocket(sfu: Sfu, request: Request, edge: string): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  let session: Session | undefined;
  socket.onmessage = async ({ data }) => {
    if (session?.leg.isMute) return;
    try {
      const payload = decode(data);
      if (payload.case !== "joinRequest") {
        if (!session) throw new Refused(`${payload.case} before the join`);
        return await answer(sfu, session, payload);
      }
      if (session) throw new Refused("a second join on one socket");
      session = await join(sfu, socket, edge, payload.value);
      // The client may have given up meanwhile.
      if (session && socket.readyState !== WebSocket.OPEN) lose(sfu, session, socket);
    } catch (error) {
      refuse(sfu, socket, error);
    }
  };
  socket.onclose = ({ code }) => {
    if (session) lose(sfu, session, socket, code);
  };
  socket.onerror = (event) => event.preventDefault();
  return response;
}

type Payload = Exclude<SfuRequest["payload"], { case: undefined }>;

function decode(data: unknown): Payload {
  if (!(data instanceof ArrayBuffer)) throw new Refused("a text frame");
  const { payload } = fromBinary(SfuRequestSchema, new Uint8Array(data));
  if (payload.case === undefined) throw new Refused("a request of no known kind");
  return payload;
}

/** Handles a message after the join. */
async function answer(sfu: Sfu, { room, member, leg }: Session, payload: Payload): Promise<void> {
  if (payload.case === "healthCheckRequest") {
    sfu.seen.healthChecks++;
    const { participantCount } = room;
    leg.send({ case: "healthCheckResponse", value: { participantCount } });
  } else if (payload.case === "leaveCallRequest") {
    if (payload.value.sessionId !== member.sessionId) {
      throw new Refused("leaving as another session");
    }
    leg.socket = undefined;
    await room.remove(member);
  }
}

function lose(
  sfu: Sfu,
  { room, member, leg }: Session,
  socket: WebSocket,
  code = 1000,
): void {
  if (leg.socket !== socket || leg.isClosed) return;
  leg.loseSocket();
  if (member.leg === leg && member.nextLeg && !sfu.isOffline) {
    sfu.seen.faults.push("the old socket was closed before the migration was through");
  }
  if (member.leg !== leg) {
    if (member.nextLeg !== leg && code !== 1000) {
      sfu.seen.faults.push(`the socket of an SFU that was left was closed with ${code}`);
    }
    return void leg.close();
  }
  member.removal = setTimeout(() => room.remove(member), sfu.fastDeadlineSeconds * 1000);
}

function refuse(sfu: Sfu, socket: WebSocket, error: unknown): void {
  const { code, message } = error instanceof Refused ? error : new Refused(String(error));
  sfu.seen.faults.push(message);
  sendTo(socket, { case: "error", value: { error: { code, message } } });
  socket.close(4400);
}

/** The address with which an agent joins a room, or resumes its session. @module */
import {
  ClientInfo_SDK,
  JoinRequest,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from "@livekit/protocol";
import { VERSION } from "../../wire/client.ts";

/** The version of LiveKit's protocol that is spoken here. */
const PROTOCOL = 17;

/** What a join asks for, beside what each has. */
export type JoinInit = Pick<
  Partial<JoinRequest>,
  "publisherOffer" | "reconnect" | "reconnectReason" | "participantSid"
>;

/**
 * Returns the address of a server's socket with the request in it. Tracks are subscribed to one by one:
 * an agent has no use for all pictures.
 */
export async function joinUrl(server: string, init: JoinInit): Promise<string> {
  const request = new JoinRequest({
    clientInfo: {
      // Servers adapt to the clients that they know: its messages are those of this one.
      sdk: ClientInfo_SDK.NODE,
      version: VERSION,
      protocol: PROTOCOL,
      os: Deno.build.os,
    },
    connectionSettings: { autoSubscribe: false },
    ...init,
  });
  const wrapped = new WrappedJoinRequest({
    joinRequest: await gzip(request.toBinary()),
    compression: WrappedJoinRequest_Compression.GZIP,
  });
  const text = wrapped.toBinary().toBase64({ alphabet: "base64url" });
  return `${server}/rtc/v1?join_request=${encodeURIComponent(text)}`;
}

/** An offer is large for an address: servers in front of LiveKit's may refuse it. */
async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(bytes)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

import { JoinRequest, SessionDescription, WrappedJoinRequest } from "@livekit/protocol";
import { assertEquals, assertLess } from "@std/assert";
import { joinUrl } from "../../../../src/edges/livekit/child/signal/join_url.ts";

async function read(url: string): Promise<JoinRequest> {
  const text = new URL(url).searchParams.get("join_request")!;
  const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  const { joinRequest } = WrappedJoinRequest.fromBinary(bytes);
  const stream = new Blob([new Uint8Array(joinRequest)]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return JoinRequest.fromBinary(new Uint8Array(await new Response(stream).arrayBuffer()));
}

Deno.test("joinUrl carries the offer, and subscribes to nothing by itself", async () => {
  const sdp = "v=0\r\na=mid:1\r\n".repeat(300);
  const publisherOffer = new SessionDescription({ type: "offer", sdp, id: 1 });
  const url = await joinUrl("ws://127.0.0.1:7880", { publisherOffer });
  assertEquals(new URL(url).pathname, "/rtc/v1");
  assertLess(url.length, 1000, "an address that every server takes");
  const request = await read(url);
  assertEquals(request.publisherOffer?.sdp, sdp);
  assertEquals([request.connectionSettings?.autoSubscribe, request.reconnect], [false, false]);
  assertEquals(request.clientInfo?.protocol, 17);
});

Deno.test("joinUrl names the session that is resumed", async () => {
  const url = await joinUrl("wss://a.b/path", { reconnect: true, participantSid: "PA_1" });
  assertEquals(new URL(url).pathname, "/path/rtc/v1");
  const { reconnect, participantSid } = await read(url);
  assertEquals([reconnect, participantSid], [true, "PA_1"]);
});

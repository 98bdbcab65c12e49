import {
  DisconnectReason,
  JoinResponse,
  LeaveRequest,
  Pong,
  SignalRequest,
  SignalResponse,
} from "@livekit/protocol";
import { assertEquals, assertRejects } from "@std/assert";
import { AuthenticationError, ConnectionError, EdgeError } from "../../../../src/edge/errors.ts";
import {
  type ServerMessage,
  SignalSocket,
} from "../../../../src/edges/livekit/child/signal/signal_socket.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";
import { RawSocket } from "../../../fixtures/raw_socket.ts";

/** A socket to a server that the test plays. */
class ServerSocket extends RawSocket {
  /** What was sent, decoded. */
  get requests(): SignalRequest["message"][] {
    return this.sent.map((data) => SignalRequest.fromBinary(data as Uint8Array).message);
  }

  say(message: ServerMessage): void {
    this.receive(new SignalResponse({ message }).toBinary());
  }

  override close(code = 1000): void {
    if (this.readyState !== WebSocket.CLOSED) this.end(code);
  }
}

function fixture(options: { fetch?: typeof fetch } = {}) {
  const clock = new VirtualClock();
  const raw = new ServerSocket();
  const log: string[] = [];
  const opening = SignalSocket.open({
    url: "ws://127.0.0.1:7880/rtc/v1?join_request=abc",
    token: "token",
    silenceMs: 15_000,
    onMessage: ({ case: name }) => void log.push(`message ${name}`),
    onEnd: ({ kind }) => void log.push(`end ${kind}`),
    onGarbage: (dropped) => void log.push(`garbage ${dropped}`),
    clock,
    connect: (_url, token) => {
      log.push(`connect with ${token}`);
      return raw;
    },
    fetch: options.fetch ?? (() => Promise.reject(new TypeError("refused"))),
  });
  opening.catch(() => {});
  return { clock, raw, log, opening };
}

const joinMessage: ServerMessage = { case: "join", value: new JoinResponse() };

Deno.test("SignalSocket waits for the first message, and delivers the others", async () => {
  const { raw, log, opening, clock } = fixture();
  raw.open();
  raw.say(joinMessage);
  raw.say({ case: "refreshToken", value: "newer" });
  const socket = await opening;
  assertEquals(socket.first.case, "join");
  raw.receive(Uint8Array.of(255, 255));
  assertEquals(log, ["connect with token", "message refreshToken", "garbage 1"]);
  await clock.until(socket.leave(), 1000);
  assertEquals(raw.requests.map((one) => one.case), ["leave"]);
  assertEquals(log.length, 3, "its own leaving is no end");
});

Deno.test("SignalSocket pings, and counts as lost when the server is silent for too long", async () => {
  const { raw, log, opening, clock } = fixture();
  raw.open();
  raw.say(joinMessage);
  await opening;
  await clock.advance(5000);
  const [ping] = raw.requests;
  assertEquals(ping?.case, "pingReq");
  const lastPingTimestamp = (ping?.value as { timestamp: bigint }).timestamp;
  await clock.advance(80);
  raw.say({ case: "pongResp", value: new Pong({ lastPingTimestamp }) });
  await clock.advance(4920);
  assertEquals((raw.requests[1]?.value as { rtt: bigint }).rtt, 80n);
  await clock.advance(10_100);
  assertEquals(log.slice(1), ["end silent"]);
});

Deno.test("SignalSocket fails a join that the server answers with a leave", async () => {
  const { raw, opening } = fixture();
  raw.open();
  const value = new LeaveRequest({ reason: DisconnectReason.ROOM_DELETED });
  raw.say({ case: "leave", value });
  const error = await assertRejects(() => opening, ConnectionError, "room-deleted");
  assertEquals([error.code, error.retryable], ["room-deleted", false]);
});

Deno.test("SignalSocket fails after 5 s without a first message, and closes the socket", async () => {
  const { raw, opening, clock } = fixture();
  raw.open();
  await clock.advance(5000);
  const error = await assertRejects(() => opening, ConnectionError, "within 5000 ms");
  assertEquals([error.code, raw.readyState], ["timeout", WebSocket.CLOSED]);
});

const refusals: [number | undefined, string, boolean][] = [
  [401, "unauthorized", false],
  [403, "forbidden", false],
  [404, "not-found", false],
  [503, "service-failed", true],
  [undefined, "unreachable", true],
];
for (const [status, code, retryable] of refusals) {
  Deno.test(`SignalSocket asks why it was refused: ${status ?? "no server"}`, async () => {
    const asked: string[] = [];
    const { raw, opening } = fixture({
      fetch: (url, init) => {
        asked.push(`${url} ${new Headers(init?.headers).get("authorization")}`);
        if (status === undefined) return Promise.reject(new TypeError("connection refused"));
        return Promise.resolve(new Response("invalid token: eyJhbGciOi.eyJzdWIi.c2ln", { status }));
      },
    });
    raw.end(1006);
    const error = await assertRejects(() => opening, EdgeError);
    assertEquals([error.code, error.retryable], [code, retryable]);
    assertEquals(error instanceof AuthenticationError, status === 401 || status === 403);
    assertEquals(error.message.includes("eyJ"), false, error.message);
    const address = "http://127.0.0.1:7880/rtc/v1/validate?join_request=abc";
    assertEquals(asked, [`${address} Bearer token`]);
  });
}

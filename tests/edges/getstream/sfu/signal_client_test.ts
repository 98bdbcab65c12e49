import { assertEquals, assertRejects } from "@std/assert";
import { EdgeError } from "../../../../src/edge/errors.ts";
import { SignalClient } from "../../../../src/edges/getstream/child/sfu/signal_client.ts";
import { TrackType } from "../../../../src/edge/types.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

/** A client of a server that gives these responses, one after the other, the last one for ever. */
function serverWith(...responses: (unknown | Response)[]) {
  const requests: { method: string; body: Record<string, unknown> }[] = [];
  const clients: unknown[] = [];
  const before = globalThis.fetch;
  globalThis.fetch = (url, init) => {
    requests.push({
      method: String(url).split("/").at(-1)!,
      body: JSON.parse(String(init!.body)),
    });
    clients.push(new Headers(init!.headers).get("x-stream-client"));
    const next = responses.length > 1 ? responses.shift() : responses[0];
    return Promise.resolve(next instanceof Response ? next.clone() : Response.json(next));
  };
  const clock = new VirtualClock();
  const stop = new AbortController();
  const client = new SignalClient({
    url: "https://sfu.test/twirp",
    token: "token",
    clock,
    signal: stop.signal,
  });
  return {
    client,
    clock,
    stop,
    requests,
    clients,
    [Symbol.dispose]: () => void (globalThis.fetch = before),
  };
}

const OFFER = { sdp: "offer", sessionId: "s", tracks: [] };

/** The errors of a call that is refused so: as Stream's generated server and others write it. */
async function refusedWith(error: Record<string, unknown>) {
  using server = serverWith({ sdp: "", session_id: "", ice_restart: false, error });
  const { client, clock } = server;
  const failure = await assertRejects(
    () => clock.until(client.call("SetPublisher", OFFER)),
    EdgeError,
  );
  return [failure.name, failure.code, failure.retryable, server.requests.length] as const;
}

Deno.test("SignalClient tells an SFU's errors apart, by name and by number", async () => {
  const wanted = [
    ["UNAUTHENTICATED", 401, "AuthenticationError", "unauthorized"],
    ["PERMISSION_DENIED", 403, "AuthenticationError", "forbidden"],
    ["PARTICIPANT_NOT_FOUND", 200, "ConnectionError", "not-found"],
    ["CALL_NOT_FOUND", 300, "ConnectionError", "not-found"],
    ["TOO_MANY_REQUESTS", 429, "ConnectionError", "rate-limited"],
    ["INTERNAL_SERVER_ERROR", 500, "ConnectionError", "sfu-failed"],
    ["SFU_SHUTTING_DOWN", 600, "ConnectionError", "sfu-shutting-down"],
    ["SFU_FULL", 700, "ConnectionError", "sfu-full"],
    ["PUBLISH_TRACKS_MISMATCH", 101, "ConnectionError", "refused"],
  ] as const;
  for (const [name, number, type, code] of wanted) {
    const error = { message: "no" };
    for (const shown of [`ERROR_CODE_${name}`, number]) {
      assertEquals(await refusedWith({ ...error, code: shown }), [type, code, false, 1]);
    }
  }
  assertEquals(
    (await refusedWith({ code: "ERROR_CODE_OF_TOMORROW", message: "no" }))[1],
    "refused",
  );
});

Deno.test("SignalClient repeats a call that the SFU says may be repeated, in either notation", async () => {
  for (const name of ["should_retry", "shouldRetry"]) {
    const error = { code: "ERROR_CODE_INTERNAL_SERVER_ERROR", message: "no", [name]: true };
    assertEquals(await refusedWith(error), ["ConnectionError", "sfu-failed", true, 3]);
  }
});

Deno.test("SignalClient takes an error without a reason and a message for none", async () => {
  const none = { code: "ERROR_CODE_UNSPECIFIED", message: "", should_retry: false };
  for (const error of [none, null]) {
    using server = serverWith({ sdp: "answer", session_id: "s", ice_restart: false, error });
    assertEquals(await server.clock.until(server.client.call("SetPublisher", OFFER)), "answer");
  }
});

Deno.test("SignalClient survives failures that pass: three tries to publish", async () => {
  const failure = Response.json({ code: "unavailable", msg: "busy" }, { status: 503 });
  using server = serverWith(failure, failure, { sdp: "answer" });
  assertEquals(await server.clock.until(server.client.call("SetPublisher", OFFER)), "answer");
  assertEquals(server.requests.length, 3);
});

Deno.test("SignalClient sends a candidate until it works, and no longer than the session", async () => {
  const failure = Response.json({ code: "unavailable", msg: "busy" }, { status: 503 });
  const trickle = { sessionId: "s", iceCandidate: "{}" };
  {
    using server = serverWith(...Array(9).fill(failure), {});
    await server.clock.until(server.client.call("IceTrickle", trickle));
    assertEquals(server.requests.length, 10);
  }
  using server = serverWith(failure);
  const calling = assertRejects(() => server.client.call("IceTrickle", trickle), Error, "over");
  await server.clock.advance(60_000);
  server.stop.abort(new Error("over"));
  await calling;
  assertEquals(server.clock.pending, 0);
});

Deno.test("SignalClient sends numbers for enumerations, zero included", async () => {
  using server = serverWith({});
  const muteStates = [{ trackType: Number(TrackType.AUDIO), muted: false }];
  await server.clock.until(server.client.call("UpdateMuteStates", { sessionId: "s", muteStates }));
  assertEquals(server.requests, [{
    method: "UpdateMuteStates",
    body: { sessionId: "s", muteStates: [{ trackType: 1, muted: false }] },
  }]);
});

Deno.test("SignalClient names itself as Stream's clients do", async () => {
  using server = serverWith({ sdp: "answer" });
  await server.client.call("SetPublisher", OFFER);
  const [client] = server.clients;
  assertEquals(/^ringline-getstream-v\d+\.\d+\.\d+$/.test(String(client)), true, String(client));
});

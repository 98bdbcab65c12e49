import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../../src/edge/errors.ts";
import { Requests } from "../../../src/edges/livekit/service/requests.ts";
import { Tokens } from "../../../src/edges/livekit/service/tokens.ts";
import { readSettings } from "../../../src/edges/livekit/settings.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

Deno.test("Requests says which server cannot be reached, and what stopped the request", async () => {
  const clock = new VirtualClock();
  const options = { url: "ws://127.0.0.1:7999", apiKey: "key", apiSecret: "a long secret" };
  const settings = readSettings(options, () => undefined);
  const requests = new Requests(settings, new Tokens(settings, clock), clock);
  const failed = new TypeError("fetch failed", {
    cause: new Error("error sending request for url (http://127.0.0.1:7999/a?b): refused"),
  });
  const page = new SyntaxError('Unexpected token, "<h1>" is not valid JSON');
  const reasons: [error: Error, reason: string][] = [
    [failed, "http://127.0.0.1:7999 cannot be reached: error sending request: refused"],
    [page, "the response of http://127.0.0.1:7999 is not LiveKit's: it is no JSON"],
  ];
  for (const [reason, text] of reasons) {
    const error = await assertRejects(
      () => requests.send("creating the room", () => Promise.reject(reason)),
      ConnectionError,
    );
    assertEquals([error.code, error.message], ["unreachable", `creating the room: ${text}`]);
  }
});

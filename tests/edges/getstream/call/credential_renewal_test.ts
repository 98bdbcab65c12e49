import { assert, assertEquals } from "@std/assert";
import { AuthenticationError, ConnectionError } from "../../../../src/edge/errors.ts";
import { CredentialRenewal } from "../../../../src/edges/getstream/child/call/credential_renewal.ts";
import type { SfuCredentials } from "../../../../src/edges/getstream/wire/credentials.ts";
import { RateLimitError } from "../../../../src/edges/getstream/wire/service_errors.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

const HOUR = 3_600_000;

/** A renewal whose requests `answer` answers; the times of the requests, and the errors. */
function renewalWith(answer: (clock: VirtualClock, count: number) => SfuCredentials) {
  const clock = new VirtualClock();
  const asked: number[] = [];
  const errors: unknown[] = [];
  const renewed: string[] = [];
  const renewal = new CredentialRenewal({
    clock,
    ask: () => {
      asked.push(clock.now());
      return Promise.try(() => answer(clock, asked.length));
    },
    onRenewed: (token) => void renewed.push(token),
    onMoved: () => {},
    onError: (error) => void errors.push(error),
  });
  return { clock, asked, errors, renewed, renewal };
}

/** Credentials whose token has so much time left. */
function credentialsFor(clock: VirtualClock, ms: number): SfuCredentials {
  const token = `e30.${
    btoa(JSON.stringify({ exp: Math.round((clock.epochMs() + ms) / 1000) }))
  }.e30`;
  return { edgeName: "sfu-1", url: "", socketUrl: "", token, iceServers: [], statsIntervalMs: 0 };
}

Deno.test("CredentialRenewal asks in good time, each time anew", async () => {
  const { clock, asked, errors, renewed, renewal } = renewalWith((clock) =>
    credentialsFor(clock, 100_000)
  );
  renewal.monitor(credentialsFor(clock, 100_000));
  for (let i = 0; i < 25; i++) await clock.advance(10_000);
  assertEquals([asked.length, renewed.length, errors], [3, 3, []]);
  renewal.stop();
  assertEquals(clock.pending, 0);
});

Deno.test("CredentialRenewal stops at a refusal for good and reports it once", async () => {
  const { clock, asked, errors, renewal } = renewalWith(() => {
    throw new AuthenticationError("expired", { code: "unauthorized" });
  });
  renewal.monitor(credentialsFor(clock, -5000));
  await clock.advance(HOUR);
  assertEquals([asked.length, errors.length, clock.pending], [1, 1, 0]);
});

Deno.test("CredentialRenewal asks a failing service later each time, and as late as it says", async () => {
  const { clock, asked, errors, renewal } = renewalWith((_, count) => {
    if (count === 3) throw new RateLimitError("too many", 300_000);
    throw new ConnectionError("down", { code: "service-failed", retryable: true });
  });
  renewal.monitor(credentialsFor(clock, -5000));
  for (let i = 0; i < 360; i++) await clock.advance(1000);
  const pauses = asked.slice(1).map((at, index) => at - asked[index]!);
  assert(pauses[1]! > pauses[0]! && pauses[2]! >= 300_000, `${pauses}`);
  assert(asked.length <= 7, `${asked.length} requests in 6 minutes`);
  assertEquals(errors.length, asked.length);
  renewal.stop();
  assertEquals(clock.pending, 0);
});

Deno.test("CredentialRenewal does not hurry for tokens that have expired by its clock", async () => {
  const { clock, asked, renewal } = renewalWith((clock) => credentialsFor(clock, -HOUR));
  renewal.monitor(credentialsFor(clock, -HOUR));
  for (let i = 0; i < 600; i++) await clock.advance(1000);
  assert(asked.length <= 20, `${asked.length} requests in 10 minutes`);
  renewal.stop();
});

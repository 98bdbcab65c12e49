import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../src/edge/errors.ts";
import { Rejoining } from "../../src/media/parent/rejoining.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const away = () => new ConnectionError("away", { code: "unreachable", retryable: true });
const refused = () => new ConnectionError("no", { code: "forbidden" });

Deno.test("Rejoining tries again while a try can succeed, also after one without a reply", async () => {
  const clock = new VirtualClock();
  const errors = [away(), new DOMException("no reply", "TimeoutError"), away()];
  let tries = 0;
  const rejoining = new Rejoining({ clock, limitMs: 60_000 });
  await clock.until(rejoining.run(() => {
    const error = errors[tries++];
    return error ? Promise.reject(error) : Promise.resolve();
  }));
  assertEquals(tries, 4);
  assert(clock.now() < 5000, `${clock.now()}`);
});

Deno.test("Rejoining gives up after its time, and immediately at a refusal for good", async () => {
  const clock = new VirtualClock();
  const rejoining = new Rejoining({ clock, limitMs: 60_000 });
  const error = await assertRejects(
    () => clock.until(rejoining.run(() => Promise.reject(away()))),
    ConnectionError,
    "the call was not joined again within 60000 ms: away",
  );
  assertEquals([error.code, error.retryable], ["reconnect-failed", false]);
  assert(clock.now() >= 60_000 && clock.now() < 70_000, `${clock.now()}`);
  const endedAt = clock.now();
  await assertRejects(() => rejoining.run(() => Promise.reject(refused())), ConnectionError, "no");
  assertEquals(clock.now(), endedAt);
});

Deno.test("Rejoining tries once however short its time is", async () => {
  const rejoining = new Rejoining({ clock: new VirtualClock(), limitMs: 0 });
  let tries = 0;
  await rejoining.run(() => Promise.resolve(void tries++));
  await assertRejects(() => rejoining.run(() => Promise.reject(away())), ConnectionError, "0 ms");
  assertEquals(tries, 1);
});

Deno.test("Rejoining ends with its connection, and with the next process's tries", async () => {
  const clock = new VirtualClock();
  const rejoining = new Rejoining({ clock, limitMs: 60_000 });
  const signals: AbortSignal[] = [];
  const run = () =>
    rejoining.run((signal) => {
      signals.push(signal);
      return Promise.reject(away());
    });
  const first = assertRejects(run);
  await clock.advance(0);
  const second = assertRejects(run);
  await first;
  assertEquals(signals.map(({ aborted }) => aborted), [true, false]);
  rejoining.stop();
  await second;
  const { length } = signals;
  await clock.advance(60_000);
  assertEquals(signals.length, length);
});

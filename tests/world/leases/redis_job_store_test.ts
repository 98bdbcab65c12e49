/** The store of shared jobs, on Debian's Redis. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async/delay";
import { ConnectionError } from "@ringline/edge";
import { RedisJobStore } from "@ringline/redis";
import { checkStore } from "../../leases/store_contract.ts";
import { until } from "../../fixtures/until.ts";
import { hasRedis, RedisServer } from "./_redis.ts";

/** Waits until a store has connected. */
async function connected(store: RedisJobStore): Promise<void> {
  await until("the store is connected", () => store.workers().then(() => true, () => false));
}

Deno.test({
  name: "RedisJobStore keeps the contract of a store, and the pools apart",
  ignore: !hasRedis,
  async fn() {
    await using redis = await RedisServer.start();
    await using store = new RedisJobStore({ url: redis.url, pool: "cooks" });
    await using other = new RedisJobStore({ url: redis.url });
    await connected(store);
    await checkStore(store, delay);
    await connected(other);
    assertEquals(await other.jobs({ freeOnly: false }), []);
  },
});

Deno.test({
  name: "RedisJobStore says that Redis is away, and goes on when it is back",
  ignore: !hasRedis,
  async fn() {
    await using redis = await RedisServer.start();
    await using store = new RedisJobStore({ url: redis.url });
    await connected(store);
    const limits = { leaseMs: 600_000, maxJobs: Infinity };
    const job = { key: "1", offer: { id: "1", callId: "kitchen" }, workerId: "a" };
    assertEquals((await store.claim(job, limits)).status, "claimed");
    await redis.stop();
    await assertRejects(() => store.claim(job, limits));
    await redis.restart();
    await connected(store);
    assertEquals(await store.claim({ ...job, workerId: "b" }, limits), { status: "held" });
  },
});

Deno.test({
  name: "RedisJobStore says from the first request on why Redis cannot be used",
  ignore: !hasRedis,
  async fn() {
    await using redis = await RedisServer.start();
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: redis.port });
    await connection.write(new TextEncoder().encode("CONFIG SET requirepass secret\r\n"));
    await connection.read(new Uint8Array(16));
    const reasons = {
      [redis.url]: "NOAUTH",
      [`redis://:hush@${redis.address}`]: "WRONGPASS",
      "redis://127.0.0.1:1": "ECONNREFUSED",
    };
    for (const [url, reason] of Object.entries(reasons)) {
      await using store = new RedisJobStore({ url });
      const asked = [
        () => store.workers(),
        () => store.jobs({ freeOnly: true }),
        () => store.takeTurn("a", 1),
      ];
      for (const ask of asked) {
        const { code, message } = await assertRejects(ask, ConnectionError, reason);
        assertEquals([code, message.includes("hush")], ["unreachable", false]);
      }
    }
    const closed = new RedisJobStore({ url: redis.url });
    await closed.close();
    await assertRejects(() => closed.workers());
  },
});

Deno.test("RedisJobStore names an option that is wrong, and shows no password", () => {
  const { message } = assertThrows(
    () => new RedisJobStore({ url: "http://:hush@127.0.0.1" }),
    TypeError,
    "url: expected an address",
  );
  assertEquals(message.includes("hush"), false);
  assertThrows(() => new RedisJobStore({ url: "redis://a", pool: "a b" }), TypeError, 'got "a b"');
});

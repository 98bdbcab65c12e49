import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Connections } from "../../../src/edges/local/child/connections.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

class FakeTcp {
  destroyed = false;
  #onClose = (): void => {};

  on(_event: "close", listener: () => void): void {
    this.#onClose = listener;
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#onClose();
  }
}

/** Connections, and what became of each. */
class Fixture {
  readonly clock = new VirtualClock();
  readonly connections: Connections;
  readonly tcp: FakeTcp[] = [];
  readonly evicted: number[] = [];

  constructor(limits: { most: number; mostPerAddress: number }) {
    this.connections = new Connections({
      ...limits,
      clock: this.clock,
      isShared: (address) => address === "proxy",
    });
  }

  /** Adds a connection, or a socket. */
  add(address = "proxy", { upgraded = false } = {}): number {
    const id = this.tcp.push(new FakeTcp()) - 1;
    this.connections.add(String(id), this.tcp[id]!, address);
    if (upgraded) this.connections.upgraded(String(id), () => this.evicted.push(id));
    return id;
  }

  get open(): number[] {
    return this.tcp.flatMap((one, id) => one.destroyed ? [] : [id]);
  }
}

Deno.test("Connections removes the oldest of an address that has too many, shared ones excepted", () => {
  const fixture = new Fixture({ most: 10, mostPerAddress: 2 });
  for (const address of ["a", "b", "a", "a", "proxy", "proxy", "proxy"]) fixture.add(address);
  assertEquals(fixture.open, [1, 2, 3, 4, 5, 6]);
});

Deno.test("Connections asks a socket to go, and destroys it when it does not", async () => {
  const fixture = new Fixture({ most: 2, mostPerAddress: 2 });
  for (let count = 0; count < 3; count++) fixture.add("proxy", { upgraded: true });
  assertEquals(fixture.evicted, [0]);
  assertEquals(fixture.open, [0, 1, 2]);
  await fixture.clock.advance(2000);
  assertEquals(fixture.open, [1, 2]);
});

Deno.test("Connections ends a connection that does not become a socket, and no participant's", async () => {
  const fixture = new Fixture({ most: 10, mostPerAddress: 2 });
  fixture.add();
  fixture.add("proxy", { upgraded: true });
  fixture.connections.admit(String(fixture.add()));
  await fixture.clock.advance(60_000);
  assertEquals(fixture.open, [1, 2]);
  fixture.connections.destroyAll();
  assertEquals([fixture.open, fixture.connections.size, fixture.clock.pending], [[], 0, 0]);
});

Deno.test("Connections holds at most its limits, and keeps every participant", async () => {
  const action = fc.oneof(
    fc.record({
      type: fc.constant("add" as const),
      address: fc.constantFrom("a", "b", "proxy"),
      upgraded: fc.boolean(),
    }),
    fc.record({ type: fc.constantFrom("admit" as const, "closing" as const), id: fc.nat(40) }),
    fc.record({ type: fc.constant("wait" as const), ms: fc.nat(3000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const fixture = new Fixture({ most: 4, mostPerAddress: 2 });
      const participants = new Set<number>();
      for (const one of actions) {
        if (one.type === "add") fixture.add(one.address, one);
        else if (one.type === "wait") await fixture.clock.advance(one.ms);
        else if (fixture.tcp[one.id]?.destroyed === false) {
          fixture.connections[one.type](String(one.id));
          if (one.type === "admit") participants.add(one.id);
          else participants.delete(one.id);
        }
        assert(fixture.connections.size <= 8);
        for (const id of participants) assert(!fixture.tcp[id]!.destroyed, `${id} was destroyed`);
        assertEquals(fixture.open.length, fixture.connections.size + participants.size);
      }
      fixture.connections.destroyAll();
      assertEquals([fixture.open, fixture.clock.pending], [[], 0]);
    }),
    { numRuns: 300 },
  );
});

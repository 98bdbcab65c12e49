import { assertEquals } from "@std/assert";
import { checkLimits } from "../../../src/edges/local/wire/limits.ts";
import { OpenSockets } from "../../../src/edges/local/child/open_sockets.ts";
import { Socket } from "../../../src/edges/local/child/socket.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { FakePage, settle } from "./fakes.ts";

function socket(remote: string): Socket {
  return new Socket(new FakePage(), {
    clock: new VirtualClock(),
    limits: checkLimits(),
    remote,
    log() {},
  });
}

Deno.test("OpenSockets removes the oldest silent socket of the address with the most", () => {
  const sockets = new OpenSockets();
  const [newcomer, ...flood] = ["10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2"].map(socket);
  for (const each of [newcomer!, ...flood]) sockets.add(each);
  sockets.spoke(flood[0]!);
  assertEquals(sockets.oldestSilent(), flood[1]);
  // As many here as there: the older one.
  assertEquals(sockets.oldestSilent(), newcomer);
  assertEquals(sockets.oldestSilent(), flood[2]);
  assertEquals(sockets.oldestSilent(), undefined);
  assertEquals(sockets.size, 1);
});

Deno.test("OpenSockets forgets a socket that ends", async () => {
  const sockets = new OpenSockets();
  const each = socket("10.0.0.1");
  sockets.add(each);
  each.close();
  await settle();
  assertEquals([sockets.size, sockets.oldestSilent()], [0, undefined]);
});

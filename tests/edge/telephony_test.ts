import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Agent } from "../../src/agent/agent.ts";
import { ClosedError, ConnectionError } from "../../src/edge/errors.ts";
import { DtmfReceivedEvent } from "../../src/edge/events.ts";
import { checkDtmf } from "../../src/edge/telephony.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

Deno.test("checkDtmf takes exactly the keys of a telephone and pauses", () => {
  const keys = "0123456789ABCDabcd*#,";
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
    const fits = text !== "" && text.length <= 255 && [...text].every((key) => keys.includes(key));
    if (fits) assertEquals(checkDtmf(text), text.toUpperCase());
    else assertThrows(() => checkDtmf(text), RangeError, "digits: expected 1 to 255 of 0-9, A-D");
  }));
  const some = fc.string({ unit: fc.constantFrom(...keys), minLength: 1, maxLength: 255 });
  fc.assert(fc.property(some, (text) => checkDtmf(text) === text.toUpperCase()));
});

Deno.test("an agent dials, reads a menu by its keys, and transfers the caller", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock, logger: silentLogger });
  const agent = new Agent({ edge, agentUser: { id: "agent", name: "Agent" } });
  const pressed: string[] = [];
  using _keys = edge.events.subscribe(DtmfReceivedEvent, (event) => {
    if (event.connection === agent.connection) pressed.push(event.digit);
  });
  const transfers: string[] = [];
  edge.onTransfer = ({ to, participant }) => {
    transfers.push(`${participant.participant.userId} to ${to}`);
  };
  const call = await edge.dial({ to: "+4930123456", from: "+4930999" });
  await clock.until(agent.join(call));
  const [caller] = agent.connection!.participants.values();
  assertEquals(caller?.userId, "+4930123456");
  await clock.until(agent.connection!.sendDtmf("1,2#"));
  await clock.until(agent.connection!.transfer("sip:sales@example.com"));
  assertEquals(transfers, ["+4930123456 to sip:sales@example.com"]);
  assertEquals(agent.connection!.state, "idle");
  assertEquals(pressed, []);
  await clock.until(agent.close());
});

Deno.test("a number that does not answer leaves no call behind", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock, logger: silentLogger });
  const dialled: unknown[] = [];
  edge.onDial = ({ to, from, call }) => {
    dialled.push([to, from, call.type]);
    throw new ConnectionError("no answer", { code: "no-answer", retryable: true });
  };
  const error = await assertRejects(() => edge.dial({ to: "+491", from: "+492" }), ConnectionError);
  assertEquals([error.code, error.retryable], ["no-answer", true]);
  assertEquals(dialled, [["+491", "+492", "phone"]]);
  assertEquals(edge.openRooms, 0);
});

Deno.test("closing the edge ends a call that is being dialled", async () => {
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock, logger: silentLogger });
  let heard: AbortSignal | undefined;
  const answer = Promise.withResolvers<void>();
  edge.onDial = ({ signal }) => {
    heard = signal;
    return answer.promise;
  };
  const dialled = edge.dial({ to: "+491" });
  await clock.advance(1000);
  await Promise.all([assertRejects(() => dialled, ClosedError, "the edge"), edge.close()]);
  assertEquals(heard?.aborted, true);
  answer.resolve();
  await clock.advance(10);
  assertEquals(edge.openRooms, 0);
});

Deno.test("dial and join say that a signal is none", async () => {
  await using edge = new MemoryEdge({ clock: new VirtualClock(), logger: silentLogger });
  const wrong = 5 as unknown as AbortSignal;
  await assertRejects(
    () => edge.dial({ to: "+491", signal: wrong }),
    TypeError,
    "options.signal: expected an AbortSignal, got 5",
  );
  const agent = new Agent({ edge, agentUser: { id: "agent", name: "Agent" } });
  const call = await edge.createCall("one");
  await assertRejects(
    () => agent.join(call, { signal: wrong }),
    TypeError,
    "expected an AbortSignal, got 5",
  );
  await agent.close();
});

Deno.test("MemoryEdge reports any error of a test's telephone as a ConnectionError", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock, logger: silentLogger });
  const cause = new Error("no line");
  edge.onDial = () => {
    throw cause;
  };
  const error = await assertRejects(
    () => edge.dial({ to: "+491" }),
    ConnectionError,
    "the call to +491 failed: no line",
  );
  assertEquals([error.code, error.cause], ["refused", cause]);
  edge.onDial = undefined;
  edge.onTransfer = () => Promise.reject(cause);
  const agent = new Agent({ edge, agentUser: { id: "agent", name: "Agent" } });
  await clock.until(agent.join(await edge.dial({ to: "+491" })));
  const transfer = await assertRejects(
    () => clock.until(agent.connection!.transfer("+492")),
    ConnectionError,
    "the transfer to +492 failed: no line",
  );
  assertEquals(transfer.cause, cause);
  assertEquals(agent.connection!.participants.size, 1);
  await clock.until(agent.close());
});

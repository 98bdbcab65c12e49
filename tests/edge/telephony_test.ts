import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Agent } from "../../src/agent/agent.ts";
import { ConnectionError } from "../../src/edge/errors.ts";
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

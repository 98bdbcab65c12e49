import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { ToyService } from "../../examples/lib/toy_service.ts";
import type { EdgeOptions, EdgeTransport } from "../../src/edge/edge_transport.ts";
import { conformanceTests, edgeConformance } from "../../src/testing/conformance/conformance.ts";
import type { EdgeFactory, EdgeUnderTest } from "../../src/testing/conformance/under_test.ts";
import { memoryEdgeParts, memoryEdgeUnderTest } from "../../src/testing/memory_under_test.ts";
import { CarelessEdge, ConfusedEdge, ForgetfulEdge, PatientEdge } from "./fixtures/broken_edges.ts";
import { customEdgeParts, customEdgeUnderTest } from "./fixtures/custom_edge_under_test.ts";

type EdgeClass = new (service: ToyService, options: EdgeOptions) => EdgeTransport;

/** Returns the names of the tests that an edge fails. */
async function broken(
  edgeClass: EdgeClass,
  seen?: (participant: { userId: string; id: string }) => string,
): Promise<string[]> {
  const tests = conformanceTests(
    () => customEdgeUnderTest((service, options) => new edgeClass(service, options), seen),
    { name: edgeClass.name, ...customEdgeParts, limitMs: 2000 },
  );
  const failed: string[] = [];
  for (const { name, ignore, run } of tests) {
    if (!ignore) await run().catch(() => failed.push(name));
  }
  return failed;
}

Deno.test("conformance fails an edge that does not report participants only where that matters", async () => {
  assertEquals(await broken(ForgetfulEdge), [
    "events describe the participants in the call on joining, with their tracks",
    "agents are not people: two agents alone wait, and are idle",
  ]);
});

Deno.test("conformance fails an edge that mixes up users and participants", async () => {
  assertEquals(await broken(ConfusedEdge, (participant) => participant.userId), [
    "one user on two devices is two participants, and leaving with one removes one",
  ]);
});

Deno.test("conformance fails an edge that neither checks nor leaves", async () => {
  assertEquals(await broken(CarelessEdge), [
    "a custom event of 5120 bytes arrives, and one of 5121 is a RangeError",
    "a custom event that is not JSON is a TypeError and is not sent",
    "nothing is left open",
    "no resource is left open",
  ]);
});

Deno.test("conformance fails an edge that is never idle in an empty call", async () => {
  assertEquals(await broken(PatientEdge), [
    "an empty call is idle from the moment the agent joined",
    "agents are not people: two agents alone wait, and are idle",
  ]);
});

Deno.test("conformance fails a test whose participant cannot enter, and has no uncaught error", async () => {
  const tests = conformanceTests(() => ({
    ...memoryEdgeUnderTest(),
    enter: () => Promise.reject(new Error("the door is shut")),
  }), { name: "shut", ...memoryEdgeParts });
  const waiting = tests.find(({ name }) => name.startsWith("waitForParticipant resolves when"))!;
  await assertRejects(() => waiting.run(), Error, "the door is shut");
});

Deno.test("conformanceTests throws a TypeError for an edge in place of a factory", () => {
  const edge = {} as unknown as EdgeFactory;
  assertThrows(
    () => edgeConformance(edge, { name: "edge" }),
    TypeError,
    "factory: expected a function that creates an edge under test, got object",
  );
});

Deno.test("conformance ignores what an edge with edge and enter alone cannot show", () => {
  const bare = (): EdgeUnderTest => {
    const { edge, clock, enter, [Symbol.asyncDispose]: close } = memoryEdgeUnderTest();
    return { edge, clock, enter, [Symbol.asyncDispose]: close };
  };
  const tests = conformanceTests(bare, {
    name: "bare",
    mute: false,
    customEvents: false,
    text: false,
  });
  const ignored = tests.filter(({ ignore }) => ignore).map(({ name }) => name);
  assertEquals(ignored, [
    "muting and unmuting update the track",
    "a participant who is lost and comes back was never away",
    "a participant who is lost and does not come back has left",
    "audio before its track's event is heard, and the track is added once",
    "a muted participant is not heard",
    "audio and video are published in one negotiation",
    "a track to one participant is heard by them, and by no other person or agent",
    "a track to one participant flushes and pauses as any other",
    "a track to one participant is closed when they leave",
    "a custom event of 5120 bytes arrives, and one of 5121 is a RangeError",
    "a custom event that is not JSON is a TypeError and is not sent",
    "custom events arrive unchanged, with their sender",
    "sendCustomEvent with several calls needs a connection",
    "what a person writes arrives unchanged, in order, with its author",
    "keys that the agent presses arrive in order",
    "keys that a person presses are one event each, in order",
    "a transferred person leaves the call, and of several it must be said who",
    "a transfer that fails is a ConnectionError, and the person stays",
    "dial resolves with the call when it is answered",
    "dial of a busy number is a ConnectionError, and can be aborted while it rings",
    "losing and regaining the network are events",
    "no resource is left open",
    "an edge that cannot end calls says so, and the call goes on",
  ]);
});

Deno.test("conformance fails a function of the factory whose part is not declared", async () => {
  const [first] = conformanceTests(() => memoryEdgeUnderTest(), { name: "undeclared" });
  await assertRejects(
    () => first!.run(),
    TypeError,
    "the factory has enterEarly: pass the option earlyAudio: true to test it",
  );
});

Deno.test("conformance fails a part that is declared without its function", async () => {
  const tests = conformanceTests(() => customEdgeUnderTest(), {
    name: "declared",
    ...customEdgeParts,
    networkLoss: true,
  });
  const loss = tests.find(({ name }) => name === "losing and regaining the network are events");
  await assertRejects(() => loss!.run(), TypeError, "needs EdgeUnderTest.dropNetwork: write it");
});

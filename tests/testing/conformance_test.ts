import { assertEquals, assertThrows } from "@std/assert";
import type { ToyService } from "../../examples/lib/toy_service.ts";
import type { EdgeOptions, EdgeTransport } from "../../src/edge/edge_transport.ts";
import { conformanceTests, edgeConformance } from "../../src/testing/conformance/conformance.ts";
import type { EdgeFactory } from "../../src/testing/conformance/under_test.ts";
import { CarelessEdge, ConfusedEdge, ForgetfulEdge, PatientEdge } from "./fixtures/broken_edges.ts";
import { customEdgeUnderTest } from "./fixtures/custom_edge_under_test.ts";

type EdgeClass = new (service: ToyService, options: EdgeOptions) => EdgeTransport;

/** The sentences that an edge does not live up to. */
async function broken(
  edgeClass: EdgeClass,
  seen?: (party: { userId: string; id: string }) => string,
): Promise<string[]> {
  const tests = conformanceTests(
    () => customEdgeUnderTest((service, options) => new edgeClass(service, options), seen),
    { name: edgeClass.name, video: false, limitMs: 2000 },
  );
  const failed: string[] = [];
  for (const { name, run } of tests) await run().catch(() => failed.push(name));
  return failed;
}

Deno.test("an edge that does not say who is there fails just where that matters", async () => {
  assertEquals(await broken(ForgetfulEdge), [
    "who is in the call already is announced on joining, with the tracks",
    "an agent is no person: two agents alone wait, and are idle",
  ]);
});

Deno.test("an edge that takes users for participants fails with one user on two devices", async () => {
  assertEquals(await broken(ConfusedEdge, (party) => party.userId), [
    "one user on two devices is two participants, and leaving with one takes one away",
  ]);
});

Deno.test("an edge that checks and leaves nothing fails where it must not do so", async () => {
  assertEquals(await broken(CarelessEdge), [
    "a custom event of 5120 bytes arrives, and one of 5121 is a RangeError",
    "what is not JSON is a TypeError and is not sent",
    "nothing is left open",
  ]);
});

Deno.test("an edge that is never idle in an empty call fails where idling is asked for", async () => {
  assertEquals(await broken(PatientEdge), [
    "a call that nobody joined is idle from the moment the agent joined",
    "an agent is no person: two agents alone wait, and are idle",
  ]);
});

Deno.test("an edge in place of a factory is a TypeError immediately", () => {
  const edge = {} as unknown as EdgeFactory;
  assertThrows(
    () => edgeConformance(edge, { name: "edge" }),
    TypeError,
    "factory must be a function that makes an edge under test, got object",
  );
});

import { assertEquals, assertThrows } from "@std/assert";
import type { ToyService } from "../../examples/lib/toy_service.ts";
import type { EdgeOptions, EdgeTransport } from "../../src/edge/edge_transport.ts";
import { conformanceTests, edgeConformance } from "../../src/testing/conformance/conformance.ts";
import type { EdgeFactory } from "../../src/testing/conformance/under_test.ts";
import { CarelessEdge, ConfusedEdge, ForgetfulEdge, PatientEdge } from "./fixtures/broken_edges.ts";
import { customEdgeUnderTest } from "./fixtures/custom_edge_under_test.ts";

type EdgeClass = new (service: ToyService, options: EdgeOptions) => EdgeTransport;

/** Returns the names of the tests that an edge fails. */
async function broken(
  edgeClass: EdgeClass,
  seen?: (participant: { userId: string; id: string }) => string,
): Promise<string[]> {
  const tests = conformanceTests(
    () => customEdgeUnderTest((service, options) => new edgeClass(service, options), seen),
    { name: edgeClass.name, video: false, limitMs: 2000 },
  );
  const failed: string[] = [];
  for (const { name, run } of tests) await run().catch(() => failed.push(name));
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
  ]);
});

Deno.test("conformance fails an edge that is never idle in an empty call", async () => {
  assertEquals(await broken(PatientEdge), [
    "an empty call is idle from the moment the agent joined",
    "agents are not people: two agents alone wait, and are idle",
  ]);
});

Deno.test("conformanceTests throws a TypeError for an edge in place of a factory", () => {
  const edge = {} as unknown as EdgeFactory;
  assertThrows(
    () => edgeConformance(edge, { name: "edge" }),
    TypeError,
    "factory must be a function that creates an edge under test, got object",
  );
});

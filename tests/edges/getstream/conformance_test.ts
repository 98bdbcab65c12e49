import { edgeConformance } from "../../../src/testing/conformance/conformance.ts";
import { getStreamEdgeUnderTest } from "./conformance_edge.ts";

// A codec and two jitter buffers, which stretch sound on a machine that is busy otherwise.
edgeConformance(getStreamEdgeUnderTest, {
  name: "GetStreamEdge",
  networkLoss: true,
  participantLoss: true,
  openResources: true,
  toleranceMs: 200,
});

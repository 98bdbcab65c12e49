import { edgeConformance } from "../../src/testing/conformance/conformance.ts";
import { getStreamEdgeUnderTest } from "./under_test.ts";

// A codec, two jitter buffers and a network between them.
edgeConformance(getStreamEdgeUnderTest, { name: "GetStreamEdge", toleranceMs: 120 });

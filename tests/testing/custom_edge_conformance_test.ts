import { edgeConformance } from "../../src/testing/conformance/conformance.ts";
import { customEdgeParts, customEdgeUnderTest } from "./fixtures/custom_edge_under_test.ts";

edgeConformance(() => customEdgeUnderTest(), { name: "CustomEdge", ...customEdgeParts });

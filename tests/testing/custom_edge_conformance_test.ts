import { edgeConformance } from "../../src/testing/conformance/conformance.ts";
import { customEdgeUnderTest } from "./fixtures/custom_edge_under_test.ts";

edgeConformance(() => customEdgeUnderTest(), { name: "CustomEdge", video: false });

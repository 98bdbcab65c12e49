import { edgeConformance } from "../../src/testing/conformance/conformance.ts";
import { memoryEdgeParts, memoryEdgeUnderTest } from "../../src/testing/memory_under_test.ts";

edgeConformance(() => memoryEdgeUnderTest(), { name: "MemoryEdge", ...memoryEdgeParts });

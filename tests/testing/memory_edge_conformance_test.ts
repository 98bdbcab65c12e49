import { edgeConformance } from "../../src/testing/conformance/conformance.ts";
import { memoryEdgeUnderTest } from "../../src/testing/memory_under_test.ts";

edgeConformance(() => memoryEdgeUnderTest(), { name: "MemoryEdge" });

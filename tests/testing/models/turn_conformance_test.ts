import {
  fixedEndpointing,
  punctuationEndpointing,
} from "../../../src/inference/contracts/turn_detector.ts";
import { turnConformance } from "../../../src/testing/mod.ts";

turnConformance(() => fixedEndpointing(), { name: "fixedEndpointing" });
turnConformance(() => punctuationEndpointing(), { name: "punctuationEndpointing" });

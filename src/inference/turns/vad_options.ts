/** The option `turnHandling.vad`. @module */
import type { VadStateMachineOptions } from "../vad/vad_state_machine.ts";

/** Options for the detection of speech, and for its way to the recogniser. */
export interface VadOptions extends VadStateMachineOptions {
  /** How much audio before the first sound the recogniser gets. Default 300. */
  prefixPaddingMs?: number;
  /** The longest segment of speech: longer ones are split, within one turn. 1000 to 60,000; default 30,000. */
  maxSegmentMs?: number;
  /** How long the recogniser may take after the last sound; `Infinity` sets no limit. Default 10,000. */
  sttTimeoutMs?: number;
}

/** The call that is checked: a speaker and a listener, each on an edge of its own. @module */
import type { Call } from "../../src/edge/call.ts";
import type { CallConnection } from "../../src/edge/call_connection.ts";
import type { GetStreamEdge } from "../../src/edges/getstream/mod.ts";
import type { Check } from "./check.ts";
import type { MeasuringAgent } from "./measuring_agent.ts";
import type { publishTone } from "./tone.ts";

/** What the checks of a call share. */
export interface CheckedCall {
  check: Check;
  /** The settings of the edges. */
  settings: { basePath: string | undefined };
  speaking: GetStreamEdge;
  listening: GetStreamEdge;
  speaker: MeasuringAgent;
  listener: MeasuringAgent;
  call: Call;
  /** The speaker's connection. */
  first: CallConnection;
  /** The listener's connection. */
  second: CallConnection;
  /** What the speaker sends. */
  tone: ReturnType<typeof publishTone>;
}

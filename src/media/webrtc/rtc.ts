/**
 * The part of wrtc that this package uses, typed by hand (wrtc's own types need the browser's
 * library, which Deno does not load). The only file that names the add-on: only the media process
 * imports it, never the agent's program.
 *
 * @module
 */
import wrtc from "@roamhq/wrtc";
import type { RtcModule } from "./rtc_types.ts";

/** The add-on. One isolate of a process may use it, and the process must end by `Deno.exit`. */
export const rtc: RtcModule = wrtc as unknown as RtcModule;

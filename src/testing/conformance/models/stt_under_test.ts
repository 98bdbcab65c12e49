/** What the author of a recogniser's adapter implements for its conformance kit. @module */
import type { STT } from "../../../inference/contracts/stt.ts";
import { checkOptions } from "../../../events/checks.ts";
import type { VirtualClock } from "../../virtual_clock.ts";
import { type ServiceAct, type ServiceUnderTest, startService } from "./service_act.ts";

/** What the recogniser behind an adapter does with a segment of speech. */
export interface STTAct extends ServiceAct {
  /** The text that it understands. Default: none. */
  readonly text?: string;
}

/** A recogniser, and the service behind it. */
export interface STTUnderTest extends ServiceUnderTest {
  /** The recogniser. */
  readonly stt: STT;
  /** The recogniser's clock, if it is a virtual one. */
  readonly clock?: VirtualClock;
}

/** Creates a recogniser for one test; one act for each segment of speech, the last one is repeated. */
export type STTFactory = (acts: readonly STTAct[]) => STTUnderTest | Promise<STTUnderTest>;

/** Options for {@linkcode sttOverHttp}. */
export interface STTOverHttpOptions {
  /** Returns the adapter for a service at this address. */
  create: (baseUrl: string) => STT | Promise<STT>;
  /** Returns the body of a response. Default: `{"text": ...}`. */
  encode?: (text: string) => string;
}

/**
 * Returns a factory for an adapter of a service over HTTP that is asked once for each segment of speech.
 * It starts a real server on the loopback for each test.
 */
export function sttOverHttp(options: STTOverHttpOptions): STTFactory {
  checkOptions(options, "options", { create: true, encode: true }, "an object like { create }");
  const { create, encode = toJson } = options;
  return async (acts) => {
    const service = startService(acts, "application/json", ({ text = "" }) => {
      const body = new TextEncoder().encode(encode(text));
      // In two pieces, so that there is something between them.
      return [body.slice(0, body.length >> 1), body.slice(body.length >> 1)];
    });
    return { ...service, stt: await create(service.baseUrl) };
  };
}

function toJson(text: string): string {
  return JSON.stringify({ text });
}

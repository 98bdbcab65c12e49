/** A call, and the options for creating one. @module */
import type { User } from "./types.ts";
import { checkCall } from "./validation.ts";
import { checkOptions } from "../events/checks.ts";

/** Options for creating or finding a call. */
export interface CreateCallOptions {
  /** The service's kind of call, e.g. `"audio_room"`. Default `"default"`. */
  callType?: string;
  /** The user who creates the call. Default: the authenticated user. */
  createdBy?: User;
  /** Aborts the request, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A call that participants can join. Having a `Call` does not mean being in it. */
export class Call {
  /** The call's identifier, unique within its type. */
  readonly id: string;
  /** The service's kind of call. */
  readonly type: string;
  /** The service's own response, for what this contract does not carry. */
  readonly original: unknown;

  /**
   * Creates a `Call`; the service is not asked.
   *
   * @throws {TypeError} `id` or `type` is not a text of 1 to 255 characters without control
   *   characters.
   */
  constructor(init: { id: string; type?: string; original?: unknown }) {
    checkOptions(
      init,
      "init",
      { id: true, type: true, original: true },
      'an object like { id: "kitchen" }',
    );
    this.id = init.id;
    this.type = init.type ?? "default";
    this.original = init.original;
    checkCall(this);
  }
}

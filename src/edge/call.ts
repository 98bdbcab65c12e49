import type { User } from "./types.ts";
import { checkCall } from "./validation.ts";
import { checkObject } from "../events/checks.ts";

/** What can be said when a call is created or looked up. */
export interface CreateCallOptions {
  /** The service's kind of call, e.g. `"audio_room"`. Default `"default"`. */
  callType?: string;
  /** On whose behalf the call is created; the authenticated user by default. */
  createdBy?: User;
  /** Aborting it gives up, with the signal's reason. */
  signal?: AbortSignal;
}

/** A call: somewhere that participants can meet. Holding one does not mean being in it. */
export class Call {
  /** The call's identifier, unique within its type. */
  readonly id: string;
  /** The service's kind of call. */
  readonly type: string;
  /** The service's own answer, for what this contract does not carry. */
  readonly original: unknown;

  /**
   * Makes a call.
   *
   * @throws {TypeError} `id` or `type` is not a text of 1 to 255 characters without control
   *   characters.
   */
  constructor(init: { id: string; type?: string; original?: unknown }) {
    checkObject(init, "init", 'an object like { id: "kitchen" }');
    this.id = init.id;
    this.type = init.type ?? "default";
    this.original = init.original;
    checkCall(this);
  }
}

/** The result of a tool that hands the call over. @module */

/** What a tool returns to hand the call over to another agent; see `handoff`. */
export class Handoff {
  /** Creates the result from what `Agent.handoff` takes. */
  constructor(
    /** The next agent, as `Agent.handoff` takes it. */
    readonly to: object,
  ) {}
}

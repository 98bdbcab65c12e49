import { EdgeError, type EdgeErrorOptions } from "../../edge/errors.ts";

/** A model, or the service behind it, failed. */
export class InferenceError extends EdgeError {
  /** The name of the class. */
  override name = "InferenceError";
  /** The HTTP status, where the service responded with one. */
  readonly status: number | undefined;

  /** An error with a `code` to compare with. */
  constructor(message: string, options: EdgeErrorOptions & { status?: number }) {
    super(message, options);
    this.status = options.status;
  }
}

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

/** Returns an error that was caught if it is an {@linkcode InferenceError}; anything may be thrown. */
export function inferenceErrorIn(error: unknown): InferenceError | undefined {
  try {
    return error instanceof InferenceError ? error : undefined;
  } catch {
    // A revoked proxy has no prototype.
    return undefined;
  }
}

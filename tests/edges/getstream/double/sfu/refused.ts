/** An invalid message of a client: the client's fault, unless `isFault` is `false`. */
export class Refused extends Error {
  override name = "Refused";
  readonly isFault: boolean;

  constructor(message: string, readonly code = 400, options: { isFault?: boolean } = {}) {
    super(message);
    this.isFault = options.isFault ?? true;
  }
}

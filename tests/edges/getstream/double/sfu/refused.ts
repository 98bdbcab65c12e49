/** A message that is not what it must be: the client is wrong, unless `isFault` says otherwise. */
export class Refused extends Error {
  override name = "Refused";
  readonly isFault: boolean;

  constructor(message: string, readonly code = 400, options: { isFault?: boolean } = {}) {
    super(message);
    this.isFault = options.isFault ?? true;
  }
}

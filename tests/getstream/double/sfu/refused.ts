/** A message that is not what it must be: the client is wrong. */
export class Refused extends Error {
  override name = "Refused";
  constructor(message: string, readonly code = 400) {
    super(message);
  }
}

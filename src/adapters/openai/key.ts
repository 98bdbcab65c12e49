/** The key of a service with OpenAI's interface. @module */
import { InferenceError } from "../../inference/contracts/errors.ts";

/** The service that has no use without a key. */
const NEEDS_KEY = "api.openai.com";

/** How a service is told who asks. */
export interface KeyOptions {
  /** The bearer token. A local service often needs none. */
  apiKey?: string;
  /** Returns the bearer token for each request, for one that expires. Instead of `apiKey`. */
  getApiKey?: () => string | Promise<string>;
  /** Headers of every request; they replace those that the adapter would send. */
  headers?: Readonly<Record<string, string>>;
}

/** Who asks for which address. */
interface Asking extends KeyOptions {
  /** The name in the texts of errors. */
  name: string;
  url: URL;
}

/**
 * Returns `more` with the key and the headers of the options.
 *
 * @throws {InferenceError} there is no key for a service that needs one: `no-key`.
 */
export async function keyedHeaders(
  { name, url, apiKey, getApiKey, headers: own = {} }: Asking,
  more?: HeadersInit,
): Promise<Headers> {
  const headers = new Headers(more);
  const key = getApiKey ? await getApiKey() : apiKey;
  if (key) headers.set("authorization", `Bearer ${key}`);
  for (const [header, value] of Object.entries(own)) headers.set(header, value);
  if (url.hostname === NEEDS_KEY && !headers.has("authorization")) {
    const message = `${name}: there is no key for ${NEEDS_KEY}: pass apiKey`;
    throw new InferenceError(message, { code: "no-key" });
  }
  return headers;
}

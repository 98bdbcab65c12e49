/**
 * Imported before `@cfworker/json-schema`, which reads `location` as a URL. Packages made
 * for browsers (`@jsquash/jpeg` is one) leave a `location` without an origin in Deno, and it would
 * fail to load after them: the origin of such a page is `"null"`, by the words of HTML.
 *
 * @module
 */
const { location } = globalThis as { location?: { origin?: string } };
if (location !== undefined && location.origin === undefined) location.origin = "null";

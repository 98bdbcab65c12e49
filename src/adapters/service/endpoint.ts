/** The addresses of a service. @module */

/** Returns the address of a path below a base, whose query stays. */
export function endpoint(baseUrl: string, path: string): URL {
  const url = new URL(baseUrl);
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  return url;
}

/** Responses that a page of another origin may read. @module */

/** Returns the response to a request that asks what a page may send; `undefined` for other requests. */
export function preflight(request: Request): Response | undefined {
  return request.method === "OPTIONS" ? readable(request, new Response(null)) : undefined;
}

/** Returns the response with the headers that let pages read it. */
export function readable(request: Request, response: Response): Response {
  // The response to a socket's request cannot be changed, and needs nothing.
  if (response.status === 101 || !request.headers.has("origin")) return response;
  const headers = new Headers(response.headers);
  headers.set("access-control-allow-origin", "*");
  headers.set("access-control-allow-methods", "*");
  headers.set("access-control-expose-headers", "*");
  headers.set(
    "access-control-allow-headers",
    request.headers.get("access-control-request-headers") ?? "*",
  );
  return new Response(response.body, { status: response.status, headers });
}

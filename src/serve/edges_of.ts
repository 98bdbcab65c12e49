/** The edges that a worker's calls are joined over. @module */
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { JobSource } from "../edge/jobs.ts";

/** Returns the edges of sources, each once, as far as the sources say which. */
export function edgesOf(sources: readonly JobSource[]): EdgeTransport[] {
  const edges = sources.flatMap((source) => {
    if (source.edge) return [source.edge];
    return "join" in source && "createCall" in source ? [source as unknown as EdgeTransport] : [];
  });
  return [...new Set(edges)];
}

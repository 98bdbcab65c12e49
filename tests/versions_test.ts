/** The versions that the code names to others: a release sets them by hand. */
import { assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { VERSION as GETSTREAM } from "../src/edges/getstream/wire/client.ts";
import { VERSION as LIVEKIT } from "../src/edges/livekit/wire/client.ts";
import { VERSION as MCP } from "../src/adapters/mcp/session.ts";

Deno.test("the versions that Stream, LiveKit and MCP servers see are the packages' own", () => {
  assertEquals(
    { GETSTREAM, LIVEKIT, MCP },
    { GETSTREAM: config.version, LIVEKIT: config.version, MCP: config.version },
  );
});

/** LiveKitEdge on LiveKit's own server, with people who use LiveKit's own client. */
import { type Call, silentLogger, type User } from "@ringline/edge";
import { LiveKitEdge, type LiveKitEdgeOptions } from "@ringline/livekit";
import { GuestPage } from "./_guest.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";
import type { Browser } from "../../../scripts/lib/browser.ts";
import { browserTest } from "../../e2e/_fixture.ts";

/** Options of an edge on the server. */
export function optionsFor(url: string | string[]): LiveKitEdgeOptions {
  return { url, apiKey: API_KEY, apiSecret: API_SECRET, logger: silentLogger };
}

/** An edge of the server's rooms. */
export function edgeOn(url: string | string[]): LiveKitEdge {
  return new LiveKitEdge(optionsFor(url));
}

/** What a test has. */
export interface World {
  server: LiveKitServer;
  guests: GuestPage;
}

/** Registers a test with a server and a page of guests. */
export function liveKitTest(
  name: string,
  body: (world: World) => Promise<void>,
  { ignore = false }: { ignore?: boolean } = {},
): void {
  browserTest(name, async (browser: Browser) => {
    await using server = await LiveKitServer.start();
    await using guests = await GuestPage.open(browser);
    await body({ server, guests });
  }, { ignore: ignore || program === undefined });
}

/** What a person needs to join a call of an edge. */
export async function entry(
  edge: LiveKitEdge,
  call: Call,
  url: string,
  user: User,
  identity = user.id,
): Promise<{ url: string; token: string }> {
  return { url, token: await edge.createToken(call, user, { identity }) };
}

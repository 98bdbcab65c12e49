import { assert, assertEquals } from "@std/assert";
import { AppService } from "../../../src/edges/getstream/service/app_service.ts";
import { readSettings } from "../../../src/edges/getstream/settings.ts";
import { systemClock } from "../../../src/events/clock.ts";

Deno.test("AppService looks up many users in pages of 100, and names its client", async () => {
  const pages: string[][] = [];
  const clients: (string | null)[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { searchParams } = new URL(request.url);
    const { filter_conditions, limit } = JSON.parse(searchParams.get("payload")!);
    const ids: string[] = filter_conditions.id.$in;
    pages.push(ids);
    clients.push(request.headers.get("x-stream-client"));
    assertEquals(limit, ids.length);
    const users = ids.map((id) => ({ id, custom: { is_agent: Number(id) % 100 === 0 } }));
    return Response.json({ users, duration: "1ms" });
  });
  const { port } = server.addr as Deno.NetAddr;
  const settings = readSettings({
    apiKey: "key",
    apiSecret: "secret",
    basePath: `http://127.0.0.1:${port}`,
  });
  const service = new AppService(settings, "secret", {
    clock: systemClock,
    signal: new AbortController().signal,
  });
  const ids = Array.from({ length: 250 }, (_, index) => String(index));
  assertEquals(await service.findAgents(ids), ["0", "100", "200"]);
  assertEquals(pages.map(({ length }) => length), [100, 100, 50]);
  assertEquals(pages.flat(), ids);
  assertEquals(await service.findAgents([]), []);
  assert(clients.length === 3 && clients.every((client) => client !== null));
});

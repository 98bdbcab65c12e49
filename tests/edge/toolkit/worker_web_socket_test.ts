import { assertEquals } from "@std/assert";
import { KeepaliveSocket, type SocketEnd } from "../../../src/edge/toolkit/keepalive_socket.ts";
import { WorkerWebSocket } from "../../../src/edge/toolkit/worker_web_socket.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { LossyProxy } from "../../adapters/_lossy_proxy.ts";
import { RealtimeDouble } from "../../adapters/_realtime_double.ts";

/** A socket in a worker, and what becomes of it. */
function connect(baseUrl: string, clock = new VirtualClock()) {
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<SocketEnd>();
  const ports: WorkerWebSocket[] = [];
  const socket = new KeepaliveSocket(baseUrl.replace("http", "ws"), {
    onOpen: opened.resolve,
    onMessage: () => {},
    onEnd: ended.resolve,
    clock,
    connect: (url) => {
      const port = new WorkerWebSocket(url, { headers: { authorization: "Bearer key" }, clock });
      ports.push(port);
      return port;
    },
  });
  return { socket, port: ports[0]!, clock, opened: opened.promise, ended: ended.promise };
}

Deno.test("WorkerWebSocket carries messages and headers, and counts what waits", async () => {
  await using double = new RealtimeDouble();
  const { socket, opened, ended } = connect(double.baseUrl);
  const hello = JSON.stringify({ type: "hello" });
  socket.send(JSON.stringify({ type: "too early" }));
  await opened;
  socket.send(hello);
  assertEquals(socket.bufferedBytes, hello.length);
  await double.message("hello");
  assertEquals(double.received.map(({ type }) => type), ["hello"]);
  assertEquals(double.requests[0]?.authorization, "Bearer key");
  await socket.close();
  await socket.close();
  assertEquals(await ended, { kind: "closed" });
  assertEquals(socket.isOpen, false);
});

Deno.test("WorkerWebSocket carries binary messages both ways", async () => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (req) => {
    const { socket, response } = Deno.upgradeWebSocket(req);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  const echoed = Promise.withResolvers<unknown>();
  await using socket = await KeepaliveSocket.open(`ws://127.0.0.1:${server.addr.port}`, {
    name: "the echo",
    openTimeoutMs: 5000,
    onMessage: echoed.resolve,
    onEnd: () => {},
    connect: (url) => new WorkerWebSocket(url),
  });
  socket.send(new Uint8Array([1, 2, 3]));
  assertEquals(await echoed.promise, new Uint8Array([1, 2, 3]));
});

Deno.test("WorkerWebSocket ends half a second after close when the other side is gone", async () => {
  await using double = new RealtimeDouble();
  await using proxy = new LossyProxy(double);
  const lost = connect(proxy.baseUrl);
  await lost.opened;
  const { swallowed } = proxy.lose();
  const closing = lost.socket.close();
  await swallowed;
  await lost.clock.advance(1000);
  await closing;
  assertEquals([await lost.ended, lost.port.readyState], [{ kind: "closed" }, WebSocket.CLOSED]);

  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const early = connect(`http://127.0.0.1:${listener.addr.port}`);
  using _conn = await listener.accept();
  const ending = early.socket.close();
  await early.clock.advance(1000);
  await ending;
  assertEquals([early.socket.isOpen, early.port.readyState], [false, WebSocket.CLOSED]);
});

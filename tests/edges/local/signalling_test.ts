/** The page's half of the signalling, as a browser runs it, against a server without WebRTC. */
import { assertEquals, assertThrows } from "@std/assert";
import { Outbox } from "../../../src/edges/local/page/client/outbox.js";
import { Signalling } from "../../../src/edges/local/page/client/signalling.js";
import { CALL, ServerFixture } from "./server_fixture.ts";

Deno.test("Outbox keeps what the server has not acknowledged, up to what it accepts at a time", () => {
  const outbox = new Outbox();
  const all = Array.from({ length: 80 }, (_, id) => ({ id }));
  for (const one of all) outbox.add(one);
  assertThrows(() => outbox.add({}), Error);
  outbox.acknowledge(30);
  outbox.acknowledge(20);
  assertEquals(outbox.restart(), all.slice(30));
  outbox.acknowledge(10);
  assertEquals([outbox.size, outbox.restart()], [40, all.slice(40)]);
});

Deno.test("Signalling sends what a person wrote while the network was cut, once and in order", async () => {
  const { WebSocket: DenoSocket } = globalThis;
  await using fixture = await ServerFixture.open();
  const { origin } = fixture;
  globalThis.WebSocket = class extends DenoSocket {
    constructor(url: string) {
      super(url, { headers: { origin } });
    }
  } as unknown as typeof DenoSocket;
  const port = await fixture.join();
  let welcomes = 0;
  const signalling = new Signalling({ origin, ...CALL }, {
    hello: () => ({ name: "Ada" }),
    keepPeer: () => false,
    beat: () => Promise.resolve({}),
    receive(message) {
      const { type, offer } = message as { type: string; offer?: number };
      if (type === "welcome") welcomes++;
      if (type === "offer") signalling.send({ type: "answer", offer, sdp: "v=0" });
    },
    onCut() {},
    onEnd() {},
  });
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await new Promise<void>((resolve) => setTimeout(resolve, 5));
  };
  try {
    const say = (text: string) => signalling.sendSurely({ type: "text", text });
    await signalling.connect();
    say("before the welcome");
    await until(() => fixture.peers.length > 0 && welcomes === 1);
    await until(() => fixture.peers[0]!.answers.length > 0);
    fixture.peers[0]!.become("connected");
    await until(() => signalling.unsent === 0);
    say("arrives, and its acknowledgement does not");
    signalling.drop(4900, "test");
    say("in the cut");
    await until(() => welcomes === 2 && signalling.unsent === 0);
    say("after it");
    await until(() => signalling.unsent === 0);
    const texts = port.messages.flatMap((one) => one.type === "text" ? [one.text] : []);
    assertEquals(texts, [
      "before the welcome",
      "arrives, and its acknowledgement does not",
      "in the cut",
      "after it",
    ]);
  } finally {
    signalling.close();
    globalThis.WebSocket = DenoSocket;
  }
});

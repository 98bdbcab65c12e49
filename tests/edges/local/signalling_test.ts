/** The page's half of the signalling, as a browser runs it, against a server without WebRTC. */
import { delay } from "@std/async/delay";
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

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await delay(5);
};

/** A server with an agent, and pages whose browser names the server's origin. */
async function openCall() {
  const { WebSocket: DenoSocket } = globalThis;
  const fixture = await ServerFixture.open();
  const { origin } = fixture;
  globalThis.WebSocket = class extends DenoSocket {
    constructor(url: string) {
      super(url, { headers: { origin } });
    }
  } as unknown as typeof DenoSocket;
  const port = await fixture.join();
  const pages: Signalling[] = [];
  return {
    fixture,
    /** A page's signalling, and what it learned. */
    open() {
      const welcomes: string[] = [];
      const sent: number[] = [];
      const signalling = new Signalling({ origin, ...CALL }, {
        hello: () => ({ name: "Ada" }),
        keepPeer: () => false,
        beat: () => Promise.resolve({}),
        receive(message) {
          const { type, offer, id } = message as { type: string; offer?: number; id: string };
          if (type === "welcome") welcomes.push(id);
          if (type === "offer") signalling.send({ type: "answer", offer, sdp: "v=0" });
        },
        onSent: (waiting) => void sent.push(waiting),
        onCut() {},
        onEnd() {},
      });
      pages.push(signalling);
      return { signalling, welcomes, sent };
    },
    /** What the agent has read. */
    get texts() {
      return port.messages.flatMap((one) => one.type === "text" ? [one.text] : []);
    },
    async [Symbol.asyncDispose]() {
      for (const page of pages) page.close();
      globalThis.WebSocket = DenoSocket;
      await fixture[Symbol.asyncDispose]();
    },
  };
}

Deno.test("Signalling sends what a person wrote while the network was cut, once and in order", async () => {
  await using call = await openCall();
  const { fixture } = call;
  const { signalling, welcomes, sent } = call.open();
  const say = (text: string) => signalling.sendSurely({ type: "text", text });
  await signalling.connect();
  say("before the welcome");
  await until(() => fixture.peers.length > 0 && welcomes.length === 1);
  await until(() => fixture.peers[0]!.answers.length > 0);
  fixture.peers[0]!.become("connected");
  await until(() => signalling.unsent === 0);
  say("arrives, and its acknowledgement does not");
  signalling.drop(4900, "test");
  say("in the cut");
  await until(() => welcomes.length === 2 && signalling.unsent === 0);
  say("after it");
  await until(() => signalling.unsent === 0);
  assertEquals(call.texts, [
    "before the welcome",
    "arrives, and its acknowledgement does not",
    "in the cut",
    "after it",
  ]);
  assertEquals([sent[0], sent.at(-1)], [0, 0]);
});

Deno.test("Signalling continues from one that has ended: the same participant, with what it wrote", async () => {
  await using call = await openCall();
  const { fixture } = call;
  const first = call.open();
  await first.signalling.connect();
  await until(() => fixture.peers[0]?.answers.length === 1);
  fixture.peers[0]!.become("connected");
  // Its server is gone before it has these, and for longer than this page tries.
  first.signalling.drop(4900, "test");
  first.signalling.sendSurely({ type: "text", text: "one" });
  first.signalling.sendSurely({ type: "text", text: "two" });
  first.signalling.close();

  const next = call.open();
  next.signalling.continueFrom(first.signalling);
  assertEquals(next.signalling.unsent, 2);
  await next.signalling.connect();
  await until(() => fixture.peers[1]?.answers.length === 1);
  fixture.peers[1]!.become("connected");
  await until(() => next.signalling.unsent === 0);
  assertEquals(next.welcomes, first.welcomes);
  assertEquals(call.texts, ["one", "two"]);
});

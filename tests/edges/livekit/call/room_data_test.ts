import {
  ChatMessage,
  DataPacket,
  EncryptedPacket,
  RpcRequest,
  SipDTMF,
  UserPacket,
} from "@livekit/protocol";
import { assertEquals } from "@std/assert";
import type { Member } from "../../../../src/edges/livekit/child/call/call_roster.ts";
import { RoomData } from "../../../../src/edges/livekit/child/call/room_data.ts";
import { textPackets } from "../../../../src/edges/livekit/child/call/text_streams.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

function fixture() {
  const log: unknown[] = [];
  const present = new Set(["anna"]);
  const clock = new VirtualClock();
  const data = new RoomData({
    roster: {
      member: (identity) =>
        present.has(identity) ? { participantId: `PA_${identity}` } as Member : undefined,
    },
    clock,
    emit: (message) => void log.push(message),
    emitEdge: (message) => void log.push(message),
    methods: {
      receive: (value, identity, participantId) =>
        void log.push([value.case, identity, participantId]),
    },
    onError: (error) => void log.push(`${error}`),
  });
  const receive = (value: DataPacket["value"], participantIdentity = "anna") =>
    data.receive(new DataPacket({ participantIdentity, value }));
  return { data, clock, present, receive, take: () => log.splice(0) };
}

const user = (payload: Uint8Array | string, topic?: string): DataPacket["value"] => {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return { case: "user", value: new UserPacket({ payload: bytes, topic }) };
};

Deno.test("RoomData takes JSON of participants and of servers for custom events", () => {
  const { receive, take } = fixture();
  receive(user('{"a":[1]}', "any topic"));
  receive(user("7"), "");
  assertEquals(take(), [
    { type: "customEvent", data: { a: [1] }, participantId: "PA_anna" },
    { type: "customEvent", data: 7, participantId: undefined },
  ]);
  receive(user(Uint8Array.of(0xff, 0xfe)));
  assertEquals(take(), ["EdgeError: dropped 1 packets of data that are not JSON"]);
});

Deno.test("RoomData takes lk.chat and chat messages for texts, each once", async () => {
  const { clock, receive, take } = fixture();
  const chat = { attributes: {}, timestampMs: 0 };
  for (const packet of textPackets({ ...chat, topic: "lk.chat", text: "hello" })) receive(packet);
  receive(user('{"message":"hello"}', "lk-chat-topic"));
  for (const packet of textPackets({ ...chat, topic: "other", text: "no" })) receive(packet);
  receive({ case: "chatMessage", value: new ChatMessage({ message: "old" }) });
  receive({ case: "chatMessage", value: new ChatMessage({ message: " " }) });
  receive({ case: "chatMessage", value: new ChatMessage({ message: "from" }) }, "a stranger");
  assertEquals(take(), [
    { type: "text", text: "hello", participantId: "PA_anna" },
    { type: "text", text: "old", participantId: "PA_anna" },
  ]);
  receive({ case: "chatMessage", value: new ChatMessage({ message: "x".repeat(6000) }) });
  assertEquals(take(), ["EdgeError: dropped a text of anna"]);
  for (let count = 0; count < 100; count++) {
    receive({ case: "chatMessage", value: new ChatMessage({ message: "x".repeat(6000) }) });
  }
  assertEquals(take(), []);
  await clock.advance(1000);
  receive({ case: "chatMessage", value: new ChatMessage({ message: "x".repeat(6000) }) });
  assertEquals(take(), ["EdgeError: dropped 101 texts, also of anna"], "once a second");
});

Deno.test("RoomData takes keys of telephones one by one", () => {
  const { receive, take } = fixture();
  receive({ case: "sipDtmf", value: new SipDTMF({ code: 11, digit: "#" }) });
  assertEquals(take(), [{ type: "dtmf", participantId: "PA_anna", digit: "#" }]);
  // Any guest may send them: no packet becomes more than one message.
  for (const digit of ["1".repeat(63_000), "12", "", "E", "\n"]) {
    receive({ case: "sipDtmf", value: new SipDTMF({ digit }) });
  }
  receive({ case: "sipDtmf", value: new SipDTMF({ digit: "1" }) }, "a stranger");
  assertEquals(take(), []);
});

Deno.test("RoomData passes calls of methods on, also of those whom the agent does not know yet", () => {
  const { receive, take } = fixture();
  receive({ case: "rpcRequest", value: new RpcRequest({ id: "r1", method: "wave" }) });
  receive({ case: "rpcRequest", value: new RpcRequest({ id: "r2" }) }, "a stranger");
  assertEquals(take(), [["rpcRequest", "anna", "PA_anna"], [
    "rpcRequest",
    "a stranger",
    undefined,
  ]]);
});

Deno.test("RoomData says once that data is encrypted", () => {
  const { receive, take } = fixture();
  for (let count = 0; count < 3; count++) {
    receive({ case: "encryptedPacket", value: new EncryptedPacket() });
  }
  assertEquals(take().length, 1);
});

Deno.test("RoomData holds what comes before its author is announced, for 2 s", async () => {
  const { data, clock, present, receive, take } = fixture();
  const of = (participantId: string, n: number) => ({
    type: "customEvent",
    data: n,
    participantId,
  });
  receive(user("1"), "bert");
  receive(user("2"), "cleo");
  receive(user("3"), "bert");
  receive(user("4"));
  assertEquals(take(), [of("PA_anna", 4)]);
  present.add("bert");
  data.release();
  assertEquals(take(), [of("PA_bert", 1), of("PA_bert", 3)]);
  await clock.advance(1000);
  receive(user("5"), "dora");
  await clock.advance(1000);
  assertEquals(take(), ["EdgeError: dropped 1 packets of data of those who are not in the room"]);
  present.add("cleo").add("dora");
  receive(user("6"), "dora");
  assertEquals(take(), [of("PA_dora", 5), of("PA_dora", 6)], "in their order");
  for (let n = 0; n < 40; n++) receive(user(`${n}`), "emil");
  present.add("emil");
  data.release();
  assertEquals(take().filter((one) => typeof one !== "string").length, 32);
  receive(user("7"), "fred");
  data.close();
  await clock.advance(5000);
  assertEquals([clock.pending, take().some((one) => typeof one !== "string")], [0, false]);
});

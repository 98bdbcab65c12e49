import { assertEquals, assertThrows } from "@std/assert";
import { Call } from "../../src/edge/call.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { checkCall, checkUser } from "../../src/edge/validation.ts";

const ann = { id: "ann", name: "Ann" };

Deno.test("a user is checked before anything is started for it", () => {
  checkUser(ann, "user");
  checkUser(
    { ...ann, name: "Änn 🦜 O’Hara", image: "https://x/y.png", custom: { a: [1] } },
    "user",
  );
  const cases: [unknown, string][] = [
    [undefined, "user: expected a user with an id and a name, got undefined"],
    ["ann", 'got "ann"'],
    [{}, "user.id: expected a text of 1 to 255 characters"],
    [{ id: "ann" }, "user.name: expected a text of 1 to 255 characters without control characters"],
    [
      { ...ann, id: "" },
      'user.id: expected a text of 1 to 255 characters without control characters, got ""',
    ],
    [{ ...ann, id: 5 }, "got 5"],
    [{ ...ann, id: "x".repeat(256) }, "got one of 256"],
    [{ ...ann, name: "" }, "user.name"],
    [{ ...ann, name: "two\nlines" }, 'got "two\\nlines"'],
    [{ ...ann, name: "turned\u202earound" }, "user.name"],
    [{ ...ann, name: "half \ud83e" }, "user.name"],
    [{ ...ann, image: 5 }, "user.image: expected a text of 1 to 4096"],
    [{ ...ann, custom: [] }, "user.custom: expected an object, got an array"],
    [{ ...ann, custom: { a: 1n } }, "user.custom: expected JSON, but it.a is bigint"],
  ];
  for (const [user, message] of cases) {
    assertThrows(() => checkUser(user, "user"), TypeError, message);
  }
  const custom = { a: "x".repeat(6000) };
  assertThrows(() => checkUser({ ...ann, custom }, "user"), RangeError, "user.custom has at most");
});

Deno.test("a call is checked when it is made, and again where it is joined", () => {
  checkCall(new Call({ id: "kitchen" }));
  checkCall({ id: "kitchen", type: "default" });
  for (const id of [5, "", undefined, "a\nb", "x".repeat(256)] as string[]) {
    assertThrows(() => new Call({ id }), TypeError, "call.id");
    assertThrows(() => checkCall({ id, type: "default" }), TypeError, "call.id");
  }
  assertThrows(() => new Call({ id: "a", type: "" }), TypeError, "call.type");
  assertThrows(() => checkCall(undefined), TypeError, "call: expected a Call, got undefined");
});

Deno.test("a call is read from another process, with what an edge has put beside it", async () => {
  await using edge = new MemoryEdge();
  const { id, type, original } = edge.readCall({ id: "kitchen", type: "default", seat: {} });
  assertEquals([id, type, original], ["kitchen", "default", undefined]);
});

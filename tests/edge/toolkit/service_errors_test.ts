import { assertEquals, assertInstanceOf } from "@std/assert";
import { AuthenticationError, ConnectionError } from "../../../src/edge/errors.ts";
import { fromErrorData, toErrorData } from "../../../src/edge/toolkit/error_data.ts";
import { rejectionError, withoutSecrets } from "../../../src/edge/toolkit/service_errors.ts";

Deno.test("withoutSecrets cuts out tokens, users and queries of addresses, and what it is given", () => {
  const token = `eyJ${"a".repeat(20)}.${"b".repeat(20)}.${"c".repeat(20)}`;
  const text = `no ${token} for k3y at wss://ann:pw@example.org/rtc?token=${token} (k3y)`;
  const clean = "no [token] for [secret] at wss://[secret]@example.org/rtc?[secret] ([secret])";
  assertEquals(withoutSecrets(text, "k3y", ""), clean);
  assertEquals(withoutSecrets("x".repeat(9999)).length, 500);
});

Deno.test("rejectionError says by the status whether another try may succeed", () => {
  const codes = [undefined, 400, 401, 403, 404, 429, 500, 503].map((status) => {
    const { code, retryable } = rejectionError("joining", { status });
    return [status, code, retryable];
  });
  assertEquals(codes, [
    [undefined, "unreachable", true],
    [400, "refused", false],
    [401, "unauthorized", false],
    [403, "forbidden", false],
    [404, "not-found", false],
    [429, "rate-limited", true],
    [500, "service-failed", true],
    [503, "service-failed", true],
  ]);
  assertEquals(rejectionError("joining", { status: 404 }).message, "joining");
  assertEquals(rejectionError("joining", { message: "no" }).message, "joining: no");
});

Deno.test("errors cross between the processes with class, code and retryable", () => {
  for (const Class of [AuthenticationError, ConnectionError]) {
    const error = fromErrorData(toErrorData(new Class("no", { code: "late", retryable: true })));
    assertInstanceOf(error, Class);
    assertEquals([error.message, error.code, error.retryable], ["no", "late", true]);
  }
  assertEquals(toErrorData("broken"), {
    kind: "connection",
    code: "failed",
    message: "broken",
    retryable: false,
  });
});

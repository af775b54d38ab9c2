import assert from "node:assert/strict";
import { test } from "node:test";
import { memo } from "../src/memo.js";

/** A function that counts its calls. */
function counting(result = (...args) => `result of ${args}`) {
  const call = (...args) => {
    call.count += 1;
    return result(...args);
  };
  call.count = 0;
  return call;
}

test("a result is remembered", () => {
  const call = counting();
  const f = memo(call);
  assert.equal(f("a"), "result of a");
  assert.equal(f("a"), "result of a");
  assert.equal(call.count, 1);
});

test("other arguments are another call", () => {
  const call = counting();
  const f = memo(call);
  f("a");
  f("b");
  assert.equal(call.count, 2);
});

test("forget and clear", () => {
  const call = counting();
  const f = memo(call);
  f("a");
  f.forget("a");
  f("a");
  f.clear();
  f("a");
  assert.equal(call.count, 3);
});

test("pending promises are shared", async () => {
  const call = counting(async () => 1);
  const f = memo(call);
  assert.deepEqual(await Promise.all([f("a"), f("a")]), [1, 1]);
  assert.equal(call.count, 1);
});

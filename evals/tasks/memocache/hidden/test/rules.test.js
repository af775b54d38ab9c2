import assert from "node:assert/strict";
import { test } from "node:test";
import { memo } from "../src/memo.js";

function counting(result = (...args) => `result of ${args}`) {
  const call = (...args) => {
    call.count += 1;
    return result(...args);
  };
  call.count = 0;
  return call;
}

for (const value of [undefined, null, 0, "", false, NaN])
  test(`${JSON.stringify(value) ?? "undefined"} is a result (${typeof value})`, () => {
    const call = counting(() => value);
    const f = memo(call);
    f();
    assert.deepEqual(f(), value);
    assert.equal(call.count, 1);
  });

const different = [
  ["a number and a string", [1], ["1"]],
  ["a comma in a string", ["a", "b"], ["a,b"]],
  ["undefined and nothing", [undefined], []],
  ["null and undefined", [null], [undefined]],
  ["null and a string", [null], ["null"]],
  ["NaN and null", [NaN], [null]],
  ["infinities", [Infinity], [-Infinity]],
  ["infinity and null", [Infinity], [null]],
  ["a boolean and a string", [true], ["true"]],
  ["quotes in strings", ['a","b'], ["a", "b"]],
];
for (const [name, one, other] of different)
  test(`different calls: ${name}`, () => {
    const call = counting();
    const f = memo(call);
    f(...one);
    f(...other);
    assert.equal(call.count, 2);
    f(...one);
    f(...other);
    assert.equal(call.count, 2);
  });

test("a key of one's own", () => {
  const call = counting();
  const f = memo(call, { key: (one) => one.id });
  f({ id: 1 });
  f({ id: 1, more: 2 });
  assert.equal(call.count, 1);
});

test("reading counts as using", () => {
  const call = counting();
  const f = memo(call, { max: 2 });
  f("a");
  f("b");
  f("a");
  f("c");
  assert.equal(call.count, 3);
  f("a");
  assert.equal(call.count, 3);
  f("b");
  assert.equal(call.count, 4);
});

test("storing again counts as using", () => {
  let time = 0;
  const call = counting();
  const f = memo(call, { max: 2, ttl: 10, now: () => time });
  f("a");
  f("b");
  time = 20;
  f("a");
  f("c");
  const before = call.count;
  f("a");
  assert.equal(call.count, before);
});

test("a result is good for ttl milliseconds", () => {
  let time = 1000;
  const call = counting();
  const f = memo(call, { ttl: 50, now: () => time });
  f("a");
  time = 1049;
  f("a");
  assert.equal(call.count, 1);
  time = 1051;
  f("a");
  assert.equal(call.count, 2);
});

test("reading does not make a result good for longer", () => {
  let time = 0;
  const call = counting();
  const f = memo(call, { ttl: 50, now: () => time });
  for (time of [0, 40, 80]) f("a");
  assert.equal(call.count, 2);
});

test("a ttl of 0 keeps nothing", () => {
  const call = counting();
  const f = memo(call, { ttl: 0, now: () => 5 });
  f("a");
  f("a");
  assert.equal(call.count, 2);
});

test("what is thrown is not remembered", () => {
  const call = counting(() => {
    if (call.count === 1) throw new Error("no");
    return "yes";
  });
  const f = memo(call);
  assert.throws(() => f("a"), /no/);
  assert.equal(f("a"), "yes");
});

test("a rejected promise is not remembered", async () => {
  const call = counting(async () => {
    if (call.count === 1) throw new Error("no");
    return "yes";
  });
  const f = memo(call);
  await assert.rejects(f("a"), /no/);
  assert.equal(await f("a"), "yes");
  assert.equal(await f("a"), "yes");
  assert.equal(call.count, 2);
});

test("an old rejected promise does not take a newer result away", async () => {
  const fail = [];
  const call = counting(() => new Promise((good, bad) => fail.push(call.count === 1 ? bad : () => good("new"))));
  const f = memo(call);
  const first = f("a");
  f.forget("a");
  const second = f("a");
  fail[1]();
  assert.equal(await second, "new");
  fail[0](new Error("old"));
  await assert.rejects(first, /old/);
  assert.equal(await f("a"), "new");
  assert.equal(call.count, 2);
});

test("this is passed on", () => {
  const thing = { factor: 3, times: memo(function (n) { return n * this.factor; }) };
  assert.equal(thing.times(2), 6);
});

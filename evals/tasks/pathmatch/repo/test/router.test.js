import assert from "node:assert/strict";
import { test } from "node:test";
import { Router } from "../src/router.js";

function routes(...patterns) {
  const router = new Router();
  for (const pattern of patterns) router.add("GET", pattern, pattern);
  return (path) => router.match("GET", path);
}

test("a fixed path", () => {
  assert.deepEqual(routes("/a/b")("/a/b"), { handler: "/a/b", params: {} });
});

test("the root", () => {
  assert.equal(routes("/")("/").handler, "/");
});

test("a name", () => {
  assert.deepEqual(routes("/users/:id")("/users/7").params, { id: "7" });
});

test("the rest", () => {
  assert.deepEqual(routes("/files/*")("/files/a/b.txt").params, { "*": "a/b.txt" });
});

test("too long and too short", () => {
  const match = routes("/users/:id");
  assert.equal(match("/users"), null);
  assert.equal(match("/users/7/8"), null);
});

test("methods", () => {
  const router = new Router();
  router.add("POST", "/a", 1);
  router.add("GET", "/a", 2);
  assert.equal(router.match("POST", "/a").handler, 1);
  assert.equal(router.match("PUT", "/a"), null);
  assert.deepEqual(router.allowed("/a"), ["GET", "POST"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Router } from "../src/router.js";

function routes(...patterns) {
  const router = new Router();
  for (const pattern of patterns) router.add("GET", pattern, pattern);
  return (path) => router.match("GET", path);
}

test("an encoded slash is no separator", () => {
  assert.deepEqual(routes("/users/:id")("/users/a%2Fb").params, { id: "a/b" });
  assert.deepEqual(routes("/files/*")("/files/a%2Fb/c").params, { "*": "a/b/c" });
});

test("decoding once only", () => {
  assert.deepEqual(routes("/users/:id")("/users/100%2525").params, { id: "100%25" });
});

test("fixed parts are decoded too", () => {
  assert.equal(routes("/größe")("/gr%C3%B6%C3%9Fe").handler, "/größe");
});

test("what cannot be decoded matches nothing", () => {
  assert.equal(routes("/users/:id")("/users/%E0%A4%A"), null);
  assert.equal(routes("/users/:id")("/users/50%"), null);
});

test("query and fragment are left out", () => {
  const match = routes("/users/:id", "/files/*");
  assert.deepEqual(match("/users/7?tab=1").params, { id: "7" });
  assert.deepEqual(match("/users/7#top").params, { id: "7" });
  assert.deepEqual(match("/users/7?a=50%").params, { id: "7" });
  assert.deepEqual(match("/files/a?b/c").params, { "*": "a" });
  assert.deepEqual(match("/users/a%3Fb").params, { id: "a?b" });
});

test("a slash at the end makes no difference", () => {
  assert.deepEqual(routes("/users/:id")("/users/7/").params, { id: "7" });
  assert.equal(routes("/users/")("/users").handler, "/users/");
});

test("the rest keeps its slash at the end", () => {
  assert.deepEqual(routes("/files/*")("/files/a/b/").params, { "*": "a/b/" });
});

test("the rest keeps empty parts", () => {
  assert.deepEqual(routes("/files/*")("/files/a//b").params, { "*": "a//b" });
});

test("empty parts are parts", () => {
  assert.equal(routes("/a/b")("/a//b"), null);
  assert.equal(routes("/a/:x/b")("/a//b"), null);
});

test("names and the rest are not empty", () => {
  assert.equal(routes("/users/:id")("/users/"), null);
  assert.equal(routes("/files/*")("/files"), null);
  assert.equal(routes("/files/*")("/files/"), null);
});

test("a fixed text wins over a name, whatever was added first", () => {
  assert.equal(routes("/users/:id", "/users/new")("/users/new").handler, "/users/new");
  assert.equal(routes("/users/new", "/users/:id")("/users/new").handler, "/users/new");
  assert.equal(routes("/users/:id", "/users/new")("/users/old").handler, "/users/:id");
});

test("a name wins over the rest", () => {
  assert.equal(routes("/*", "/:page")("/about").handler, "/:page");
  assert.equal(routes("/*", "/:page")("/about/us").handler, "/*");
});

test("the first different part decides", () => {
  const match = routes("/:a/fixed", "/one/:b", "/one/*");
  assert.equal(match("/one/fixed").handler, "/one/:b");
  assert.equal(match("/two/fixed").handler, "/:a/fixed");
  assert.equal(match("/one/two/three").handler, "/one/*");
});

test("a more exact pattern that does not match in the end is no obstacle", () => {
  assert.equal(routes("/one/:b/x", "/:a/fixed")("/one/fixed").handler, "/:a/fixed");
});

test("the same pattern twice is an error", () => {
  const router = new Router();
  router.add("GET", "/users/:id", 1);
  router.add("POST", "/users/:id", 2);
  assert.throws(() => router.add("GET", "/users/:id", 3), Error);
  assert.throws(() => router.add("GET", "/users/:name", 3), Error);
  assert.throws(() => router.add("GET", "/users/:id/", 3), Error);
  assert.equal(router.match("GET", "/users/7").handler, 1);
});

test("names of Object's own are nothing special", () => {
  const found = routes("/x/:constructor/:__proto__")("/x/a/b");
  assert.deepEqual(Object.entries(found.params).sort(), [["__proto__", "b"], ["constructor", "a"]]);
});

test("allowed looks at the path in the same way", () => {
  const router = new Router();
  router.add("PUT", "/files/*", 1);
  router.add("GET", "/files/:name", 2);
  assert.deepEqual(router.allowed("/files/a%2Fb/?x"), ["GET", "PUT"]);
  assert.deepEqual(router.allowed("/files/50%"), []);
});

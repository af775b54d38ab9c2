import { matchParts } from "./matching.js";
import { parsePattern } from "./pattern.js";

export class Router {
  #routes = [];

  /** Adds a handler for a method and a pattern. */
  add(method, pattern, handler) {
    this.#routes.push({ method, parts: parsePattern(pattern), handler });
  }

  /** The handler and the params, or null. */
  match(method, path) {
    for (const route of this.#routes) {
      if (route.method !== method) continue;
      const params = matchParts(route.parts, path);
      if (params) return { handler: route.handler, params };
    }
    return null;
  }

  /** The methods that would match this path. */
  allowed(path) {
    const methods = this.#routes.filter((route) => matchParts(route.parts, path)).map((route) => route.method);
    return [...new Set(methods)].sort();
  }
}

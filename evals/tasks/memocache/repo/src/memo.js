import { defaultKey } from "./key.js";
import { Lru } from "./lru.js";

/** `call`, but results are remembered. See README.md for the options. */
export function memo(call, options = {}) {
  const { max, ttl, key = defaultKey, now = Date.now } = options;
  const cache = new Lru(max);

  function remembered(...args) {
    const name = key(...args);
    const entry = cache.get(name);
    if (entry && entry.value && !(ttl && now() > entry.stored + ttl)) return entry.value;
    const value = call.apply(this, args);
    cache.set(name, { value, stored: now() });
    return value;
  }

  remembered.forget = (...args) => cache.delete(key(...args));
  remembered.clear = () => cache.clear();
  return remembered;
}

import { split } from "./pattern.js";

/** The params with which a pattern's parts match a path, or null. */
export function matchParts(parts, path) {
  const found = split(decodeURIComponent(path));
  const params = {};
  for (const [index, part] of parts.entries()) {
    if (part === "*") {
      params["*"] = found.slice(index).join("/");
      return params;
    }
    if (index >= found.length) return null;
    if (part.startsWith(":")) params[part.slice(1)] = found[index];
    else if (part !== found[index]) return null;
  }
  return found.length === parts.length ? params : null;
}

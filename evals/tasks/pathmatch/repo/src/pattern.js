/** Splits a pattern into its parts. */
export function parsePattern(text) {
  if (!text.startsWith("/")) throw new Error(`a pattern begins with a slash: ${text}`);
  const parts = split(text);
  parts.forEach((part, index) => {
    if (part === "*" && index !== parts.length - 1) throw new Error(`* may only come last: ${text}`);
  });
  return parts;
}

/** The parts of a path, without empty ones at the ends. */
export function split(path) {
  return path.split("/").filter((part) => part !== "");
}

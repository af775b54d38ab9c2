/** What makes two calls the same: one string for all arguments. */
export function defaultKey(...args) {
  return args.join(",");
}

/** What is needed of a route: a method, or `ALL` for what only stands before routes, and a path like `/v1/x/:id`. */
export interface KnownRoute {
  readonly method: string;
  readonly path: string;
}

/** The methods that there are routes with for a path (RFC 9110, section 10.2.1), none for a path that is not known. */
export function allowedMethods(routes: readonly KnownRoute[], path: string): string[] {
  const methods = new Set<string>();
  for (const route of routes) {
    if (route.method === "ALL" || !matches(route.path, path)) continue;
    methods.add(route.method);
    if (route.method === "GET") methods.add("HEAD");
  }
  return [...methods];
}

function matches(pattern: string, path: string): boolean {
  const [expected, given] = [pattern.split("/"), path.split("/")];
  return expected.length === given.length &&
    expected.every((part, index) => part.startsWith(":") ? given[index] !== "" : part === given[index]);
}

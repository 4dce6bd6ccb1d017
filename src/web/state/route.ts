/** The addresses of the app's screens, kept in the hash so that a server needs to know nothing of them. */
export type Route = { screen: "chats" } | { screen: "chat"; conversationId: string } | { screen: "settings" };

export function parseRoute(hash: string): Route {
  const [screen, id, ...rest] = hash.replace(/^#?\/?/, "").split("/");
  if (screen === "settings" && id === undefined) return { screen: "settings" };
  // The id is used as a key only; what it may look like is for the SDK to say.
  if (screen === "chat" && id !== undefined && rest.length === 0 && /^[\w-]+$/.test(id)) {
    return { screen: "chat", conversationId: id };
  }
  return { screen: "chats" };
}

export function formatRoute(route: Route): string {
  if (route.screen === "chat") return `#/chat/${route.conversationId}`;
  return route.screen === "settings" ? "#/settings" : "#/";
}

export function isSameRoute(one: Route, other: Route): boolean {
  return formatRoute(one) === formatRoute(other);
}

/** The addresses of the app's screens, kept in the hash so that a server needs to know nothing of them. */
export type Route =
  | { screen: "chats" }
  | { screen: "chat"; conversationId: string }
  /** About a group: beside its chat on a wide page, in its place on a phone. */
  | { screen: "group"; conversationId: string }
  | { screen: "new-group" }
  | { screen: "settings" };

export function parseRoute(hash: string): Route {
  const [screen, id, part, ...rest] = hash.replace(/^#?\/?/, "").split("/");
  if ((screen === "settings" || screen === "new-group") && id === undefined) return { screen };
  // The id is used as a key only; what it may look like is for the SDK to say.
  if (screen === "chat" && id !== undefined && rest.length === 0 && /^[\w-]+$/.test(id)) {
    if (part === undefined) return { screen: "chat", conversationId: id };
    if (part === "group") return { screen: "group", conversationId: id };
  }
  return { screen: "chats" };
}

export function formatRoute(route: Route): string {
  switch (route.screen) {
    case "chats":
      return "#/";
    case "chat":
      return `#/chat/${route.conversationId}`;
    case "group":
      return `#/chat/${route.conversationId}/group`;
    default:
      return `#/${route.screen}`;
  }
}

export function isSameRoute(one: Route, other: Route): boolean {
  return formatRoute(one) === formatRoute(other);
}

/** The chat that a route shows, alone or beside what is about it. */
export function chatOf(route: Route): string | null {
  return route.screen === "chat" || route.screen === "group" ? route.conversationId : null;
}

/** Where Escape and the back button of a phone lead; null from the chat list. */
export function parentOf(route: Route): Route | null {
  if (route.screen === "chats") return null;
  if (route.screen === "group") return { screen: "chat", conversationId: route.conversationId };
  return { screen: "chats" };
}

/** How many screens stand below: none below the chat list. */
export function depthOf(route: Route): number {
  const parent = parentOf(route);
  return parent === null ? 0 : depthOf(parent) + 1;
}

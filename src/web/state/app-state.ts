/**
 * Everything the views show, as one plain value. Only the actions beside this file change it; the local store of
 * the SDK stays the truth, and what is here is read again from there whenever the SDK says that it changed.
 */
import type { ConnectionState, ConversationSummary, Message, Session } from "../../client/contract.ts";
import {
  type GroupState,
  initialNewGroup,
  initialPeople,
  initialProfile,
  type NewGroupState,
  type PeopleState,
  type ProfileState,
} from "./group-state.ts";
import type { Route } from "./route.ts";

export interface AppState {
  session: Session | null;
  connection: ConnectionState;
  /** The connection has been away for longer than the grace; see connection-watch.ts. */
  isAway: boolean;
  /** What the browser says of the network; it only chooses the banner's words. */
  isNetworkUp: boolean;
  route: Route;
  login: LoginState;
  /** Newest first; null until first read. */
  conversations: ConversationSummary[] | null;
  newChat: NewChatState;
  newGroup: NewGroupState;
  /** Those to choose from, for a new group or for the one on screen. */
  people: PeopleState;
  /** The chat on screen. */
  chat: ChatState | null;
  /** The group whose chat is on screen. */
  group: GroupState | null;
  /** What was written and not sent, by conversation id. */
  drafts: Readonly<Record<string, string>>;
  settings: SettingsState;
  profile: ProfileState;
  /** A sentence about something that failed apart from any form; shown until dismissed. */
  problem: string | null;
}

export interface LoginState {
  step: "phone" | "code";
  /** As typed while in step `phone`, E.164 in step `code`. */
  phone: string;
  name: string;
  developmentCode: string | null;
  resendAtMs: number;
  isBusy: boolean;
  /** The field the error belongs to. */
  error: { field: "phone" | "name" | "code"; sentence: string } | null;
  /** Why the user is here again. */
  reason: string | null;
}

export interface NewChatState {
  isOpen: boolean;
  isBusy: boolean;
  error: string | null;
}

export interface ChatState {
  conversationId: string;
  phase: "opening" | "open" | "missing";
  summary: ConversationSummary | null;
  /** A window of the log that always ends at the newest message, oldest first; pending ones last. */
  messages: Message[];
  hasOlder: boolean;
  isLoadingOlder: boolean;
  /** The end of the chat is on screen, as the view measured. */
  isAtBottom: boolean;
  /** Everything up to here has been in front of the user. */
  seenSeq: number;
  /** The "unread" divider stands above this message. */
  dividerSeq: number | null;
}

export interface Device {
  deviceId: number;
  name: string;
  createdAtMs: number;
  isThis: boolean;
}

export interface SettingsState {
  devices: Device[] | null;
  devicesError: string | null;
  /** The device whose logging out is under way. */
  busyDeviceId: number | null;
  isLoggingOut: boolean;
}

export const initialLogin: LoginState = {
  step: "phone",
  phone: "",
  name: "",
  developmentCode: null,
  resendAtMs: 0,
  isBusy: false,
  error: null,
  reason: null,
};

export const closedNewChat: NewChatState = { isOpen: false, isBusy: false, error: null };

export const initialSettings: SettingsState = {
  devices: null,
  devicesError: null,
  busyDeviceId: null,
  isLoggingOut: false,
};

export function initialState(session: Session | null, connection: ConnectionState, route: Route): AppState {
  return {
    session,
    connection,
    isAway: false,
    isNetworkUp: true,
    route,
    login: initialLogin,
    conversations: null,
    newChat: closedNewChat,
    newGroup: initialNewGroup,
    people: initialPeople,
    chat: null,
    group: null,
    drafts: {},
    settings: initialSettings,
    profile: initialProfile,
    problem: null,
  };
}

/** A revoked device keeps its session until the next login wipes it, but may do nothing with it. */
export function isSignedIn(state: AppState): boolean {
  const { connection } = state;
  return state.session !== null && !(connection.status === "stopped" && connection.reason === "revoked");
}

/** [E7] Without what strangers wrote: it draws nobody's attention. */
export function unreadTotal(state: AppState): number {
  const counted = (state.conversations ?? []).filter(({ isRequest }) => !isRequest);
  return counted.reduce((total, conversation) => total + conversation.unread, 0);
}

/**
 * Where the open chat is scrolled to. At the end it stays at the end whatever comes or changes size; further up what
 * is on screen stays put, also when older messages are put above it. A chat opens at its unread divider or its end.
 */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { useActions, useAppState } from "../state/app-context.ts";

/** Scroll positions are fractions of pixels on some screens, and a thumb is not exact. */
const bottomSlackPx = 24;
/** Older messages are asked for before the reader reaches the top. */
const olderAheadPx = 400;

export interface ChatScroll {
  container: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  onScroll: () => void;
  toBottom: () => void;
}

export function useChatScroll(): ChatScroll {
  const chat = useAppState((state) => state.chat);
  const screen = useAppState((state) => state.route.screen);
  const actions = useActions();
  const container = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const place = useRef({ hasOpened: false, isAtBottom: false, fromEndPx: 0, firstId: "", lastOwnId: "" });

  /** Notes the place that the reader chose, or that was chosen for them. */
  function measure(): void {
    const box = container.current;
    if (box === null) return;
    place.current.fromEndPx = box.scrollHeight - box.scrollTop;
    place.current.isAtBottom = place.current.fromEndPx - box.clientHeight < bottomSlackPx;
    // On a phone the group's info covers the chat: its end then is not in front of anybody.
    actions.setAtBottom(place.current.isAtBottom && box.checkVisibility({ visibilityProperty: true }));
  }
  function toBottom(): void {
    const box = container.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
    measure();
  }

  const messages = chat?.messages ?? [];
  const isOpen = chat?.phase === "open";
  useLayoutEffect(() => {
    const box = container.current;
    if (box === null || !isOpen) return;
    const { current } = place;
    const firstId = messages[0]?.messageId ?? "";
    const lastOwnId = messages.findLast((message) => message.isOwn)?.messageId ?? "";
    const hasWritten = lastOwnId !== current.lastOwnId && messages.at(-1)?.messageId === lastOwnId;
    if (!current.hasOpened) openAt(box);
    else if (current.isAtBottom || hasWritten) box.scrollTop = box.scrollHeight;
    // The distance to the end is what older messages above do not change.
    else if (firstId !== current.firstId) box.scrollTop = box.scrollHeight - current.fromEndPx;
    place.current = { ...current, hasOpened: true, firstId, lastOwnId };
    measure();
  }, [messages, isOpen, screen]);

  // The keyboard of a phone, a growing composer and a rotated screen change sizes without any message changing.
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (place.current.hasOpened && place.current.isAtBottom) toBottom();
    });
    for (const element of [container.current, content.current])
      if (element !== null) observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return {
    container,
    content,
    toBottom,
    onScroll: () => {
      measure();
      if ((container.current?.scrollTop ?? 0) < olderAheadPx) void actions.loadOlder();
    },
  };
}

function openAt(box: HTMLDivElement): void {
  const divider = box.querySelector<HTMLElement>("[data-testid='unread-divider']");
  box.scrollTop = divider === null ? box.scrollHeight : divider.offsetTop - box.clientHeight / 4;
}

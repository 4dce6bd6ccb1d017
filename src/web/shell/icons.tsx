/** Icons as inline SVG in the colour of the text around them; decorative, so the element around one names it. */
import type { ComponentChildren, JSX } from "preact";

function Icon(props: { children: ComponentChildren; class?: string }): JSX.Element {
  return (
    <svg
      class={`icon ${props.class ?? ""}`}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {props.children}
    </svg>
  );
}

export const BackIcon = (): JSX.Element => (
  <Icon>
    <path d="M15 5l-7 7 7 7" />
  </Icon>
);

export const SettingsIcon = (): JSX.Element => (
  <Icon>
    <path d="M4 7h9m5 0h2M4 17h2m5 0h9" />
    <circle cx="15.5" cy="7" r="2.5" />
    <circle cx="8.5" cy="17" r="2.5" />
  </Icon>
);

export const NewChatIcon = (): JSX.Element => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
);

export const NewGroupIcon = (): JSX.Element => (
  <Icon>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M2.5 19.5c.6-4 3-6 6.5-6s5.9 2 6.5 6M16 4.7a3.5 3.5 0 0 1 0 6.6M17.8 13.9c2.2.8 3.4 2.7 3.7 5.6" />
  </Icon>
);

export const MoreIcon = (): JSX.Element => (
  <Icon>
    <path d="M12 5.5v.01M12 12v.01M12 18.5v.01" />
  </Icon>
);

export const LockIcon = (): JSX.Element => (
  <Icon class="icon-small">
    <rect x="5" y="11" width="14" height="9" rx="2" />
    <path d="M8 11V8a4 4 0 0 1 8 0v3" />
  </Icon>
);

export const CloseIcon = (): JSX.Element => (
  <Icon>
    <path d="M6 6l12 12M18 6L6 18" />
  </Icon>
);

export const SendIcon = (): JSX.Element => (
  <Icon>
    <path d="M5 12h13M12 5l7 7-7 7" />
  </Icon>
);

export const DownIcon = (): JSX.Element => (
  <Icon>
    <path d="M12 5v14M5 12l7 7 7-7" />
  </Icon>
);

/** The app's sign: a gull in flight. public/favicon.svg is the same drawing. */
export function Gull(): JSX.Element {
  return (
    <svg class="gull" viewBox="0 0 64 64" aria-hidden="true">
      <rect class="gull-sky" width="64" height="64" rx="14" />
      <path
        class="gull-wings"
        d="M7 27c8-8 18-6 25 8 7-14 17-16 25-8-8-2-15 2-19 11-2 5-4 8-6 8s-4-3-6-8c-4-9-11-13-19-11z"
      />
      <path
        class="gull-tips"
        d="M7 27c3-3 6.5-4.7 10-5-2.5 1.8-4 3.4-5 4.4zM57 27c-3-3-6.5-4.7-10-5 2.5 1.8 4 3.4 5 4.4z"
      />
    </svg>
  );
}

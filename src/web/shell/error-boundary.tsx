/** Catches what a view throws, and says what to do instead of showing an empty page. */
import { Component, type ComponentChildren } from "preact";
import { Breakdown } from "./breakdown.tsx";

export class ErrorBoundary extends Component<{ children: ComponentChildren }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static override getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render() {
    return this.state.error === null ? this.props.children : <Breakdown />;
  }
}

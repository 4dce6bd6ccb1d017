/** An answer that an object has already written as JSON text: entries are serialised once and never parsed here. */
export function jsonText(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}

/** What the SDK offers in Node only. Import everything else from index.ts. */
export { openSqliteStore } from "./store/sqlite.ts";

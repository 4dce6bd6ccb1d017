/** The engine's part for what needs no commit: messages, the sealed state, leave statements. */
import { readCommitData } from "../../mls-guard/authenticated-data.ts";
import { readCommit } from "../../mls-guard/commit.ts";
import { isLeave, makeLeave } from "../mls/leave.ts";
import { receiveMessage, sendMessage } from "../mls/message.ts";
import { contentOfState, makeStateDocument, openState, stateHash } from "../mls/sealed-state.ts";
import { deviceOf, type EngineGroups, failed, outcome } from "./engine-groups.ts";
import type { CryptoPort } from "./port.ts";

type MessageMethods =
  | "encrypt"
  | "open"
  | "openState"
  | "makeState"
  | "readState"
  | "signLeave"
  | "isLeave"
  | "peekCommit";

/** Logs are compared by the caller, who alone holds one. */
const noLog = { hashAt: () => null };

export function messageMethods(groups: EngineGroups): Pick<CryptoPort, MessageMethods> {
  return {
    async encrypt(held, { content, ...options }) {
      const group = await groups.open(held);
      if (group.failure !== null) return failed(group);
      return outcome(await sendMessage(group.value, content, options), (sent) => ({
        bytes: sent.bytes,
        k: sent.k,
        ratchet: sent.change,
        version: groups.step(held, sent.group, sent.spent),
      }));
    },
    async open(held, { bytes, place, stateHash: hash }) {
      const group = await groups.open(held);
      if (group.failure !== null) return failed(group);
      const context = { place: { ...place, ...noLog }, stateHash: hash };
      return outcome(await receiveMessage(group.value, bytes, context), (received) => {
        const { messageId, baseSeq, baseHash } = received.data;
        return {
          content: received.content,
          k: received.k,
          position: { messageId, baseSeq, baseHash: baseHash.slice() },
          stateHash: received.data.stateHash.slice(),
          ratchet: received.change,
          version: groups.step(held, received.group, received.spent),
        };
      });
    },
    async openState(held, { sealed, hash }) {
      const group = await groups.open(held);
      return group.failure === null
        ? outcome(await openState(group.value, sealed, hash), (it) => it)
        : failed(group);
    },
    async makeState(content) {
      const document = makeStateDocument(content);
      return { document, hash: stateHash(document) };
    },
    async readState(document) {
      if (document.length < 32) return null;
      return { content: contentOfState(document), hash: stateHash(document) };
    },
    async signLeave(held, keys) {
      const group = await groups.open(held);
      return group.failure === null
        ? outcome(await makeLeave(group.value, deviceOf(keys)), ({ signature }) => signature)
        : failed(group);
    },
    async isLeave(held, statement) {
      const group = await groups.open(held);
      return group.failure === null && (await isLeave(group.value, statement));
    },
    peekCommit: async (bytes) => peek(bytes),
  };
}

function peek(bytes: Uint8Array): Awaited<ReturnType<CryptoPort["peekCommit"]>> {
  try {
    const {
      stateHash: hash,
      messageId,
      baseSeq,
      baseHash,
    } = readCommitData(readCommit(bytes).authenticatedData);
    return { position: { messageId, baseSeq, baseHash: baseHash.slice() }, stateHash: hash.slice() };
  } catch {
    return null;
  }
}

/**
 * What the server carries for MLS and cannot read: commits with what belongs to them, Welcomes, GroupInfo, key packages,
 * profiles. Bytes are standard base64, or named by their hash when they are large [E2] [E6] [E16].
 */
import { z } from "zod";
import {
  blobHashSchema,
  conversationIdSchema,
  deviceIdSchema,
  deviceRefSchema,
  epochSchema,
  generationSchema,
  messageIdSchema,
  seqSchema,
  userIdSchema,
} from "./ids.ts";
import { limits } from "./limits.ts";

const base64Of = (bytesMax: number) => z.base64().max(Math.ceil(bytesMax / 3) * 4);

export const suiteSchema = z.enum(["x25519", "x_wing"]);

/** Bytes themselves up to 128 KiB; larger ones were uploaded before (PUT …/blobs/:hash) and are named here. */
export const blobSchema = z.union([
  base64Of(limits.blobInlineBytesMax),
  z.object({ hash: blobHashSchema, size: z.int().min(1).max(limits.blobBytesMax) }),
]);
export type Blob = z.infer<typeof blobSchema>;

export const roleSchema = z.enum(["owner", "admin", "member"]);
export type Role = z.infer<typeof roleSchema>;

/** What a commit does to the roster, in one transaction with it (E2). */
export const rosterChangeSchema = z.object({
  /** In the order of the commit's Adds; for a joiner itself, and for a founder itself first. */
  add: z.array(deviceRefSchema).max(limits.devicesPerCommitMax + 1),
  /** Devices whose leaves the commit removes. A user without devices left is no member any more. */
  remove: z.array(deviceRefSchema).max(limits.membersPerGroupMax * 2),
  roles: z
    .array(z.object({ user_id: userIdSchema, role: roleSchema }))
    .max(limits.membersPerGroupMax)
    .optional(),
});
export type RosterChange = z.infer<typeof rosterChangeSchema>;

/** What comes with a commit beside its own bytes. */
export const commitObjectsSchema = z.object({
  /** For all that the commit adds; null when it adds nobody, and from a joiner. */
  welcome: blobSchema.nullable(),
  /** Of the epoch that the commit leads to, and the tree beside it: for joiners. */
  group_info: base64Of(limits.keyPackageBytesMax),
  tree: blobSchema,
  /** The group's state (E16), sealed under the new epoch; null from a joiner, who leaves it as it is. */
  sealed_state: blobSchema.nullable(),
});
export type CommitObjects = z.infer<typeof commitObjectsSchema>;

// GET /v1/conversations/:conversation_id/welcome : what admits the asking device; 404 when there is none for it
export const welcomeSchema = z.object({
  conversation_id: conversationIdSchema,
  kind: z.enum(["direct", "group"]),
  generation: generationSchema,
  suite: suiteSchema,
  /** Of the commit: the epoch it was made in, its place, and the device that made it. */
  epoch: epochSchema,
  seq: seqSchema.min(1),
  inviter: deviceRefSchema,
  welcome: blobSchema,
  tree: blobSchema,
});

// GET /v1/conversations/:conversation_id/group-info : for devices of members that come in by external commit (E12)
export const groupInfoSchema = z.object({
  conversation_id: conversationIdSchema,
  kind: z.enum(["direct", "group"]),
  generation: generationSchema,
  suite: suiteSchema,
  /** Of this group info: the present epoch. */
  epoch: epochSchema,
  group_info: z.base64(),
  tree: blobSchema,
  /** Place of the last commit: its authenticated data carries the state's hash. */
  commit_seq: seqSchema.min(1),
  /** That commit itself, as the log has it. */
  commit: blobSchema,
});

// POST /v1/conversations/:conversation_id/leave → acceptedSchema. [E14] An entry of the log, kind `leave`.
export const leaveRequestSchema = z.strictObject({
  message_id: messageIdSchema,
  generation: generationSchema,
  epoch: epochSchema,
  base_seq: seqSchema,
  /** Ed25519 by the device's leaf key, src/client/mls/leave.ts. */
  signature: z.base64().max(88),
});

// PUT /v1/account/key-packages → keyPackageCountSchema · GET the same: counts only
export const keyPackagesRequestSchema = z.strictObject({
  packages: z
    .array(
      z.strictObject({
        suite: suiteSchema,
        /** Replaces the one before. */
        last_resort: z.boolean(),
        package: base64Of(limits.keyPackageBytesMax),
      }),
    )
    .min(1)
    .max(limits.keyPackagesPerUploadMax),
});
const countSchema = z.object({ one_time: z.int(), last_resort: z.boolean() });
export const keyPackageCountSchema = z.object({ x25519: countSchema, x_wing: countSchema });

// POST /v1/key-packages/claim : one package for every active device of the users named (E6)
export const claimRequestSchema = z.strictObject({
  suite: suiteSchema,
  user_ids: z.array(userIdSchema).min(1).max(limits.usersPerClaimMax),
});
export const claimAnswerSchema = z.object({
  users: z.array(
    z.object({
      user_id: userIdSchema,
      devices: z.array(
        z.object({
          device_id: deviceIdSchema,
          /** Null for a device that has uploaded none: it comes in by external commit later. */
          package: z.base64().nullable(),
        }),
      ),
    }),
  ),
});

// PUT /v1/account/profile → {} · GET /v1/users/:user_id/profile : ciphertext under the profile key
export const profileSchema = z.strictObject({ sealed: base64Of(limits.sealedProfileBytesMax) });

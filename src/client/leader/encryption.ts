/** Puts the encryption's parts together for the tab that leads: keys, groups, commits, repairs, profiles. */
import type { CryptoPort } from "../crypto/port.ts";
import { Blobs } from "../groups/blobs.ts";
import { Committer } from "../groups/committer.ts";
import { FollowUps } from "../groups/follow-up.ts";
import { Founder } from "../groups/founder.ts";
import { HeldGroups } from "../groups/held-groups.ts";
import { Joiner } from "../groups/joiner.ts";
import { Members } from "../groups/members.ts";
import { Refounder } from "../groups/refounder.ts";
import { Submitter } from "../groups/submit.ts";
import { KeyRing } from "../keys/key-ring.ts";
import { Outbox } from "../outbox/outbox.ts";
import { Sealer } from "../outbox/sealer.ts";
import { Profiles } from "../profiles/profiles.ts";
import { Adopter } from "../sync/adopter.ts";
import type { Desk } from "../sync/desk.ts";
import { LogReader } from "../sync/log-reader.ts";
import { LogWriter } from "../sync/log-writer.ts";

export interface Encryption {
  keys: KeyRing;
  groups: HeldGroups;
  outbox: Outbox;
  sealer: Sealer;
  writer: LogWriter;
  reader: LogReader;
  adopter: Adopter;
  committer: Committer;
  founder: Founder;
  members: Members;
  profiles: Profiles;
  followUps: FollowUps;
}

/** `bringUp`: in the background, until it works. */
export function makeEncryption(
  desk: Desk,
  crypto: CryptoPort,
  bringUp: (conversationId: string) => void,
): Encryption {
  const { environment, store, call } = desk;
  const keys = new KeyRing({ store, environment, crypto, session: () => desk.session, call });
  const groups = new HeldGroups(store, environment);
  const outbox = new Outbox(desk);
  const writer = new LogWriter(desk, outbox, groups, crypto);
  const reader = new LogReader(desk, writer);
  const blobs = new Blobs(desk);
  const submitter = new Submitter({ desk, reader, blobs, bringUp });
  const founder = new Founder({ desk, crypto, keys, submitter });
  const committer = new Committer({ desk, groups, crypto, reader, submitter });
  const profiles = new Profiles(desk, crypto);
  const joiner: Joiner = new Joiner({
    desk,
    groups,
    crypto,
    keys,
    reader,
    blobs,
    submitter,
    // [E6] An empty commit gives this device keys that no earlier package leads to.
    onLastResort: (conversationId) =>
      void committer.change(conversationId, async () => ({})).catch(() => bringUp(conversationId)),
    onFailure: (code) => void followUps.count(code).catch(() => {}),
  });
  const followUps = new FollowUps({ desk, crypto, outbox, profiles, joiner, committer, bringUp });
  const sealAnew = (conversationId: string) => outbox.sealAnew(conversationId);
  const members = new Members({ desk, crypto, keys, reader, committer, founder });
  const addMembers = (conversationId: string, userIds: readonly string[]) =>
    members.add(conversationId, userIds);
  const refounder = new Refounder({ desk, groups, reader, founder, sealAnew, addMembers, bringUp });
  reader.onReplaced = (state) => refounder.afterReplacement(state);
  writer.help = {
    provide: (conversationId, need) => followUps.provide(conversationId, need),
    blobs: (conversationId, entries) => blobs.ofCommits(conversationId, entries),
    follow: (conversationId, list) => followUps.follow(conversationId, list),
  };
  return {
    keys,
    groups,
    outbox,
    sealer: new Sealer({ desk, groups, crypto, outbox }),
    writer,
    reader,
    adopter: new Adopter({ desk, reader, groups, joiner, submitter, refounder }),
    committer,
    founder,
    members,
    profiles,
    followUps,
  };
}

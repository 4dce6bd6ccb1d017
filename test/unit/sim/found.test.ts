/**
 * Seeds that once failed, by what was wrong. A seed is worth most as long as plans are drawn as they were then; where a
 * mend has a test of its own, that one is named.
 */
import { describe, expect, it } from "vitest";
import { makePlan } from "../../../sim/actors/plan.ts";
import { inMacrotask } from "../../../sim/macrotask.ts";
import { simulate } from "../../../sim/simulate.ts";

/** Plans were drawn in other ways before (1, then 2 until there were groups) than now (3). */
const found: [seed: string, what: string, drawing?: 1 | 2 | 3][] = [
  ["88", "[F4] a device whose Inbox had not been told of it yet was counted as gone for ever"],
  ["13", "[R3] one's own read mark in a receipt counted as confirmed, and a crash then lost it"],
  ["28", "[F6] the leading tab's chat sockets were closed after 150 s on screen"],
  ["191", "[R1] a newly joined device made older messages look delivered that no device had"],
  ["91", "[F4] a cursor that rose in a hello was not written back when no alarm was armed"],
  ["2", "[L5] a poll acknowledged a seq of the log before, which the new one had not reached"],
  ["75", "[L5] a message written while the log was replaced kept a base beyond the head and was never taken"],
  [
    "95",
    "[R1] the delivered mark of a member whose only device was logged out stayed behind, or rose by the next one's joining",
  ],
  ["1", "[L5] rows of a replaced log stayed held for a device and kept it from becoming live"],
  [
    "802",
    "[F10] a cursor that rose in a hello was forgotten, as the alarm came after hibernation and asked for nothing",
    2,
  ],
  ["848", "[F10] the same, with alarms that come late", 2],
  ["2490", "[L3] a follower's repeated call wrote a message once more that had left the leader's outbox", 2],
  [
    "7809",
    "[L7] a message tried again while the log was replaced stayed in the store as failed, for ever",
    2,
  ],
  ["3131", "[F10] a delivered mark that a repeated acknowledgement had raised was forgotten", 2],
  ["3697", "[R1] a read mark did not carry the delivered mark over what had been acknowledged beyond it", 2],
  ["7176", "[R3] a read mark that a restored log had confirmed was not said again", 2],
  ["1", "[L5] a batch of a log that was replaced kept a device from all that was stored behind it", 2],
  ["36", "[E6] a log-in whose keys could not be uploaded stood in the store and never began", 2],
  ["23", "[F6] a chat on screen did not connect again when its user was back in the group", 3],
  ["36", "[E16] an answer overtaken by entries took a member off the list again", 3],
  ["62", "[D4] a batch acknowledged by a poll was waited for on the socket", 3],
  ["116", "[E13] the owner's coming back with a new device was taken for a fork", 3],
  ["119", "[F8] who was out of a group and had forgotten it tried to send for ever", 3],
  ["240", "[E9] a change of a group that was not here yet failed without a code", 3],
  ["286", "[E8] a commit whose answer was lost waited for the next change of its group", 3],
  ["361", "[F5] the only member's own last entry had an alarm armed at every wake", 3],
  ["1093", "[F6] a chat on screen before its device was in it did not connect when the device had joined", 3],
  ["1608", "[D1] the checker took a group for held by its founder, who was out before it had taken it in", 3],
  [
    "501",
    "[R1] the checker forgot what whoever was out had acknowledged, once it was back (checks/truth.ts)",
    3,
  ],
  ["1488", "[F5] an Inbox restored to while its alarm ran had failed reports and no alarm", 2],
];

describe("what the simulator found", () => {
  it.each(found)("seed %s: %s", async (seed, _what, drawing = 1) => {
    const outcome = await inMacrotask(() => simulate(makePlan(seed, 200, drawing)));
    expect(outcome.violation).toBeNull();
  });
});

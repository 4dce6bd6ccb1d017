/**
 * Every bound of the system, units last. [F9] Nothing queues, retries, waits or grows without a number here.
 * Relations between bounds are asserted at the end, so that changing one cannot quietly break another.
 */
export const limits = {
  // Content. An envelope is the opaque ciphertext of one message: 64 KiB of padded content, plus room for MLS framing.
  envelopeBytesMax: 68 * 1024,
  frameBytesMax: 256 * 1024,
  framesPerArrayMax: 64,
  httpBodyBytesMax: 256 * 1024,

  // MLS objects [E2]. Above the inline bound they lie in R2 and are named by their hash.
  // The inline bound leaves room for nonce and tag beside 128 KiB of padded state.
  blobInlineBytesMax: 129 * 1024,
  blobBytesMax: 2 * 1024 * 1024,
  commitBodyBytesMax: 1024 * 1024,
  keyPackageBytesMax: 4 * 1024,
  keyPackagesPerUploadMax: 32,
  /** One-time packages that an Account keeps for one device and suite, and below which it asks for more. */
  keyPackagesPerDeviceMax: 100,
  keyPackagesLow: 20,
  keyPackagesClaimedKeptMax: 2_000,
  keyPackageLifetimeMsMax: 92 * 24 * 60 * 60 * 1000,
  /** How far a device's clock may be ahead of ours. */
  clockSkewMsMax: 24 * 60 * 60 * 1000,
  usersPerClaimMax: 64,
  // Claims: users by one claimer; of one user, times that one-time packages are given, by one claimer and in all.
  usersClaimedBurst: 1_200,
  usersClaimedPerSecond: 1,
  oneTimeByClaimerPerHour: 10,
  oneTimePerHour: 60,
  // A picture of 64 KiB is 88 KiB of base64 and so padded to 128 KiB; the rest is room for the sealing.
  sealedProfileBytesMax: 128 * 1024 + 256,

  /** Of one device in one conversation: uploads that no entry names yet, or any more. */
  blobsUnnamedPerDeviceMax: 64,
  blobUnnamedLifetimeMs: 60 * 60_000,
  /** Of one conversation: Welcomes that somebody has not fetched. */
  welcomesKeptMax: 256,

  // Identity.
  devicesPerUserMax: 5,
  deviceNameCharsMax: 64,
  membersPerGroupMax: 1024,
  leavesPerGroupMax: 2048,
  devicesPerCommitMax: 64,

  // Dedupe [L3].
  baseDistanceMax: 10_000,
  messageIdAheadMsMax: 24 * 60 * 60 * 1000,
  recentIdsMax: 20_000,

  // Ingest of one conversation.
  ingestFramesMax: 4_096,
  ingestBytesMax: 16 * 1024 * 1024,
  sendsPerDeviceBurst: 2_000,
  sendsPerDevicePerSecond: 500,

  // What one device may say besides sends. The burst lets a long resume acknowledge entry by entry.
  framesPerDeviceBurst: 20_000,
  framesPerDevicePerSecond: 1_000,
  resumesPerDeviceBurst: 30,
  resumesPerDevicePerSecond: 1,
  // Conversations that are not in the chat list of an Inbox, and that a device may have it call all the same.
  unlistedChatsBurst: 50,
  unlistedChatsPerSecond: 0.5,
  unlistedChatsKeptMax: 1_000,

  // Fan-out and deadlines [F4] [F5] [F6].
  deliverEntriesMax: 256,
  deliverBytesMax: 256 * 1024,
  deliverCallsUnderWayMax: 2,
  ackDeadlineMs: 2_000,
  alarmDelayMs: 5_000,
  alarmBackoffMsMax: 5 * 60_000,
  reportsRepeatedAtOnceMax: 100,
  writeBackEntries: 256,

  // Windows of a socket [D4] [D7]: unacknowledged entries and bytes before a device is put back into resume.
  windowEntriesMax: 1_024,
  windowBytesMax: 2 * 1024 * 1024,
  backlogEntriesMax: 100,
  backlogBytesMax: 128 * 1024,
  backlogConversationsMax: 64,

  // What an Inbox holds for one device; beyond it a mark stands for all that the device lacks of a conversation.
  heldEntriesPerDeviceMax: 10_000,
  heldBytesPerDeviceMax: 32 * 1024 * 1024,
  marksPerFrameMax: 256,
  // What an Inbox connection remembers of the read marks it confirmed.
  readsConfirmedMax: 256,

  // Reading.
  pageEntriesMax: 200,
  pageBytesMax: 512 * 1024,
  chatListPageMax: 50,
  pollWaitMsMax: 25_000,

  // Sockets. The runtime allows 32,768 per object; a direct chat needs ten.
  chatSocketsMax: 4_096,
  pingIntervalMs: 30_000,
  presenceTimeoutMs: 60_000,

  // Access.
  codeDigits: 6,
  codeLifetimeMs: 10 * 60_000,
  codeAttemptsMax: 5,
  codeSendsPerHourMax: 5,
  codeSendIntervalMs: 30_000,
  codeSendTimeoutMs: 10_000,
  accessTokenLifetimeSeconds: 15 * 60,
  refreshTokenLifetimeMs: 180 * 24 * 60 * 60 * 1000,

  // Client: outbox, back-off and timers.
  outboxAttemptsMax: 20,
  outboxInFlightMax: 32,
  backoffBaseMs: 500,
  backoffMsMax: 60_000,
  connectTimeoutMs: 10_000,
  pongTimeoutMs: 10_000,
  ackTimeoutMs: 15_000,
  offlineGraceMs: 3_000,
  readRepeatMs: 5 * 60_000,
  gapPatienceMs: 1_000,
  chatsReadAtOnceMax: 4,
  unreadCountMax: 1_000,
  localPageMessagesMax: 100,
  textCharsMax: 16_000,
  nameCharsMax: 100,
  pictureBytesMax: 64 * 1024,
  // Client: encryption.
  keyPackagesPerUploadOfOneTime: 20,
  commitTriesMax: 5,
  rejoinsPerHourMax: 3,
  statePartBytesMax: 32 * 1024,
  statePartsMax: 8,
  commitJitterMs: 3_000,
  resendRequestsPerChatMax: 50,
  // Answers to one device's requests for a state or a lost message: what it asks for beyond that is passed over.
  repairAnswersBurst: 60,
  repairAnswersPerSecond: 1 / 60,
} as const;

const relations: readonly [boolean, string][] = [
  [
    (limits.envelopeBytesMax * 4) / 3 + 2_048 < limits.frameBytesMax,
    "a full envelope in base64 fits into a frame",
  ],
  [limits.frameBytesMax <= 1024 * 1024, "the runtime's hibernating sockets read at most 1 MiB"],
  [limits.ackDeadlineMs < limits.alarmDelayMs, "the alarm finds what missed the deadline"],
  [limits.alarmDelayMs < 10_000, "the alarm comes before hibernation forgets what was handed"],
  [limits.baseDistanceMax < limits.recentIdsMax, "the ids a base may reach back to fit into the cache"],
  [limits.windowEntriesMax >= limits.deliverEntriesMax, "one delivery fits into a window"],
  [limits.heldEntriesPerDeviceMax >= limits.deliverEntriesMax, "one delivery can be held"],
  [
    limits.heldBytesPerDeviceMax >= limits.windowBytesMax,
    "what a window held can be held once it is recalled",
  ],
  [limits.framesPerDeviceBurst >= limits.heldEntriesPerDeviceMax, "a resume may acknowledge entry by entry"],
  [
    limits.repairAnswersBurst > limits.resendRequestsPerChatMax,
    "whoever asks for all that it may is answered, and for the state besides",
  ],
  [limits.pingIntervalMs * 2 <= limits.presenceTimeoutMs, "one lost ping is not offline"],
  [limits.textCharsMax * 4 <= limits.envelopeBytesMax, "the longest text fits in any script"],
];
for (const [holds, what] of relations) {
  if (!holds) throw new Error(`limits contradict each other: ${what} no longer holds`);
}

/** Every planted bug, by rule group. */
import type { PlantedBug } from "../planted-bug.ts";
import { accessBugs } from "./access.ts";
import { deliveryBugs } from "./delivery.ts";
import { encryptionBugs } from "./encryption.ts";
import { fanOutBugs } from "./fan-out.ts";
import { logBugs } from "./log.ts";
import { receiptBugs } from "./receipts.ts";

export const plantedBugs: PlantedBug[] = [
  ...logBugs,
  ...deliveryBugs,
  ...fanOutBugs,
  ...receiptBugs,
  ...accessBugs,
  ...encryptionBugs,
];

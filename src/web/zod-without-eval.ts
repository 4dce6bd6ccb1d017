/**
 * Keeps zod from trying `new Function`, which the page's Content-Security-Policy forbids and the browser reports.
 * Has to be imported before any module that makes a schema.
 */
import { z } from "zod";

z.config({ jitless: true });

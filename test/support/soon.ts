/**
 * How long a test waits for what is about to happen, and how often it looks (ms). A machine that others use too may keep a process from
 * its turn for seconds; a limit that is the rule under test stands in the test itself.
 */
export const soon = { timeout: 30_000, interval: 20 };

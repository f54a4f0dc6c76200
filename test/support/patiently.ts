/** How `vi.waitFor` and `expect.poll` look again and again, with patience for a busy machine. */
export const PATIENTLY = { timeout: 60_000, interval: 50 };

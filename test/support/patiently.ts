/** How `vi.waitFor` and `expect.poll` look again and again, with patience for a busy machine. */
export const PATIENTLY = { timeout: 25_000, interval: 50 };

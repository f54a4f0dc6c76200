import { afterEach, expect, it, vi } from 'vitest';
import { FramePool, ON_THIS_THREAD_BYTES } from '#server/codec/frame-pool.js';

/** As many frames as many slow transfers hold. */
const MANY = 300;

const pool = new FramePool(3);

afterEach(async () => {
  vi.useRealTimers();
  await pool.close();
});

it('I6: the memory of many transfers is used again by the next ones, and given back when there are none', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const take = () => Array.from({ length: MANY }, () => pool.allocate(ON_THIS_THREAD_BYTES + 1));
  const known = new Set<ArrayBufferLike>();
  const knownAmong = (frames: readonly Uint8Array[]) =>
    frames.filter(({ buffer }) => known.has(buffer)).length;
  const first = take();
  for (const frame of first) known.add(frame.buffer);
  for (const frame of first) pool.release(frame);
  const second = take();
  expect(knownAmong(second)).toBe(MANY);
  for (const frame of second) pool.release(frame);
  vi.advanceTimersByTime(60_000);
  expect(knownAmong(take())).toBe(64);
});

import { constants } from 'node:os';
import { errnoName, isOutOfRoom, systemCode } from '@filetracker/durable-fs/system-code';
import { expect, it } from 'vitest';

it('a quota that is used up is known by its number, as Node.js has no name for it, and is want of room', () => {
  const { EDQUOT, ENOSPC, EACCES } = constants.errno;
  const [quota, full, denied] = [EDQUOT, ENOSPC, EACCES].map((errno) => {
    const code = errno === EDQUOT ? `Unknown system error ${-errno}` : errnoName(errno);
    return Object.assign(new Error(code), { code, errno: -errno });
  });
  expect([quota, full, denied].map(systemCode)).toEqual(['EDQUOT', 'ENOSPC', 'EACCES']);
  expect([quota, full, denied, undefined].map(isOutOfRoom)).toEqual([true, true, false, false]);
  expect(errnoName(EDQUOT)).toBe('EDQUOT');
});

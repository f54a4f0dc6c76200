import { constants } from 'node:os';
import { systemCode } from '@filetracker/durable-fs/system-code';

const QUOTA = 'EDQUOT: disk quota exceeded';

/** What Node.js says of such a quota where it waits for no answer, as of all that it has no name for; and else. */
const NAMELESS = 'UNKNOWN: unknown error';
const NUMBER = `Unknown system error ${-constants.errno.EDQUOT}`;

/** The message of an error, also of one that quotes another, with words for a disk quota that is used up. */
export function systemMessage(error: Error): string {
  const message = error.message.replace(`${NUMBER}: ${NUMBER}`, QUOTA);
  return systemCode(error) === 'EDQUOT' ? message.replace(NAMELESS, QUOTA) : message;
}

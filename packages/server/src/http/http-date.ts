import { parseDate, toVersion, type Version } from '@filetracker/protocol';

/** The two forms of dates that HTTP had before today's and that servers still have to read (RFC 9110 §5.6.7). */
const OBSOLETE_FORMS = [
  /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} (?=GMT$)/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/** The date in a header of a condition; `undefined` for what is none or not there, which is to be ignored. */
export function httpDate(text: string | undefined): Version | undefined {
  if (text === undefined) return undefined;
  try {
    if (!OBSOLETE_FORMS.some((form) => form.test(text))) return parseDate(text);
    return toVersion(Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) / 1000);
  } catch {
    return undefined;
  }
}

/** How a report divides time. */
export type Interval = 'day' | 'week' | 'month';

/** The beginning, in local time, of the period that a moment lies in; weeks begin on Monday. Milliseconds since 1970. */
export function periodStart(moment: number, interval: Interval): number {
  const date = new Date(moment);
  const day = new Date(date.getFullYear(), date.getMonth(), date.getDate());
  if (interval === 'month') day.setDate(1);
  if (interval === 'week') day.setDate(day.getDate() - ((day.getDay() + 6) % 7));
  return day.getTime();
}

/** The beginning of the period after the one that begins at `start`. */
export function nextPeriod(start: number, interval: Interval): number {
  const date = new Date(start);
  if (interval === 'month') date.setMonth(date.getMonth() + 1);
  else date.setDate(date.getDate() + (interval === 'week' ? 7 : 1));
  return date.getTime();
}

/** {@link periodStart} for many moments that lie close together: a calendar is asked only where the period ends. */
export function periodFinder(interval: Interval): (moment: number) => number {
  let start = 0;
  let end = 0;
  return (moment) => {
    if (moment < start || moment >= end) {
      start = periodStart(moment, interval);
      end = nextPeriod(start, interval);
    }
    return start;
  };
}

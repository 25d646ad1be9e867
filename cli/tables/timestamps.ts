/** Timestamps as text, ISO 8601, and as the whole numbers that Arrow has for them. */
import { TimeUnit, Timestamp } from 'apache-arrow';

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?$/;

const PER_SECOND: Readonly<Record<TimeUnit, bigint>> = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1000n,
  [TimeUnit.MICROSECOND]: 1_000_000n,
  [TimeUnit.NANOSECOND]: 1_000_000_000n,
};

const DAY = /^\d{4}-\d\d-\d\d$/;

/** Whether there is this day. Of the 30th of February, `Date.parse()` makes the 1st of March. */
export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

export interface TimestampUnit {
  readonly type: Timestamp;
  readonly perSecond: bigint;
}

const FIRST = -(2n ** 63n);
const LAST = 2n ** 63n - 1n;

function parse(text: string, perSecond: bigint): bigint | undefined {
  const [, day = '', minute = '', second = '00', fraction = '', zone = 'Z'] = TIMESTAMP.exec(text) ?? [];
  if (!isDay(day)) return undefined;
  const seconds = Date.parse(`${day}T${minute}:${second}${zone}`) / 1000;
  if (!Number.isSafeInteger(seconds)) return undefined;
  const value = BigInt(seconds) * perSecond + (BigInt(fraction.padEnd(9, '0')) * perSecond) / 1_000_000_000n;
  return value < FIRST || value > LAST ? undefined : value;
}

/** The unit that holds all of these exactly; undefined unless each is a timestamp, all with a time zone or all without. */
export function timestampUnit(texts: readonly string[]): TimestampUnit | undefined {
  let digits = 0;
  let zoned = 0;
  for (const text of texts) {
    const [match, , , , fraction = '', zone] = TIMESTAMP.exec(text) ?? [];
    if (match === undefined) return undefined;
    digits = Math.max(digits, fraction.length);
    if (zone !== undefined) zoned++;
  }
  if (texts.length === 0 || (zoned > 0 && zoned < texts.length)) return undefined;
  const unit = digits <= 3 ? TimeUnit.MILLISECOND : digits <= 6 ? TimeUnit.MICROSECOND : TimeUnit.NANOSECOND;
  const perSecond = PER_SECOND[unit];
  if (texts.some((text) => parse(text, perSecond) === undefined)) return undefined;
  return { type: new Timestamp(unit, zoned > 0 ? 'UTC' : null), perSecond };
}

export function parseTimestamps(
  texts: readonly (string | null)[],
  { perSecond }: TimestampUnit,
): BigInt64Array {
  return BigInt64Array.from(texts, (text) => (text === null ? 0n : (parse(text, perSecond) ?? 0n)));
}

/** With as many digits as the unit has, and `Z` where the type has a time zone. */
export function showTimestamp(value: bigint, { unit, timezone }: Timestamp): string {
  const perSecond = PER_SECOND[unit];
  const fraction = ((value % perSecond) + perSecond) % perSecond;
  const seconds = (value - fraction) / perSecond;
  const date = new Date(Number(seconds) * 1000);
  const end = timezone ? 'Z' : '';
  // Beyond what a Date holds.
  if (Number.isNaN(date.getTime())) return `${value}`;
  const digits = perSecond === 1n ? '' : `.${String(fraction).padStart(String(perSecond).length - 1, '0')}`;
  return `${date.toISOString().slice(0, -'.000Z'.length)}${digits}${end}`;
}

import type { Checked } from '../scaling/check.js';
import type { CoreFigures } from '../scaling/cores.js';
import { BUSY, type Fleet, type Forecast } from '../scaling/forecast.js';
import type { LiveFigures } from '../scaling/live.js';
import { rateOn, type Model } from '../scaling/model.js';
import { median, straightLine, summarize } from '../statistics.js';
import { mb, ms, table } from './text.js';

const rate = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
const percent = (share: number): string => `${(100 * share).toFixed(share < 0.995 ? 0 : 1)} %`;

export function reportCores(figures: readonly CoreFigures[]): string {
  return [
    'Calls (round trips) that keep so many cores busy: how many in a second, the CPU time of each in milliseconds, and the page',
    'faults of a child. CPU time depends less on what else the machine does than calls per second do.',
    '',
    table(
      ['cores', 'calls per second, p50', 'p25', 'p75', 'CPU: host', 'zygote', 'child', 'all', 'faults'],
      figures.map(({ cores, perSecond, hostMs, zygoteMs, childMs, faults }) => {
        const { p25, p50, p75 } = summarize(perSecond);
        const cpu = [hostMs, zygoteMs, childMs, hostMs + zygoteMs + childMs].map(ms);
        return [cores.toString(), ...[p50, p25, p75].map(rate), ...cpu, faults.toFixed(0)];
      }),
    ),
  ].join('\n');
}

export function reportLive(figures: readonly LiveFigures[]): string {
  const oneMore = straightLine(figures.map(({ children, taken }) => [children, taken])).slope;
  return [
    'With so many children parked: the memory of one of them in MB (medians); in milliseconds, a call that finds one parked, and',
    'the time until there is another in its place.',
    `The machine has ${mb(oneMore)} MB less for each, with what the kernel takes (a straight line through all counts).`,
    '',
    table(
      ['parked', 'USS', 'PSS', 'page tables', 'round trip, p50', 'p99', 'parked again, p50', 'p99'],
      figures.map(({ children, each, roundTripMs, refillMs }) => {
        const memory = (['uss', 'pss', 'pageTables'] as const).map((which) =>
          mb(median(each.map((child) => child[which]))),
        );
        const times = [roundTripMs, refillMs].flatMap((values) => {
          const { p50, p99 } = summarize(values);
          return [ms(p50), ms(p99)];
        });
        return [children.toString(), ...memory, ...times];
      }),
    ),
  ].join('\n');
}

export function reportCheck(checked: readonly Checked[]): string {
  return [
    'The simulation beside calls that came at such times here: how many found a child parked, and round trips in milliseconds.',
    '',
    table(
      ['pool', 'per second', 'burst', 'calls', 'hits', 'simulated', 'p50', 'simulated', 'p99', 'simulated'],
      checked.map(({ pool, perSecond, burst, real, simulated }) => {
        const [found, wanted] = [summarize(real.times), summarize(simulated.times)];
        return [
          pool.toString(),
          rate(perSecond),
          burst.toString(),
          found.count.toString(),
          percent(real.hits / found.count),
          percent(simulated.hits / wanted.count),
          ...[found.p50, wanted.p50, found.p99, wanted.p99].map(ms),
        ];
      }),
    ),
  ].join('\n');
}

export function reportForecast(from: string, model: Model, forecasts: readonly Forecast[]): string {
  const { perCore, contention } = model;
  const cores = [1, 2, 8, 16, 64].map((count) => `${count}: ${rate(rateOn(model, count))}`).join(', ');
  return [
    `From ${from}: ${rate(perCore)} calls per second of one core, ${(100 * contention).toFixed(1)} % more for each further core. Calls per second`,
    `by cores: ${cores}.`,
    `With ${forecasts[0]?.cores ?? 0} cores that are busy for ${percent(BUSY)} of the time, by simulation:`,
    '',
    table(
      ['calls per second', 'zygotes', 'pool of each', 'burst', 'hits', 'p99, ms'],
      forecasts.map(({ perSecond, zygotes, pool, burst, hitShare, p99 }) => [
        rate(perSecond),
        zygotes.toString(),
        pool.toString(),
        burst.toString(),
        percent(hitShare),
        ms(p99),
      ]),
    ),
  ].join('\n');
}

export function reportFleet(from: string, cores: number, fleets: readonly Fleet[]): string {
  return [
    `From ${from}, machines of ${cores} cores, of which no more than one call in a hundred waits for a core (Erlang C):`,
    '',
    table(
      ['calls per second', 'machines, a call goes where a core is free', 'machines, it goes to any of them'],
      fleets.map(({ perSecond, shared, byChance }) => [
        rate(perSecond),
        shared.toString(),
        byChance.toString(),
      ]),
    ),
  ].join('\n');
}

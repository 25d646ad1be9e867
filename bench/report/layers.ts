import type { CallTimes } from '../contestants.js';
import type { Layers, Without } from '../layers.js';
import { median, summarize } from '../statistics.js';
import { ms, table } from './text.js';

/** What a layer adds, for each round: with everything on less than without it, in milliseconds. */
export function added(layers: Layers, without: Without, which: keyof CallTimes): number[] {
  return layers.nothing.map((call, round) => call[which] - (layers[without][round]?.[which] ?? NaN));
}

export function reportLayers(layers: Layers): string {
  const names = (Object.keys(layers) as Without[]).filter((name) => name !== 'nothing');
  const columns = (which: keyof CallTimes, without: Without): string[] => {
    const { p25, p50, p75 } = summarize(added(layers, without, which));
    return [ms(median(layers[without].map((call) => call[which]))), ms(p50), `${ms(p25)} to ${ms(p75)}`];
  };
  const p50 = (which: keyof CallTimes): string => ms(median(layers.nothing.map((call) => call[which])));
  return [
    'What each layer of the sandbox adds to a call for which a child is cloned on demand: the difference within the same round',
    `between everything on and all but this layer, p50 and quartiles, over ${layers.nothing.length} rounds.`,
    '',
    table(
      ['off', 'first line', 'added', 'quartiles', 'round trip', 'added', 'quartiles'],
      [
        ['nothing', p50('firstLineMs'), '', '', p50('roundTripMs'), '', ''],
        ...names.map((name) => [name, ...columns('firstLineMs', name), ...columns('roundTripMs', name)]),
      ],
    ),
  ].join('\n');
}

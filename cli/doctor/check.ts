/** One thing that doctor looked at. */
export interface Check {
  readonly name: string;
  /**
   * `ok`: as it should be. `weaker`: it works, and something is less than it could be. `missing`: it doesn't work without.
   * `info`: to know.
   */
  readonly state: 'ok' | 'weaker' | 'missing' | 'info';
  readonly found: string;
  /** What to change. */
  readonly fix?: string;
}

export const ok = (name: string, found: string): Check => ({ name, state: 'ok', found });
export const info = (name: string, found: string): Check => ({ name, state: 'info', found });
export const weaker = (name: string, found: string, fix: string): Check => ({
  name,
  state: 'weaker',
  found,
  fix,
});
export const missing = (name: string, found: string, fix: string): Check => ({
  name,
  state: 'missing',
  found,
  fix,
});

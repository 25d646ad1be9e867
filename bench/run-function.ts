/** The other end of on-node.ts: run-function.js MODULE FUNCTION ARGUMENTS-AS-JSON */
const [module = '', name = '', args = '[]'] = process.argv.slice(2);
const exports = (await import(module)) as Record<string, (...args: unknown[]) => unknown>;
const value = await exports[name]?.(...(JSON.parse(args) as unknown[]));
process.send?.({ value });
process.disconnect();

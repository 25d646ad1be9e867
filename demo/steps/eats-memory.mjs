export function render() {
  const all = [];
  for (;;) all.push(Buffer.alloc(2 ** 24, 1));
}

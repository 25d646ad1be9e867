export function render() {
  process.exit(3);
}

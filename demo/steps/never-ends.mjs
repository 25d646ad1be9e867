// No timer, no promise: nothing but the kernel can stop it.
export function render() {
  for (;;);
}

// No timer, no promise: nothing but the kernel can stop it.
export default function () {
  for (;;);
}

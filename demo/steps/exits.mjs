export default function () {
  process.exit(3);
}

/** A step of 10,001 lines that counts how often its code is read. */
export class CountedStep {
  readonly id = 'a';
  read = 0;

  get code(): string {
    this.read++;
    return '\n'.repeat(10_000);
  }
}

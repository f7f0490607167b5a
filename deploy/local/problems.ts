/** Something on the machine keeps the local stack from starting. The message is one sentence with the remedy. */
export class LocalStackProblem extends Error {
  override readonly name = 'LocalStackProblem'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

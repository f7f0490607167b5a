/** How broker, registry and services are run on one machine. */
export const STACK_KINDS = ['processes', 'containers'] as const
export type StackKind = (typeof STACK_KINDS)[number]

/** The machine can run the stack in neither way, or WARDLINE_STACK asks for one that does not exist. */
export class NoStackPossible extends Error {
  override readonly name = 'NoStackPossible'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/**
 * Processes where Java and Maven are there, else containers where an engine answers. `wanted` (WARDLINE_STACK) decides
 * instead where it is given. Problems are sentences with a remedy, or null. Throws NoStackPossible.
 */
export function chooseStack(options: {
  wanted: string | undefined
  processesProblem: () => string | null
  containersProblem: () => string | null
}): StackKind {
  const { wanted } = options
  if (wanted) {
    const kind = STACK_KINDS.find((name) => name === wanted)
    if (!kind)
      throw new NoStackPossible(
        `WARDLINE_STACK is ${JSON.stringify(wanted)}; it must be ${STACK_KINDS.join(' or ')}.`,
      )
    return kind
  }
  const processes = options.processesProblem()
  if (processes === null) return 'processes'
  const containers = options.containersProblem()
  if (containers === null) return 'containers'
  throw new NoStackPossible(`${processes}\nOr in containers: ${containers}.`)
}

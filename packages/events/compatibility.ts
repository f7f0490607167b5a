import { type Schema, Type } from './avro.ts'

/**
 * Whether a reader with `current` can read what every one of `landed` wrote (BACKWARD_TRANSITIVE, as the registry
 * enforces it at registration; this finds it before). Returns one line a problem, empty where it can.
 */
export function compatibilityProblems(
  current: Schema,
  landed: readonly { readonly name: string; readonly schema: Schema }[],
): string[] {
  const reader = Type.forSchema(current)
  const problems: string[] = []
  for (const { name, schema } of landed) {
    try {
      reader.createResolver(Type.forSchema(schema))
    } catch (error) {
      const [why] = (error instanceof Error ? error.message : String(error)).split('\n')
      problems.push(`cannot read what ${name} wrote: ${why}`)
    }
  }
  return problems
}

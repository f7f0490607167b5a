import { z } from 'zod'
import { enforcementFile } from './enforcement.ts'
import { riskFile } from './risk.ts'
import { ruleFileSchema, thresholdsSchema } from './rules.ts'
import { tonesFile } from './tones.ts'

const SCHEMAS = [
  ['rules.schema.json', 'Wardline: rules', ruleFileSchema],
  ['thresholds.schema.json', 'Wardline: thresholds', thresholdsSchema],
  ['enforcement.schema.json', 'Wardline: what is done about risk', enforcementFile],
  ['risk.schema.json', 'Wardline: how conversations and attacks are weighed', riskFile],
  ['tones.schema.json', 'Wardline: what wording speaks for', tonesFile],
] as const

/**
 * JSON Schema (draft 2020-12) of the policy's files, by file name, as an editor wants it: of what is written, so what has a
 * default may be left out. It says the shape; what no shape can say, `wardline policy check` does.
 */
export function jsonSchemas(): Map<string, string> {
  return new Map(
    SCHEMAS.map(([file, title, schema]) => {
      const generated = z.toJSONSchema(schema, { io: 'input', reused: 'ref' })
      return [file, `${JSON.stringify({ ...generated, title }, null, 2)}\n`]
    }),
  )
}

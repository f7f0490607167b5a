/** `make types`: writes the JSON Schemas beside the policy's files, for editors. */
import { writeFileSync } from 'node:fs'
import { jsonSchemas } from './json-schemas.ts'

for (const [file, text] of jsonSchemas())
  writeFileSync(new URL(`../../policy/${file}`, import.meta.url), text)

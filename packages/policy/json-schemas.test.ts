import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { policyFolder } from './folder.ts'
import { jsonSchemas } from './json-schemas.ts'

it.each([...jsonSchemas()])('policy/%s is current (make types writes it)', (file, text) => {
  expect(readFileSync(`${policyFolder({})}${file}`, 'utf8')).toBe(text)
})

it('offers what a rule may have, and asks for what it must', () => {
  const schema = JSON.parse(jsonSchemas().get('rules.schema.json')!)
  const resolved = (node: { $ref?: string }) =>
    node.$ref ? schema.$defs[node.$ref.split('/').at(-1)!] : node
  const rule = resolved(schema.items)
  expect(rule.required.toSorted()).toEqual(['category', 'id', 'item', 'mode', 'severity', 'when'])
  expect(rule.additionalProperties).toBe(false)
  expect(Object.keys(resolved(rule.properties.when).properties)).toEqual(
    expect.arrayContaining(['terms', 'lexicon', 'links', 'contactHandle', 'qrCode', 'mediaLabels', 'usage']),
  )
})

it('is named by the files that it is for', () => {
  for (const file of ['thresholds', 'enforcement'])
    expect(readFileSync(`${policyFolder({})}${file}.yaml`, 'utf8')).toContain(`$schema=./${file}.schema.json`)
})

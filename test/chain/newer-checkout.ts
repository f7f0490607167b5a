import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RecordName } from '@wardline/events'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** What services are made of; the rest of the checkout is the same for both. */
const COPIED = ['packages', 'services', 'schemas', 'policy', 'package.json']
const WORKSPACES = ['packages', 'services']

/** A copy of this checkout in which every given record has one more field: what a rolling upgrade brings. */
export class NewerCheckout {
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  static create(records: readonly RecordName[]): NewerCheckout {
    const root = mkdtempSync(join(tmpdir(), 'wardline-newer-'))
    for (const name of COPIED) cpSync(join(ROOT, name), join(root, name), { recursive: true })
    // Its own packages under their names; everybody else's from here.
    mkdirSync(join(root, 'node_modules', '@wardline'), { recursive: true })
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name !== '@wardline')
        symlinkSync(join(ROOT, 'node_modules', name), join(root, 'node_modules', name))
    }
    for (const workspace of WORKSPACES) {
      for (const folder of readdirSync(join(root, workspace))) {
        const { name } = JSON.parse(readFileSync(join(root, workspace, folder, 'package.json'), 'utf8')) as {
          name: string
        }
        symlinkSync(join(root, workspace, folder), join(root, 'node_modules', name))
      }
    }
    for (const record of records) {
      const file = join(root, 'schemas', `${record}.avsc`)
      const schema = JSON.parse(readFileSync(file, 'utf8')) as { fields: object[] }
      schema.fields.push({ name: 'addedByUpgrade', type: ['null', 'string'], default: null })
      writeFileSync(file, JSON.stringify(schema, null, 2))
    }
    return new NewerCheckout(root)
  }

  schema(record: RecordName): { fields: { name: string }[] } {
    return JSON.parse(readFileSync(join(this.root, 'schemas', `${record}.avsc`), 'utf8'))
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

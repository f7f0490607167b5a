import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Pages that people read. */
export const PAGES = [
  'README.md',
  'SECURITY.md',
  ...globSync('docs/**/*.md', { cwd: ROOT }).sort(),
  'kits/README.md',
  ...globSync('{policy,packages}/**/README.md', { cwd: ROOT, exclude: ['**/node_modules/**'] }).sort(),
]

export const pageText = (page: string) => readFileSync(`${ROOT}${page}`, 'utf8')

/** A command as a page gives it. */
export interface DocumentedCommand {
  readonly page: string
  /** From 1. */
  readonly line: number
  readonly command: string
  /** In a block of commands, to be copied; else in running text, where it may be shortened. */
  readonly inBlock: boolean
}

const INLINE = /`((?:make|bin\/wardline|wardline) [a-z][^`]*)`/g

/**
 * Commands of a page: every line of a block marked `sh`, lines after `$` in other blocks, and what stands in running text
 * as `make …` or `bin/wardline …`. What follows ` # ` is explanation.
 */
export function documentedCommands(page: string, markdown: string): DocumentedCommand[] {
  const found: DocumentedCommand[] = []
  let block: string | null = null
  for (const [index, text] of markdown.split('\n').entries()) {
    const line = index + 1
    const fence = /^\s*```(\w*)/.exec(text)
    if (fence) {
      block = block === null ? fence[1]! : null
      continue
    }
    if (block !== null) {
      const command = (block === 'sh' ? text : (/^\s*\$ (.*)/.exec(text)?.[1] ?? ''))
        .replace(/\s+# .*$/, '')
        .trim()
      if (command !== '' && !command.startsWith('#')) found.push({ page, line, command, inBlock: true })
      continue
    }
    for (const [, command] of text.matchAll(INLINE))
      found.push({ page, line, command: command!, inBlock: false })
  }
  return found
}

export const allCommands = () => PAGES.flatMap((page) => documentedCommands(page, pageText(page)))

/**
 * Makes the package that is published: JavaScript in one file with Wardline's own parts inside, type declarations, the
 * schemas, and a package.json with exact versions of what stays outside. Node runs no TypeScript in node_modules, and
 * the packages inside the repository are not published. Prints the folder; `npm publish FOLDER` does the rest.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type OutputChunk, rolldown } from 'rolldown'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const HERE = join(ROOT, 'packages/client')
export const PACKAGE_FOLDER = join(ROOT, '.wardline/kits/client')

/** Builds the package into PACKAGE_FOLDER. Throws where a part cannot be built. */
export async function buildPackage(): Promise<void> {
  rmSync(PACKAGE_FOLDER, { recursive: true, force: true })
  mkdirSync(PACKAGE_FOLDER, { recursive: true })
  const outside = await bundle()
  declareTypes()
  for (const file of globSync('*.avsc', { cwd: join(ROOT, 'schemas') }))
    cpSync(join(ROOT, 'schemas', file), join(PACKAGE_FOLDER, 'schemas', file))
  for (const [from, to] of [
    [join(HERE, 'README.md'), 'README.md'],
    [join(ROOT, 'LICENSE'), 'LICENSE'],
    [join(HERE, 'examples'), 'examples'],
  ] as const)
    cpSync(from, join(PACKAGE_FOLDER, to), { recursive: true })
  writeFileSync(join(PACKAGE_FOLDER, 'package.json'), `${JSON.stringify(manifest(outside), null, 2)}\n`)
}

/** The code, in dist/lib: the schemas are read from ../../schemas, as in the repository. Returns the packages that stay outside. */
async function bundle(): Promise<string[]> {
  const build = await rolldown({
    input: join(HERE, 'index.ts'),
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith('/') && !id.startsWith('@wardline/'),
    treeshake: { moduleSideEffects: [{ external: true, sideEffects: false }] },
  })
  const { output } = await build.write({
    dir: join(PACKAGE_FOLDER, 'dist/lib'),
    format: 'esm',
    entryFileNames: 'index.js',
    codeSplitting: false,
  })
  await build.close()
  const { code } = output.find((part): part is OutputChunk => part.type === 'chunk')!
  return importedPackages(code)
}

/** Names of the packages that the code imports or requires, those of Node left out. */
export function importedPackages(code: string): string[] {
  const ids = [
    ...code.matchAll(
      /^import .*from "([^."][^"]*)"|\b(?:require(?:\.resolve)?|import|replaceModule)\("([^."][^"]*)"/gm,
    ),
  ]
    .map(([, imported, required]) => imported ?? required!)
    .filter((id) => !id.startsWith('node:'))
  return [...new Set(ids.map((id) => id.split('/', id.startsWith('@') ? 2 : 1).join('/')))].sort()
}

/** Declarations of the client, and of the records that they name, in dist/types. */
function declareTypes(): void {
  const emitted = join(PACKAGE_FOLDER, 'emitted')
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      ...['--project', join(ROOT, 'tsconfig.json'), '--noEmit', 'false', '--declaration'],
      ...['--emitDeclarationOnly', '--rootDir', ROOT, '--outDir', emitted],
    ],
    { cwd: ROOT, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`no declarations: ${stdout}`)
  const target = join(PACKAGE_FOLDER, 'dist/types')
  mkdirSync(target, { recursive: true })
  const wanted = ['index']
  for (const name of wanted) {
    const text = readFileSync(join(emitted, 'packages/client', `${name}.d.ts`), 'utf8')
      .replaceAll("'@wardline/events'", "'./records.js'")
      .replaceAll(/from '\.\/([a-z-]+)\.ts'/g, "from './$1.js'")
    if (text.includes("'@wardline/")) throw new Error(`${name}.d.ts names a package that is not published`)
    writeFileSync(join(target, `${name}.d.ts`), text)
    for (const [, next] of text.matchAll(/from '\.\/([a-z-]+)\.js'/g))
      if (next !== 'records' && !wanted.includes(next!)) wanted.push(next!)
  }
  cpSync(join(emitted, 'packages/events/generated/types.d.ts'), join(target, 'records.d.ts'))
  rmSync(emitted, { recursive: true })
}

function manifest(outside: readonly string[]): object {
  const {
    private: _,
    exports: __,
    dependencies: ___,
    ...own
  } = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8')) as Record<string, unknown>
  return {
    ...own,
    engines: { node: '>=24' },
    exports: { '.': { types: './dist/types/index.d.ts', default: './dist/lib/index.js' } },
    files: ['dist', 'schemas', 'examples'],
    dependencies: Object.fromEntries(outside.map((name) => [name, installedVersion(name)])),
  }
}

function installedVersion(name: string): string {
  const file = join(ROOT, 'node_modules', name, 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

if (import.meta.main) {
  await buildPackage()
  console.log(PACKAGE_FOLDER)
}

/**
 * Builds the container images and prints what each takes. With WARDLINE_IMAGE_BASES=debootstrap it needs no image
 * registry: a Debian root from the machine's package sources, Node from npm, the broker and the registry from Maven.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reportHead, writeReport } from '@wardline/cli/report'
import { ensureArtifacts } from '@wardline/local'
import { importDebianRoot } from './debian-root.ts'
import { docker, EngineProblem, engineProblem, imageSize } from './engine.ts'
import { basesFromEnvironment, imageNames } from './names.ts'
import { buildServicesImage, NODE_BUILD, NODE_RUNTIME } from './services-image.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const HERE = fileURLToPath(new URL('.', import.meta.url))
const DEBIAN = 'wardline/debian:local'
const JRE = 'wardline/jre:local'
/** The npm that comes with Node 24. */
const NPM = 'npm@11.21.2'
const TRUSTED = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt']

interface Built {
  readonly image: string
  readonly seconds: number
  readonly megabytes: number
}

const built: Built[] = []
async function step(image: string, work: () => Promise<unknown>): Promise<void> {
  console.log(`building ${image} …`)
  const started = performance.now()
  await work()
  built.push({
    image,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    megabytes: Math.round(((await imageSize(image)) ?? 0) / 1e6),
  })
}

const tarOf = (...args: string[]) => ['tar', '--create', '--dereference', '--absolute-names', ...args]
/** Of a Dockerfile whose context comes from several folders. */
const fromTar = (
  image: string,
  dockerfile: string,
  args: Record<string, string>,
  tar: string[],
  target?: string,
) =>
  docker(
    [
      'build',
      '--tag',
      image,
      '--file',
      dockerfile,
      ...(target ? ['--target', target] : []),
      ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      '-',
    ],
    { tar },
  )

async function buildNode(): Promise<void> {
  const npm = `${ROOT}.wardline/images/${NPM}`
  if (!existsSync(`${npm}/node_modules/npm`)) {
    mkdirSync(npm, { recursive: true })
    const { status, stderr } = spawnSync(
      'npm',
      ['install', '--prefix', npm, '--no-save', '--no-package-lock', NPM],
      {
        encoding: 'utf8',
      },
    )
    if (status !== 0) throw new EngineProblem(`npm could not be fetched:\n${stderr.slice(-2_000)}`)
  }
  const trusted = TRUSTED.find((file) => existsSync(file))
  if (!trusted)
    throw new EngineProblem(`this machine has no bundle of certificates (${TRUSTED.join(' or ')})`)
  const context = tarOf(
    '-C',
    HERE,
    'bases/node.Dockerfile',
    `--transform=s,^${process.execPath}$,node/bin/node,`,
    process.execPath,
    '-C',
    `${npm}/node_modules`,
    'npm',
    `--transform=s,^${trusted}$,trusted.crt,`,
    trusted,
  )
  for (const [image, target] of [
    [NODE_RUNTIME, 'runtime'],
    [NODE_BUILD, 'build'],
  ] as const)
    await step(image, () => fromTar(image, 'bases/node.Dockerfile', { DEBIAN }, context, target))
}

async function buildAll(): Promise<void> {
  const local = basesFromEnvironment(process.env) === 'debootstrap'
  const names = imageNames(process.env)
  if (local) {
    if ((await imageSize(DEBIAN)) === null) await step(DEBIAN, () => importDebianRoot(DEBIAN))
    await buildNode()
  }
  await step(names.services, buildServicesImage)
  if (!local) return
  const artifacts = await ensureArtifacts(console.log)
  await step(JRE, () =>
    fromTar(JRE, 'bases/jre.Dockerfile', { DEBIAN }, tarOf('-C', HERE, 'bases/jre.Dockerfile')),
  )
  await step(names.broker, () =>
    fromTar(
      names.broker,
      'Dockerfile',
      { BASE: JRE },
      tarOf('-C', `${HERE}broker`, '.', '-C', dirname(artifacts.kafkaJars), 'kafka'),
    ),
  )
  await step(names.registry, () =>
    fromTar(
      names.registry,
      'Dockerfile',
      { BASE: JRE },
      tarOf('-C', `${HERE}registry`, '.', '-C', dirname(dirname(artifacts.registryJar)), 'registry'),
    ),
  )
}

/** Builds them all; throws EngineProblem or LocalStackProblem with what is missing. */
export async function buildImages(): Promise<void> {
  const startedAt = new Date()
  await buildAll()
  for (const { image, seconds, megabytes } of built)
    console.log(`${image.padEnd(28)} ${`${megabytes} MB`.padStart(8)} ${`${seconds} s`.padStart(9)}`)
  console.log(`report  ${writeReport('images', { ...reportHead(startedAt), images: built })}`)
}

if (import.meta.main) {
  const problem = engineProblem()
  try {
    if (problem) throw new EngineProblem(`the images cannot be built: ${problem}`)
    await buildImages()
  } catch (error) {
    if (!(error instanceof Error && 'remedy' in error)) throw error
    console.error(error.message)
    if (!process.env.WARDLINE_IMAGE_BASES)
      console.error('Where no image registry can be reached: WARDLINE_IMAGE_BASES=debootstrap make images')
    process.exitCode = 1
  }
}

import { readFileSync } from 'node:fs'

/** Where the images that ours stand on come from: an image registry, or a Debian root made on this machine. */
export const BASES = ['official', 'debootstrap'] as const
export type Bases = (typeof BASES)[number]

export interface ImageNames {
  readonly services: string
  readonly broker: string
  readonly registry: string
}

/** A setting of the image build or of the container tests is wrong. */
export class InvalidImageSettings extends Error {
  override readonly name = 'InvalidImageSettings'
  /** Tells the command line to print the message alone. */
  readonly remedy = true
}

/** WARDLINE_IMAGE_BASES; the official ones unless it says otherwise. Throws InvalidImageSettings. */
export function basesFromEnvironment(env: NodeJS.ProcessEnv): Bases {
  const given = env.WARDLINE_IMAGE_BASES || 'official'
  const bases = BASES.find((name) => name === given)
  if (!bases)
    throw new InvalidImageSettings(
      `WARDLINE_IMAGE_BASES is ${JSON.stringify(given)}; it must be ${BASES.join(' or ')}.`,
    )
  return bases
}

/** Version of a part of the local stack, which deploy/local/pom.xml pins. */
export function pinnedVersion(part: 'kafka' | 'apicurio'): string {
  const pom = readFileSync(new URL('../local/pom.xml', import.meta.url), 'utf8')
  const version = new RegExp(`<${part}\\.version>([^<]+)<`).exec(pom)?.[1]
  if (version === undefined) throw new InvalidImageSettings(`deploy/local/pom.xml names no ${part}.version.`)
  return version
}

/** Names of the images in use: WARDLINE_SERVICES_IMAGE, WARDLINE_BROKER_IMAGE and WARDLINE_REGISTRY_IMAGE come first. */
export function imageNames(env: NodeJS.ProcessEnv): ImageNames {
  const local = basesFromEnvironment(env) === 'debootstrap'
  return {
    services: env.WARDLINE_SERVICES_IMAGE || 'wardline/services:local',
    broker:
      env.WARDLINE_BROKER_IMAGE ||
      (local ? 'wardline/broker:local' : `apache/kafka:${pinnedVersion('kafka')}`),
    registry:
      env.WARDLINE_REGISTRY_IMAGE ||
      (local ? 'wardline/registry:local' : `apicurio/apicurio-registry:${pinnedVersion('apicurio')}`),
  }
}

/** A broker setting's name as the official image takes it from its environment. */
export const kafkaVariable = (setting: string): string =>
  `KAFKA_${setting.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_').toUpperCase()}`

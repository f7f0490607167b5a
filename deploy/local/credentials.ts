import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { LocalStackProblem } from './problems.ts'

/** SCRAM users of a secured local broker. The admin may do everything; what the others may is in deploy/security/acls.yaml. */
export const ADMIN = 'wardline-admin'
export const USERS = [
  ADMIN,
  'wardline-normalize',
  'wardline-classify',
  'wardline-comment-risk',
  'wardline-enforce',
  'wardline-console',
  'wardline-operator',
  'feed-producer',
  'enforcement-system',
] as const
export type User = (typeof USERS)[number]

/** Names in the certificates of the two that talk to the broker's inner listeners. */
export const BROKER_NAME = 'CN=wardline-broker'
export const REGISTRY_NAME = 'CN=wardline-registry'

/** Files and passwords of a secured local broker, made anew for each data folder. */
export interface Credentials {
  /** PEM certificate that clients trust. */
  readonly caFile: string
  readonly brokerKeyStore: string
  readonly registryKeyStore: string
  readonly trustStore: string
  /** Of the three stores. */
  readonly storePassword: string
  readonly passwords: ReadonlyMap<User, string>
  /** File with the user's password, readable by its owner alone. */
  passwordFile(user: User): string
}

const VALID_DAYS = '30'

/** Makes keys, certificates and passwords with the JRE's keytool. Throws LocalStackProblem where that fails. */
export function createCredentials(folder: string): Credentials {
  if (existsSync(folder))
    throw new LocalStackProblem(`${folder} exists already; a secured stack starts on an empty folder.`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const secret = () => randomBytes(24).toString('base64url')
  const storePassword = secret()
  const file = (name: string) => `${folder}/${name}`
  const trustStore = file('trust.p12')
  const keytool = (...args: string[]) => {
    const { status, stderr, stdout, error } = spawnSync(
      'keytool',
      [...args, '-storepass', storePassword, '-noprompt'],
      {
        encoding: 'utf8',
      },
    )
    if (error || status !== 0)
      throw new LocalStackProblem(
        `keytool could not make certificates: ${error?.message ?? (stderr || stdout)}`,
      )
  }
  for (const [alias, name] of [
    ['broker', BROKER_NAME],
    ['registry', REGISTRY_NAME],
  ] as const) {
    const keystore = file(`${alias}.p12`)
    keytool(
      '-genkeypair',
      '-alias',
      alias,
      '-dname',
      name,
      '-keyalg',
      'EC',
      '-groupname',
      'secp256r1',
      '-validity',
      VALID_DAYS,
      '-ext',
      'san=ip:127.0.0.1,dns:localhost',
      '-keystore',
      keystore,
      '-storetype',
      'PKCS12',
    )
    keytool('-exportcert', '-rfc', '-alias', alias, '-file', file(`${alias}.pem`), '-keystore', keystore)
    keytool(
      '-importcert',
      '-alias',
      alias,
      '-file',
      file(`${alias}.pem`),
      '-keystore',
      trustStore,
      '-storetype',
      'PKCS12',
    )
  }
  const passwords = new Map(USERS.map((user) => [user, secret()]))
  for (const [user, password] of passwords)
    writeFileSync(file(`${user}.password`), `${password}\n`, { mode: 0o600 })
  return {
    caFile: file('broker.pem'),
    brokerKeyStore: file('broker.p12'),
    registryKeyStore: file('registry.p12'),
    trustStore,
    storePassword,
    passwords,
    passwordFile: (user) => file(`${user}.password`),
  }
}

/** Settings of a client that logs in as the user, as the environment of a service. */
export function clientEnvironment(credentials: Credentials, user: User): Record<string, string> {
  return {
    WARDLINE_TLS: 'true',
    WARDLINE_TLS_CA_FILE: credentials.caFile,
    WARDLINE_SASL_MECHANISM: 'scram-sha-512',
    WARDLINE_SASL_USERNAME: user,
    WARDLINE_SASL_PASSWORD_FILE: credentials.passwordFile(user),
  }
}

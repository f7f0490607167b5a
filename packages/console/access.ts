import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ProxyLogin } from './settings.ts'

/**
 * viewer sees everything but texts; reviewer also sees texts and gives verdicts; policy-admin publishes policy and gives
 * section orders; sre looks into dead letters and replays them.
 */
export const ROLES = ['viewer', 'reviewer', 'policy-admin', 'sre'] as const
export type Role = (typeof ROLES)[number]

/** What a role is needed for. */
export const PERMISSIONS = {
  look: ['viewer', 'reviewer', 'policy-admin', 'sre'],
  readText: ['reviewer'],
  review: ['reviewer'],
  changePolicy: ['policy-admin'],
  orderSections: ['policy-admin'],
  openDeadLetters: ['sre'],
  replay: ['sre'],
  readAudit: ['policy-admin', 'sre'],
} as const satisfies Record<string, readonly Role[]>
export type Permission = keyof typeof PERMISSIONS

export interface User {
  readonly name: string
  readonly roles: ReadonlySet<Role>
}

export const may = (user: User, permission: Permission): boolean =>
  PERMISSIONS[permission].some((role) => user.roles.has(role))

/** A token's digest: tokens themselves are not kept. */
export interface KnownToken {
  readonly digest: Buffer
  readonly user: User
}

const LEAST_TOKEN = 24
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$/u

/** Lines `token name role,role`; # begins a comment. What is wrong as text: never a token. */
export function parseTokens(text: string): KnownToken[] | string {
  const tokens: KnownToken[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const content = line.replace(/(^|\s)#.*$/, '').trim()
    if (content === '') continue
    const [token = '', name = '', roleText = '', ...rest] = content.split(/\s+/)
    const roles = roleText.split(',').map((each) => ROLES.find((role) => role === each))
    if (token.length < LEAST_TOKEN) return `line ${i + 1}: a token has at least ${LEAST_TOKEN} characters`
    if (!NAME.test(name)) return `line ${i + 1}: after the token comes a name of letters, digits and . _ @ -`
    if (roles.some((role) => role === undefined) || rest.length > 0)
      return `line ${i + 1}: after the name come roles, separated by commas: ${ROLES.join(', ')}`
    tokens.push({ digest: digest(token), user: { name, roles: new Set(roles as Role[]) } })
  }
  return tokens.length === 0 ? 'names nobody' : tokens
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whose token it is. Every known one is compared in full, so the time tells nothing. */
export function userOfToken(tokens: readonly KnownToken[], token: string): User | undefined {
  const given = digest(token)
  let found: User | undefined
  for (const known of tokens) if (timingSafeEqual(known.digest, given)) found = known.user
  return found
}

/** Whom the proxy says it is; undefined where the headers are not the proxy's, or give no role. */
export function userOfProxy(
  proxy: ProxyLogin,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): User | undefined {
  const one = (name: string) => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const secret = one('x-wardline-proxy-secret')
  if (secret === undefined || !timingSafeEqual(digest(secret), digest(proxy.secret))) return undefined
  const name = one(proxy.userHeader)
  if (name === undefined || !NAME.test(name)) return undefined
  const roles = new Set<Role>()
  for (const group of (one(proxy.groupsHeader) ?? '').split(',')) {
    const role = proxy.roles.get(group.trim())
    if (role) roles.add(role)
  }
  return roles.size === 0 ? undefined : { name, roles }
}

const SESSION_MS = 12 * 3_600_000
const MOST_SESSIONS = 1_000

/** Who is logged in by a token, in memory: a restart asks for the token again. */
export class Sessions {
  readonly #clock: () => number
  readonly #open = new Map<string, { readonly user: User; readonly until: number }>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Returns the id for the cookie; only its digest is kept. */
  begin(user: User): string {
    const now = this.#clock()
    for (const [key, { until }] of this.#open) if (until <= now) this.#open.delete(key)
    if (this.#open.size >= MOST_SESSIONS) this.#open.delete(this.#open.keys().next().value!)
    const id = randomBytes(32).toString('base64url')
    this.#open.set(digest(id).toString('hex'), { user, until: now + SESSION_MS })
    return id
  }

  userOf(id: string): User | undefined {
    const session = this.#open.get(digest(id).toString('hex'))
    return session && this.#clock() < session.until ? session.user : undefined
  }

  end(id: string): void {
    this.#open.delete(digest(id).toString('hex'))
  }
}

// A real OpenID provider on a free port of 127.0.0.1, until standard input ends.
// node provider.mjs MODULES ISSUER: where npm installed it, and the address that it is reached under.
// It prints its port. POST /test/groups {person, groups} says which groups somebody is in from then on.
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const [modules, issuer] = process.argv.slice(2)
const { default: Provider } = await import(
  pathToFileURL(join(modules, 'node_modules', 'oidc-provider', 'lib', 'index.js')),
)

const groups = new Map([
  ['ops-1', ['duty-ops']],
  ['reviewer-1', ['readers', 'choir']],
  ['stranger', ['duty-ops']],
  ['guest', ['choir']],
])
const account = (person) => groups.has(person) && {
  accountId: person,
  claims: () => ({
    sub: person,
    preferred_username: person,
    name: person.replace('-', ' ').replace(/^./, (letter) => letter.toUpperCase()),
    groups: groups.get(person),
  }),
}
// A native client's loopback address is taken with any port (RFC 8252, 7.3).
const client = (client_id, more) => ({
  client_id,
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/sign-in/answer'],
  grant_types: ['authorization_code'],
  ...more,
})
const provider = new Provider(issuer, {
  clients: [
    client('console', { client_secret: 'a secret of the console: +&%', token_endpoint_auth_method: 'client_secret_basic' }),
    client('public', { token_endpoint_auth_method: 'none' }),
  ],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ['for tests only'] },
  findAccount: (_, person) => account(person) || undefined,
})
provider.proxy = true

const answer = provider.callback()
const server = createServer((request, response) => {
  if (request.url !== '/test/groups') return answer(request, response)
  let body = ''
  request.on('data', (part) => { body += part })
  request.on('end', () => {
    const { person, groups: named } = JSON.parse(body)
    groups.set(person, named)
    response.writeHead(204).end()
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.resume().on('end', () => process.exit(0))

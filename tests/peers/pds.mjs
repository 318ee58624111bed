// A real PDS and the directory of identities that it needs, on free ports of 127.0.0.1, until standard input ends.
// node pds.mjs MODULES FOLDER: where npm installed them, and an empty folder for what they keep.
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [modules, folder] = process.argv.slice(2)
const require = createRequire(join(modules, 'here.js'))
const { PDS, envToCfg, envToSecrets } = require('@atproto/pds')
const plc = require('@did-plc/server')

const secret = (bytes) => randomBytes(bytes).toString('hex')
const at = (listening) => `http://127.0.0.1:${listening.address().port}`
const directory = await plc.PlcServer.create({ db: plc.Database.mock(), port: 0 }).start()
const environment = {
  port: 0,
  hostname: 'localhost',
  devMode: true,
  dataDirectory: folder,
  blobstoreDiskLocation: join(folder, 'blobs'),
  didPlcUrl: at(directory),
  serviceHandleDomains: ['.test'],
  inviteRequired: false,
  crawlers: [],
  jwtSecret: secret(16),
  adminPassword: secret(16),
  plcRotationKeyK256PrivateKeyHex: secret(32),
}
const pds = await PDS.create(envToCfg(environment), envToSecrets(environment))
console.log(at(await pds.start()))
process.stdin.resume().on('end', () => process.exit(0))

/** Who may do what: ACLs, credentials, what is hidden. */
import { createHash } from 'node:crypto'
import type { Client, Probe } from './probe-session.ts'

export const SUPER_DIGEST = digest('super:admin')
const BOB = digest('bob:secret')
const PERMISSIONS = { read: 1, write: 2, create: 4, delete: 8, admin: 16 }

function digest(credentials: string): string {
  return `${credentials.split(':')[0]}:${createHash('sha1').update(credentials).digest('base64')}`
}

export async function securityScenes(probe: Probe): Promise<void> {
  await probe.scene('permissions', async (client, root) => {
    for (const [name, permission] of Object.entries(PERMISSIONS)) {
      const at = `${root}/${name}`
      const bob = await probe.client('bob')
      await bob.auth('digest', 'bob:secret')
      await bob.create(at, { acl: [`31 digest ${BOB}`] })
      await bob.create(`${at}/child`)
      await bob.setAcl(at, [`${permission} world anyone`, `31 digest ${BOB}`])
      await everything(client, at)
      await bob.close()
    }
    await client.create(`${root}/mine`, { acl: ['31 auth '] })
    await client.auth('digest', 'bob:wrong')
    await client.getData(`${root}/read`)
    await client.setData(`${root}/read`, 'y')
    await client.auth('digest', 'bob:secret')
    await everything(client, `${root}/read`)
    await client.whoAmI()
    await client.create(`${root}/mine`, { acl: ['31 auth '] })
    await client.getAcl(`${root}/mine`)
    await client.setAcl(`${root}/mine`, ['1 auth ', '16 auth ignored'])
    await client.getAcl(`${root}/mine`)
    const reader = await probe.client('reader')
    await client.setAcl(`${root}/mine`, [`31 digest ${BOB}`, '1 world anyone', '31 ip 10.0.0.0/8'])
    await reader.getAcl(`${root}/mine`)
    await client.setAcl(`${root}/mine`, [`31 digest ${BOB}`, '16 world anyone'])
    await reader.getAcl(`${root}/mine`)
    await reader.close()
  })
  await probe.scene('addresses', async (client, root) => {
    for (const id of ['127.0.0.1', '127.0.0.0/8', '128.0.0.0/1', '0.0.0.0/0', '10.0.0.1']) {
      await client.create(`${root}/${id.replace('/', '|')}`, { acl: [`1 ip ${id}`] })
      await client.getData(`${root}/${id.replace('/', '|')}`)
    }
    await client.whoAmI()
    await client.auth('ip', '10.0.0.1')
    await client.auth('ip', null)
    await client.whoAmI()
  })
  for (const [scheme, credentials] of [
    ['digest', 'nobody'],
    ['digest', ''],
    ['digest', null],
    ['digest', 'a:b:c'],
    ['digest', ':'],
    ['world', 'anyone'],
    ['auth', ''],
    ['super', 'x'],
    ['x509', 'CN=a'],
    ['sasl', 'a'],
    ['magic', 'x'],
    ['', ''],
  ] as const) {
    await probe.scene(`auth ${scheme} ${credentials}`, async (client, root) => {
      await client.auth(scheme, credentials)
      if (client.raw.isClosed) {
        const again = await probe.client('again', client.hello)
        await again.exists(root)
        await again.close()
        return
      }
      await client.whoAmI()
      await client.create(`${root}/own`, { acl: ['31 auth '] })
      await client.getAcl(`${root}/own`)
    })
  }
  await probe.scene('super', async (client, root) => {
    const bob = await probe.client('bob')
    await bob.auth('digest', 'bob:secret')
    await bob.create(`${root}/his`, { acl: ['31 auth '] })
    await bob.close()
    await client.getData(`${root}/his`)
    await client.auth('digest', 'super:admin')
    await client.whoAmI()
    await everything(client, `${root}/his`)
    await client.create(`${root}/supers`, { acl: ['31 auth '] })
    await client.setData('/zookeeper/config', 'x')
  })
  await hiddenEvents(probe)
}

/** Who may not read a znode hears nothing of it. */
async function hiddenEvents(probe: Probe): Promise<void> {
  await probe.scene('events of what may not be read', async (client, root) => {
    const bob = await probe.client('bob')
    await bob.auth('digest', 'bob:secret')
    await client.addWatch(root, 1)
    await client.exists(`${root}/hidden`, true)
    await client.getChildren(root, true)
    await bob.create(`${root}/hidden`, { acl: [`31 digest ${BOB}`] })
    await client.listen('created')
    await bob.setData(`${root}/hidden`, 'y')
    await bob.create(`${root}/hidden/open`)
    await client.listen('set, and a child that may be read')
    await bob.delete(`${root}/hidden/open`)
    await bob.delete(`${root}/hidden`)
    await client.listen('deleted')
    await bob.close()
  })
}

async function everything(client: Client, at: string): Promise<void> {
  await client.readEach(at)
  await client.getAcl(at)
  await client.setData(at, 'y')
  await client.create(`${at}/new`)
  await client.delete(`${at}/child`)
  await client.setAcl(at, [`1 world anyone`, `31 digest ${BOB}`], 99)
  await client.create(`${at}/absent/x`)
}

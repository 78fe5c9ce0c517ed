// A router that ends TLS itself: on which listeners, with which certificate, what a renewal changes and what stops a start. For
// src/entry/door, over a real process and real handshakes.
import { rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certified, certificates } from '../fakes/certificates.ts';
import { eventually } from '../fakes/eventually.ts';
import { policyFor } from '../fakes/running-router.ts';
import { made } from './keys-command.ts';
import { newFolder, type Serving, serve, spillway } from './spillway-process.ts';

const SECRET = 'admin-secret-0123456789';
const folder = newFolder();
const [first, second] = [certificates(Date.now()), certificates(Date.now())];
const cert = join(folder, 'chain.pem');
const key = join(folder, 'key.pem');
const policy = join(folder, 'policy.yaml');
const show = (pair: Certified) => {
  writeFileSync(cert, pair.cert);
  writeFileSync(key, pair.key);
};
let router: Serving;
let credential: string;

beforeAll(async () => {
  show(first.good);
  writeFileSync(policy, `${policyFor(['http://127.0.0.1:1'])}server: ${JSON.stringify({ tls: { cert, key } })}\n`);
  credential = (await made(folder)).key;
  const args = ['--policy', policy, '--data', folder, '--listen', '0.0.0.0:0', '--admin', '0.0.0.0:0'];
  router = await serve(args, { folder, env: { SPILLWAY_ADMIN_SECRET: SECRET } });
});
afterAll(() => router.dispose());

const port = () => Number(new URL(router.url).port);

function ask(path: string, ca: string, on = port(), headers: Record<string, string> = {}) {
  return new Promise<{ status: number; certificate: PeerCertificate; protocol: string | null }>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: on, path, ca, headers, agent: false }, (response) => {
      const socket = response.socket as TLSSocket;
      const certificate = socket.getPeerCertificate();
      response
        .resume()
        .on('end', () => resolve({ status: response.statusCode!, certificate, protocol: socket.getProtocol() }));
    });
    asked.on('error', reject).end();
  });
}
const bearer = () => ({ authorization: `Bearer ${credential}` });

describe('with keys and a certificate', () => {
  it('F115 an address that others can reach is opened, and speaks HTTPS only', async () => {
    expect(router.url).toMatch(/^https:\/\/0\.0\.0\.0:\d+$/);
    expect(router.stdout).toContain('every call needs one');
    expect((await ask('/v1/models', first.ca)).status).toBe(401);
    const known = await ask('/v1/models', first.ca, port(), bearer());
    expect([known.status, known.protocol]).toEqual([200, 'TLSv1.3']);
    await expect(fetch(`http://127.0.0.1:${port()}/healthz`)).rejects.toThrow();
    await expect(ask('/healthz', second.ca)).rejects.toThrow(/certificate/);
  });

  it('older TLS is not spoken', async () => {
    const old = connect({
      host: '127.0.0.1',
      port: port(),
      ca: first.ca,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await expect(
      new Promise((resolve, reject) => old.on('secureConnect', resolve).on('error', reject)),
    ).rejects.toThrow();
    old.destroy();
  });

  it('the admin listener, reached from elsewhere, speaks it too and asks for its secret', async () => {
    const admin = Number(new URL(router.adminUrl).port);
    expect(router.adminUrl).toMatch(/^https:/);
    expect((await ask('/status', first.ca, admin)).status).toBe(401);
    expect((await ask('/status', first.ca, admin, { authorization: `Bearer ${SECRET}` })).status).toBe(200);
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, first.ca);
    const env = { SPILLWAY_ADMIN_SECRET: SECRET, NODE_EXTRA_CA_CERTS: ca };
    const shown = spillway(['status', '--admin', `https://127.0.0.1:${admin}`], env);
    expect([await shown.ended, shown.stdout.includes('pool-1')], shown.stderr).toEqual([0, true]);
    const plain = spillway(['status', '--admin', `10.0.0.5:${admin}`], env);
    expect(await plain.ended).toBe(2);
    expect(plain.stderr).toContain('is sent to another machine over TLS only');
  });

  it('a renewed certificate is shown after a reload, to new connections; one that cannot be used is not taken', async () => {
    const before = (await ask('/healthz', first.ca)).certificate.fingerprint256;
    const open = connect({ host: '127.0.0.1', port: port(), ca: first.ca });
    await new Promise((resolve) => open.once('secureConnect', resolve));
    show(second.good);
    router.kill('SIGHUP');
    await eventually(() => router.logged('policy_loaded').length > 0);
    const after = await ask('/healthz', second.ca);
    expect(after.certificate.fingerprint256).not.toBe(before);
    open.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const answer = await new Promise<Buffer>((resolve) => open.once('data', resolve));
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    open.destroy();

    writeFileSync(key, first.good.key);
    router.kill('SIGHUP');
    await eventually(() => router.logged('certificate_refused').length > 0);
    expect((await ask('/healthz', second.ca)).certificate.fingerprint256).toBe(after.certificate.fingerprint256);
    expect(router.stderr).not.toContain('PRIVATE KEY');
  });
});

const AT = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
const started = () => spillway(['serve', '--policy', policy, '--data', folder, ...AT]);

describe('a start', () => {
  it('on a certificate that is not there, is none, or does not fit its key is refused before anything listens', async () => {
    const tries: [string, string][] = [
      [first.good.cert, first.expired.key],
      ['no certificate', first.good.key],
      [first.good.cert, ''],
    ];
    for (const [chain, secret] of tries) {
      writeFileSync(cert, chain);
      writeFileSync(key, secret);
      const run = started();
      expect(await run.ended, run.stderr).toBe(2);
      expect(run.stderr).toContain('server.tls cannot be used');
      expect(run.stderr).not.toContain('PRIVATE KEY');
    }
    rmSync(cert);
    const gone = started();
    expect([await gone.ended, gone.stderr]).toEqual([2, expect.stringContaining('server.tls cannot be used (ENOENT)')]);
  });

  it('on loopback: callers meet HTTPS where a certificate is set, operators of this machine plain HTTP', async () => {
    show(first.good);
    const local = await serve(['--policy', policy, '--data', folder], { folder: newFolder() });
    expect([new URL(local.url).protocol, new URL(local.adminUrl).protocol]).toEqual(['https:', 'http:']);
    expect((await ask('/v1/models', first.ca, Number(new URL(local.url).port), bearer())).status).toBe(200);
    expect((await fetch(`${local.adminUrl}/readyz`)).status).toBe(200);
    await local.dispose();
  });
});
